"""What `shadowtap check` finds: does every part answer, and what would be replayed of what was tapped lately?"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from comparators.drift.forecast import trials_to_pass
from schemas import topics
from schemas.config import Config
from schemas.errors import ShadowtapError, UnreachableError
from schemas.exchanges import Source
from schemas.outcomes import Outcome
from schemas.pins import split_pin
from streams.kafka import partitions, reader
from streams.rules import Rules
from streams.store.configured import open_store
from streams.tap.decode import Undecodable, decode
from streams.tap.features import feature_of
from streams.tap.scope import out_of_bounds
from streams.worker import check_spending

FLIPS_OF_ITS_OWN = 0.02  # how often a model is taken to change its own answer where nothing is known yet


@dataclass
class Finding:
    """One thing that was looked at: `trouble` says what is wrong and what to do, empty where all is well."""

    what: str
    said: str = ""
    trouble: str = ""
    exit_code: int = 0


@dataclass
class Tapped:
    """What the last records of the tapped topics were."""

    records: int = 0
    hours: float = 0.0
    models: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)  # outcome, with the reason where one is given

    @property
    def per_day(self) -> float | None:
        """Exchanges a day that would be replayed, None where the records are too few to say."""
        would = sum(self.features.values())
        return would / self.hours * 24 if self.hours > 0 else None


async def check(config: Config, last: int) -> AsyncIterator[Finding | Tapped]:
    """Reach every part in turn, and look at the `last` tapped records of each partition."""
    yield await _tried("settings", lambda: _settings(config))
    own = await _tried("own Kafka", lambda: _own_topics(config))
    yield own
    tap = await _tried("tapped topics", lambda: _tapped_topics(config))
    yield tap
    if not tap.trouble:
        yield await look(config, last)
    yield await _tried("ClickHouse", lambda: _store(config))
    for name in sorted({split_pin(pin).provider for pin in _pins(config)}):
        yield await _tried(f"provider {name}", partial(_provider, config, name))
    yield await _tried("Slack", lambda: _slack(config))


async def look(config: Config, last: int) -> Tapped:
    """Read the last records of every tapped partition and say what would become of them; nothing is committed."""
    found = Tapped()
    first_ms, last_ms = None, 0
    counts = await partitions(config.tapped_kafka, config.tap.topics)
    async with reader(config.tapped_kafka) as client:
        for place in (TopicPartition(name, number) for name, count in counts.items() for number in range(count)):
            client.assign([place])
            begin = (await client.beginning_offsets([place]))[place]
            end = (await client.end_offsets([place]))[place]
            client.seek(place, max(begin, end - last))
            while batch := (await client.getmany(timeout_ms=1000)).get(place):
                for record in batch:
                    source = Source("", place.topic, place.partition, record.offset)
                    _note(config, found, record.value, record.headers, record.timestamp, source)
                    first_ms = record.timestamp if first_ms is None else min(first_ms, record.timestamp)
                    last_ms = max(last_ms, record.timestamp)
                if batch[-1].offset + 1 >= end:
                    break
    found.hours = (last_ms - first_ms) / 3_600_000 if first_ms is not None else 0.0
    return found


def trials_needed(tolerance: float) -> int | None:
    """Paired trials to a PASS at this tolerance, for a model that changes its own answer now and then."""
    return trials_to_pass(FLIPS_OF_ITS_OWN, tolerance)


def _note(config: Config, found: Tapped, value: bytes | None, headers: object, ts_ms: int, source: Source) -> None:  # noqa: PLR0917 - a record's parts
    found.records += 1
    try:
        exchanges = decode(value, headers, ts_ms, source, config.tap)  # type: ignore[arg-type] # aiokafka ships no types
    except Undecodable as unreadable:
        found.outcomes[f"{Outcome.DEAD_LETTER}: {unreadable.reason}"] += 1
        return
    for exchange in exchanges:
        found.models.update(exchange.model_names[:1])
        outside = out_of_bounds(exchange, config.match_names)
        if outside is not None:
            found.outcomes[outside] += 1
        elif exchange.unreplayable is not None:
            found.outcomes[f"{Outcome.UNREPLAYABLE}: {exchange.unreplayable}"] += 1
        else:
            found.outcomes["can be replayed"] += 1
            found.features[feature_of(exchange, config.tap.feature)] += 1


async def _tried(what: str, attempt: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, await attempt())
    except ShadowtapError as wrong:
        return Finding(what, trouble=str(wrong), exit_code=wrong.exit_code)
    except KafkaError as wrong:
        return Finding(what, trouble=f"Kafka refuses: {wrong}", exit_code=UnreachableError.exit_code)


async def _settings(config: Config) -> str:
    Rules(config)
    check_spending(config)
    return f"upgrade {config.upgrade.name}: {config.upgrade.current} → {', '.join(c.pin for c in config.candidates)}"


async def _own_topics(config: Config) -> str:
    own = (topics.TRIALS, topics.TOUCHED, topics.VERDICTS, topics.DEAD_LETTERS, topics.CONTROL)
    have = await partitions(config.kafka, own)
    missing = [name for name in own if name not in have]
    if missing:
        raise ShadowtapError(f"{config.kafka.bootstrap} has no {', '.join(missing)}: run `shadowtap migrate`")
    return f"{config.kafka.bootstrap}, all topics are there"


async def _tapped_topics(config: Config) -> str:
    have = await partitions(config.tapped_kafka, config.tap.topics)
    missing = [name for name in config.tap.topics if name not in have]
    if missing:
        raise ShadowtapError(f"tap.topics: {config.tapped_kafka.bootstrap} has no topic {', '.join(missing)}")
    return ", ".join(f"{name} ({count} partitions)" for name, count in have.items())


async def _store(config: Config) -> str:
    async with open_store(config) as store:
        await store.require_schema()
    return f"{config.clickhouse.url}, the schema is this program's"


async def _provider(config: Config, name: str) -> str:
    provider = config.providers.get(name)
    if provider is None:
        raise ShadowtapError(f"providers.{name}: missing; add its base_url")
    if provider.api_key_env and not os.environ.get(provider.api_key_env):
        raise ShadowtapError(f"providers.{name}.api_key_env: the variable {provider.api_key_env} is not set")
    headers = {"authorization": f"Bearer {os.environ[provider.api_key_env]}"} if provider.api_key_env else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(f"{provider.base_url}/models", headers=headers) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError) as away:
        raise UnreachableError(f"providers.{name}.base_url: nobody answers ({type(away).__name__})") from away
    if status in (401, 403):
        raise ShadowtapError(f"providers.{name}.api_key_env: the provider refuses the key ({status})")
    return f"{provider.base_url} answers ({status})"


async def _slack(config: Config) -> str:
    variable = config.slack.webhook_env
    if variable is None:
        return "not configured; alerts are only noted in ClickHouse"
    if not os.environ.get(variable):
        raise ShadowtapError(f"slack.webhook_env: the variable {variable} is not set")
    return "a webhook is configured; nothing was sent"


def _pins(config: Config) -> list[str]:
    return [config.upgrade.current, *(candidate.pin for candidate in config.candidates)]
