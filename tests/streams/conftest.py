"""Running upgrades on real brokers: the embedded one always, Apache Kafka where Java and Maven are."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import NewTopic

from schemas.config import Config, config_from
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse
from streams.embedded.provider import simulated_provider
from streams.kafka import admin, create_topics, producer
from streams.store.configured import open_store
from tests.kafka.broker import is_available, kafka_broker

TOPIC = "llm.gateway"
PARTITIONS = 4

needs_kafka = pytest.mark.skipif(
    not is_available() and not os.environ.get("CI"), reason="Apache Kafka needs Java and Maven"
)


@pytest.fixture
async def kafka():
    async with kafka_broker() as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=[pytest.mark.kafka, needs_kafka])])
async def bootstrap(request):
    if request.param == "embedded":
        async with embedded_broker() as address:
            yield address
    else:
        async with kafka_broker() as broker:
            yield broker.bootstrap


@dataclass
class Setting:
    """Everything an upgrade needs, without a worker."""

    config: Config
    fields: dict[str, Any]
    provider: Any

    async def tap(self, traffic) -> int:
        """Put traffic on the tapped topic; returns how many records."""
        count = 0
        async with producer(self.config.kafka) as sink:
            for number, exchange in enumerate(traffic):
                await sink.send(
                    TOPIC, exchange.value, key=exchange.key, partition=number % PARTITIONS,
                    timestamp_ms=exchange.ts_ms, headers=list(exchange.headers),
                )  # fmt: skip
                count += 1
            await sink.flush()
        return count

    async def count(self, sql: str) -> int:
        async with open_store(self.config) as store:
            return int((await store.query(sql))[0][0])

    async def wait_for(self, sql: str, count: int, within_s: float) -> int:
        """Poll a count until it is reached; returns the last one seen."""
        deadline, seen = time.monotonic() + within_s, -1
        while time.monotonic() < deadline:
            seen = await self.count(sql)
            if seen >= count:
                break
            await _sleep(0.5)
        return seen


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


@asynccontextmanager
async def setting(bootstrap: str, models, folder: Path, **changes: Any) -> AsyncIterator[Setting]:
    """An upgrade of the support desk's model on this broker, its store and provider running, nothing tapped yet."""
    from streams.embedded import support_desk as desk

    async with embedded_clickhouse(folder / "store"), simulated_provider(models) as provider:
        fields = {
            "upgrade": {"name": "desk", "current": desk.CURRENT, "pinned": True},
            "candidates": [{"name": "b", "pin": desk.CANDIDATE, "pinned": True}],
            "tap": {"topics": [TOPIC], "match": [desk.VERSION_A], "start": "earliest"},
            "kafka": {"bootstrap": bootstrap},
            "sampling": {"candidate": 1.0, "rerun": 1.0, "adapt": False},
            "providers": {"sim": {"base_url": provider.base_url, "max_in_flight": 32}},
            "clickhouse": {"url": f"embedded:{folder / 'store'}", "store_text": "full"},
            "dimensions": {"embedding_distance": {"model": "hashing"}},
            **changes,
        }
        config = config_from(fields, label="test")
        async with open_store(config) as store:
            await store.migrate()
        async with admin(config.kafka) as client:
            await client.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
        await create_topics(config.kafka, PARTITIONS)
        yield Setting(config, fields, provider)
