"""Kafka for everybody here: one description of a cluster as aiokafka and Faust want it; topics; positions."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
)
from faust.types import TP

from schemas import topics
from schemas.config import Config
from schemas.errors import UnreachableError
from schemas.settings import Kafka
from schemas.values import immutable
from streams.kafka_refusals import starting_quietly, why
from streams.kafka_security import faust_credentials, security_settings

log = logging.getLogger(__name__)

MAX_RECORD = 16 << 20  # bytes
BATCH = 1 << 20  # bytes sent to a partition at once; with aiokafka's 16 kB a few trials would wait for each other
SESSION_S = 30.0
POLL_MS, SILENT_POLLS = 1000, 30


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
async def producer(kafka: Kafka, compression: str | None = "lz4") -> AsyncIterator[AIOKafkaProducer]:
    """A producer whose sends are durable when awaited."""
    client = AIOKafkaProducer(
        **client_settings(kafka),
        acks="all",
        linger_ms=5,
        max_batch_size=BATCH,
        max_request_size=MAX_RECORD,
        compression_type=compression,
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


async def tapped_places(config: Config) -> list[TP]:
    """All partitions of the tapped topics that exist."""
    counts = await partitions(config.tapped_kafka, config.tap.topics)
    return sorted(TP(name, number) for name, count in counts.items() for number in range(count))


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
    seeding, a position that is lost can only fall back to the earliest record. A partition that a topic gained since
    the group first committed starts at its first record, whatever `start` says: all of it came after we began.
    """
    counts = await partitions(kafka, names)
    places = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
    async with reader(kafka, group) as client:
        client.assign(places)
        committed = {place: await client.committed(place) for place in places}
        unset = [place for place in places if committed[place] is None]
        if unset:
            known = {place.topic for place, position in committed.items() if position is not None}
            fresh = [place for place in unset if start == "latest" and place.topic not in known]
            offsets = await client.beginning_offsets(unset)
            offsets.update(await client.end_offsets(fresh) if fresh else {})
            await client.commit({place: OffsetAndMetadata(offset, "") for place, offset in offsets.items()})
            committed.update(offsets)
    return {place: offset for place, offset in committed.items() if offset is not None}


@immutable
class Position:
    """Where a group stands in a partition (0 where it has committed nothing), and the first offset that is there."""

    committed: int
    first: int


async def positions(kafka: Kafka, group: str, tps: Iterable[TP]) -> dict[TP, Position]:
    """The position of each partition."""
    places = {TopicPartition(tp.topic, tp.partition): tp for tp in tps}
    async with reader(kafka, group) as client:
        client.assign(list(places))
        first = await client.beginning_offsets(list(places))
        return {tp: Position(await client.committed(place) or 0, first[place]) for place, tp in places.items()}


async def any_record(kafka: Kafka, tp: TP, start: int, end: int) -> bool:
    """Whether the offsets from `start` up to `end` hold a record; there must be one at `end` or behind it."""
    async with reader(kafka) as client:
        async for batch in to_the_end(client, TopicPartition(tp.topic, tp.partition), start):
            return bool(batch[0].offset < end)
    return False


async def to_the_end(
    client: AIOKafkaConsumer, place: TopicPartition, start: int, end: int | None = None
) -> AsyncIterator[Sequence[ConsumerRecord]]:
    """The records of a partition from `start` up to `end` (None: the end of the log as it is now), in batches.

    A poll that gives nothing is no end: the broker may be slow, or something blocks this event loop for longer than the
    poll. The embedded broker reports as its end the first offset of its last batch + 1, so what is read already behind
    that belongs to it.

    Raises:
        UnreachableError: nothing comes, though the end is not reached.
    """
    client.assign([place])
    known = (await client.end_offsets([place]))[place] if end is None else end
    client.seek(place, start)
    silent = 0
    while await client.position(place) < known:
        polled = (await client.getmany(place, timeout_ms=POLL_MS)).get(place, ())
        batch = [record for record in polled if end is None or record.offset < end]
        silent = 0 if polled else silent + 1
        if batch:
            yield batch
        elif silent == SILENT_POLLS:
            raise UnreachableError(
                f"{place.topic}/{place.partition} ends at offset {known}, and gives nothing from"
                f" {await client.position(place)} on; is the broker overloaded, or may we not read the topic?"
            )
    while end is None and (rest := (await client.getmany(place, timeout_ms=0)).get(place, ())):
        yield rest


async def send_durably(client: AIOKafkaProducer, topic: str, value: bytes, **where: Any) -> None:
    """Send and wait until the broker has it, however long it is away: what is sent here is paid for.

    `where` are keyword arguments of `AIOKafkaProducer.send`. A broker that answers with a refusal still raises.
    """
    wait = 0.5
    while True:
        try:
            await client.send_and_wait(topic, value, **where)
        except (KafkaTimeoutError, KafkaConnectionError, NodeNotReadyError) as away:
            log.warning("Kafka is away, a record for %s waits %.1f s: %s", topic, wait, type(away).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 15.0)
        else:
            return


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
