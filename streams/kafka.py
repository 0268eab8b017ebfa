"""Kafka for everybody here: one description of a cluster as aiokafka and Faust want it; topics; positions."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from faust.types import TP

from schemas import topics
from schemas.settings import Kafka
from streams.kafka_refusals import starting_quietly, why
from streams.kafka_security import faust_credentials, security_settings

MAX_RECORD = 16 << 20  # bytes
SESSION_S = 30.0


def client_settings(kafka: Kafka) -> dict[str, Any]:
    """Keyword arguments of every aiokafka client for this cluster.

    Raises:
        ConfigError: a named environment variable is not set, or a certificate cannot be read.
    """
    return {
        "bootstrap_servers": kafka.bootstrap,
        **(security_settings(kafka.security) if kafka.security is not None else {}),
    }


def faust_broker(kafka: Kafka) -> dict[str, Any]:
    """The same as settings of a Faust app."""
    credentials = faust_credentials(client_settings(kafka))
    return {
        "broker": [f"kafka://{address.strip()}" for address in kafka.bootstrap.split(",")],
        **({} if credentials is None else {"broker_credentials": credentials}),
    }


@asynccontextmanager
async def producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    """A producer whose sends are durable when awaited."""
    client = AIOKafkaProducer(
        **client_settings(kafka), acks="all", linger_ms=5, max_request_size=MAX_RECORD, compression_type="lz4"
    )
    async with _reachable(client, kafka):
        yield client


@asynccontextmanager
async def reader(kafka: Kafka, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that belongs to no group (or reads and commits positions of one without joining it)."""
    client = AIOKafkaConsumer(
        **client_settings(kafka),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=2000,
        max_partition_fetch_bytes=MAX_RECORD,
    )
    async with _reachable(client, kafka):
        yield client


@asynccontextmanager
async def admin(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client."""
    client = AIOKafkaAdminClient(**client_settings(kafka))
    try:
        await _start(client, kafka)
        yield client
    finally:
        await client.close()


async def partitions(kafka: Kafka, names: Iterable[str]) -> dict[str, int]:
    """Partition counts of the topics that exist."""
    async with admin(kafka) as client:
        have = set(await client.list_topics())  # asking for an absent topic by name would create it on many clusters
        wanted = [name for name in names if name in have]
        found = await client.describe_topics(wanted) if wanted else []
    return {topic["topic"]: len(topic["partitions"]) for topic in found if not topic["error_code"]}


async def create_topics(kafka: Kafka, trial_partitions: int, replication: int = 1) -> list[str]:
    """Create our own topics where they are missing; returns the names created.

    The trials topic has as many partitions as the largest tapped topic; touched has one, so that there is one judge.
    """
    wanted: Mapping[str, tuple[int, dict[str, str]]] = {
        topics.TRIALS: (trial_partitions, {"max.message.bytes": str(MAX_RECORD)}),
        topics.TOUCHED: (1, {}),
        topics.VERDICTS: (1, {"cleanup.policy": "compact"}),
        topics.DEAD_LETTERS: (1, {}),
        topics.CONTROL: (1, {"cleanup.policy": "compact"}),  # the last order stays, however old
    }
    have = await partitions(kafka, wanted)
    missing = [name for name in wanted if name not in have]
    async with admin(kafka) as client:
        for name in missing:
            count, config = wanted[name]
            try:
                await client.create_topics([NewTopic(name, count, replication, topic_configs=config)])
            except TopicAlreadyExistsError:
                continue
    return missing


async def seed_positions(kafka: Kafka, group: str, names: Iterable[str], start: str) -> dict[TopicPartition, int]:
    """Commit a start position for every partition that has none; returns all positions.

    With `latest` and no committed position a consumer would silently skip what arrives before its first commit; after
    seeding, a position that is lost can only fall back to the earliest record.
    """
    counts = await partitions(kafka, names)
    places = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
    async with reader(kafka, group) as client:
        client.assign(places)
        committed = {place: await client.committed(place) for place in places}
        unset = [place for place in places if committed[place] is None]
        if unset:
            offsets = await (client.end_offsets(unset) if start == "latest" else client.beginning_offsets(unset))
            await client.commit({place: OffsetAndMetadata(offset, "") for place, offset in offsets.items()})
            committed.update(offsets)
    return {place: offset for place, offset in committed.items() if offset is not None}


async def committed_positions(kafka: Kafka, group: str, tps: Iterable[TP]) -> dict[TP, int]:
    """The committed position of each partition, 0 where there is none."""
    places = {TopicPartition(tp.topic, tp.partition): tp for tp in tps}
    async with reader(kafka, group) as client:
        client.assign(list(places))
        return {tp: await client.committed(place) or 0 for place, tp in places.items()}


@asynccontextmanager
async def _reachable(client: Any, kafka: Kafka) -> AsyncIterator[None]:
    try:
        await _start(client, kafka)
        yield
    finally:
        await client.stop()


async def _start(client: Any, kafka: Kafka) -> None:
    try:
        with starting_quietly():
            await client.start()
    except (KafkaError, OSError) as refused:
        raise await why(kafka, client_settings(kafka)) from refused
    connected = getattr(client, "client", None) or client._client  # noqa: SLF001 - two of three have no public way
    if not connected.cluster.brokers():  # a refusal that it took for the metadata of an empty cluster
        raise await why(kafka, client_settings(kafka))
