"""The parts that faults are tried on: a broker, a store behind a proxy, and places to run upgrades on."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import NewTopic

from benchmarks.chaos.proxy import Proxy, clickhouse_proxy
from benchmarks.chaos.upgrades import Upgrade
from schemas.config import config_from
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse
from streams.embedded.provider import simulated_provider
from streams.kafka import admin, create_topics
from streams.kafka import partitions as known_partitions
from streams.store import Store
from tests.kafka.broker import Broker, kafka_broker

PARTITIONS = 4
SESSION_S = 6
VISIBLE_S = 30


@dataclass
class Stage:
    """Parts that rows share. `broker` is None where it is the embedded one, which cannot be stopped and started."""

    folder: Path
    bootstrap: str
    broker: Broker | None
    proxy: Proxy
    store: Store  # past the proxy
    user: str
    password_env: str
    in_process: bool = False
    count: int = 0

    @asynccontextmanager
    async def upgrade(self, partitions: Sequence[int] = (PARTITIONS,), **changes: Any) -> AsyncIterator[Upgrade]:
        """A new upgrade over a new tapped topic (or several, with these partition counts), all exchanges asked twice."""
        self.count += 1
        name = f"u{self.count}"
        tapped = [f"tap-{name}-{number}" for number in range(len(partitions))]
        configs = {"max.message.bytes": str(16 << 20), "message.timestamp.after.max.ms": str(10**12)}
        kafka = config_from(self._fields(name, tapped, "http://127.0.0.1:1/v1", {})).kafka
        async with admin(kafka) as client:
            await client.create_topics(
                [NewTopic(topic, n, 1, topic_configs=configs) for topic, n in zip(tapped, partitions, strict=True)]
            )
        async with asyncio.timeout(VISIBLE_S):  # the broker says that they are made before it lists them
            while (await known_partitions(kafka, tapped)).keys() != set(tapped):
                await asyncio.sleep(0.1)
        async with self.over(tapped, name, **changes) as made:
            yield made

    @asynccontextmanager
    async def over(self, tapped: Sequence[str], name: str, **changes: Any) -> AsyncIterator[Upgrade]:
        """An upgrade over topics that are there."""
        async with simulated_provider(desk.desk_models(8, {})) as provider:
            fields = self._fields(name, tapped, provider.base_url, changes)
            for settings in fields["providers"].values():
                settings["base_url"] = provider.base_url
            made = Upgrade(self.folder, self.store, fields, provider, self.in_process).changed()
            try:
                yield made
            finally:
                for process in made.processes:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()

    @asynccontextmanager
    async def broken_store(self) -> AsyncIterator[tuple[Proxy, dict[str, Any]]]:
        """A proxy of one's own before the store, to be broken, and the settings that lead through it."""
        async with clickhouse_proxy(self.proxy.behind) as proxy:
            yield proxy, self._clickhouse(proxy.url)

    def _clickhouse(self, url: str) -> dict[str, Any]:
        return {"url": url, "user": self.user, "password_env": self.password_env, "store_text": "full"}

    def _fields(self, name: str, tapped: Sequence[str], base_url: str, changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "upgrade": {"name": name, "current": desk.CURRENT, "pinned": True},
            "candidates": [{"name": "b", "pin": desk.CANDIDATE, "pinned": True}],
            "tap": {"topics": list(tapped), "match": [desk.VERSION_A], "start": "earliest"},
            "kafka": {"bootstrap": self.bootstrap},
            "sampling": {"candidate": 1.0, "rerun": 1.0, "adapt": False},
            "providers": {"sim": {"base_url": base_url, "max_in_flight": 32}},
            "clickhouse": self._clickhouse(self.proxy.url),
            "dimensions": {"embedding_distance": {"model": "hashing"}},
            "worker": {"session_s": SESSION_S, "wait_s": 120},
            **changes,
        }


@asynccontextmanager
async def stage(folder: Path, *, embedded: bool = False, in_process: bool = False) -> AsyncIterator[Stage]:
    """Start everything that rows share."""
    async with AsyncExitStack() as stack:
        broker = None if embedded else await stack.enter_async_context(kafka_broker())
        bootstrap = broker.bootstrap if broker else await stack.enter_async_context(embedded_broker())
        server = await stack.enter_async_context(embedded_clickhouse(folder / "store"))
        password_env = f"CHAOS_CLICKHOUSE_PASSWORD_{'EMBEDDED' if embedded else 'KAFKA'}"
        os.environ[password_env] = server.password
        proxy = await stack.enter_async_context(clickhouse_proxy(server.url))
        store = await stack.enter_async_context(Store.open(server.url, user=server.user, password=server.password))
        await store.migrate()
        made = Stage(folder, bootstrap, broker, proxy, store, server.user, password_env, in_process)
        await create_topics(config_from(made._fields("u", ["t"], "http://127.0.0.1:1/v1", {})).kafka, PARTITIONS)
        yield made
