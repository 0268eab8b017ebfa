"""Are the topics as they must be, and may we use them? Looks only; grants are tried by reading, never by writing."""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from faust.types import TP

from schemas import topics
from schemas.config import Config
from schemas.errors import ShadowtapError
from schemas.settings import Kafka
from schemas.topics import consumer_group
from streams.kafka import MAX_RECORD, admin, positions, reader

HOUR_MS = 3_600_000
OWN = (topics.TRIALS, topics.TOUCHED, topics.VERDICTS, topics.DEAD_LETTERS, topics.CONTROL)
COMPACTED = (topics.VERDICTS, topics.CONTROL)
_MIGRATE = "run `shadowtap migrate`"


async def check_own_topics(config: Config, largest_tapped: int | None) -> str:
    """Our own topics are there, wide enough, kept long enough, and readable.

    `largest_tapped` is how many partitions the largest tapped topic has, None where that is not known.

    Raises:
        ShadowtapError: what is wrong, all of it, and what to do.
    """
    kafka = config.kafka
    found = await _described(kafka)
    missing = [name for name in OWN if name not in found]
    if missing:
        raise ShadowtapError(
            f"{kafka.bootstrap} has no {', '.join(missing)}, or does not let this user see them (Describe and Read):"
            f" {_MIGRATE}, or have them created and granted"
        )
    wrong = list(await _settings_trouble(config))
    count = len(found[topics.TRIALS])
    if largest_tapped is not None and count < largest_tapped:
        wrong.append(
            f"{topics.TRIALS} has {count} partitions and the largest tapped topic {largest_tapped}: give it as many, so"
            " that one worker does not carry several partitions' trials"
        )
    if len(found[topics.TOUCHED]) != 1:
        wrong.append(
            f"{topics.TOUCHED} has {len(found[topics.TOUCHED])} partitions: make it 1, so that there is one judge"
        )
    brokers = await _brokers(kafka)
    copies = min(len(partition["replicas"]) for partition in found[topics.TRIALS])
    if brokers > 1 and copies == 1:
        wrong.append(f"{topics.TRIALS} has one copy on {brokers} brokers: what was paid for hangs on one disk")
    for name in OWN:
        await _readable(kafka, name)
    if wrong:
        raise ShadowtapError("; ".join(wrong))
    return f"{kafka.bootstrap}, all topics are there and readable; writing was not tried"


async def check_tapped_topics(config: Config) -> dict[str, int]:
    """Partition counts of the tapped topics, which are there and readable, with our group too.

    Raises:
        ShadowtapError: what is missing.
    """
    kafka = config.tapped_kafka
    found = await _described(kafka)
    missing = [name for name in config.tap.topics if name not in found]
    if missing:
        raise ShadowtapError(
            f"tap.topics: {kafka.bootstrap} has no {', '.join(missing)}, or does not let this user see it (Describe and"
            " Read)"
        )
    for name in config.tap.topics:
        await _readable(kafka, name)
    group = consumer_group(config.upgrade.name, "replay")
    try:
        await positions(kafka, group, [TP(config.tap.topics[0], 0)])
    except (GroupAuthorizationFailedError, ClusterAuthorizationFailedError) as refused:
        raise ShadowtapError(
            f"this user may not use consumer group {group!r}: grant Read on it (prefix shadowtap.)"
        ) from refused
    return {name: len(found[name]) for name in config.tap.topics}


async def _described(kafka: Kafka) -> dict[str, Any]:
    async with admin(kafka) as client:
        have = set(await client.list_topics())  # asking for an absent topic by name would create it on many clusters
        found = await client.describe_topics(sorted(have)) if have else []
    return {topic["topic"]: topic["partitions"] for topic in found if not topic["error_code"]}


async def _brokers(kafka: Kafka) -> int:
    async with admin(kafka) as client:
        return len((await client.describe_cluster())["brokers"])


async def _readable(kafka: Kafka, name: str) -> None:
    place = TopicPartition(name, 0)
    async with reader(kafka) as client:
        client.assign([place])
        try:
            await client.seek_to_beginning(place)
            await client.getmany(place, timeout_ms=100, max_records=1)
        except TopicAuthorizationFailedError as refused:
            raise ShadowtapError(f"this user may not read topic {name!r}: grant Read on it") from refused


async def _settings_trouble(config: Config) -> list[str]:
    settings = await _topic_settings(config.kafka)
    wrong = [
        f"{name} is not compacted ({settings[name]['cleanup.policy']}): set cleanup.policy=compact, or"
        f" {'a pause' if name == topics.CONTROL else 'a verdict'} is forgotten when it is old"
        for name in COMPACTED
        if "cleanup.policy" in settings.get(name, {}) and "compact" not in settings[name]["cleanup.policy"]
    ]
    trials = settings.get(topics.TRIALS, {})
    kept_ms = int(trials.get("retention.ms") or -1)
    wanted_h = config.verdict.max_hours
    if 0 <= kept_ms < wanted_h * HOUR_MS:
        wrong.append(
            f"{topics.TRIALS} keeps records for {kept_ms / HOUR_MS:.3g} hours: set retention.ms to at least"
            f" {wanted_h * HOUR_MS:.0f} (verdict.max_hours), or what was paid for is lost in an outage of that length"
        )
    if int(trials.get("retention.bytes") or -1) >= 0:
        wrong.append(f"{topics.TRIALS} is cut at {trials['retention.bytes']} bytes: set retention.bytes=-1")
    if int(trials.get("max.message.bytes") or MAX_RECORD) < MAX_RECORD:
        wrong.append(
            f"{topics.TRIALS} takes {trials['max.message.bytes']} bytes a record: set max.message.bytes={MAX_RECORD}"
        )
    return wrong


async def _topic_settings(kafka: Kafka) -> Mapping[str, Mapping[str, str]]:
    """Settings of our topics, as far as this user may see them (DescribeConfigs)."""
    async with admin(kafka) as client:
        try:
            answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in OWN])
        except KafkaError:
            return {}
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
        if not resource[0]
    }
