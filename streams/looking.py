"""A look at what was tapped lately: what it is, what of it could be replayed, how much. Nothing is committed."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faust.types import TP

from schemas import json_text
from schemas.answers import Usage
from schemas.exchanges import Exchange, Source
from schemas.outcomes import Outcome
from schemas.settings import Kafka, Tap
from streams.kafka import partitions, reader
from streams.replay.costs import BYTES_PER_TOKEN
from streams.tap.decode import Undecodable, decode
from streams.tap.features import FeatureNames, feature_of
from streams.tap.scope import out_of_bounds

HOUR_MS = 3_600_000
REPLAYABLE = "can be replayed"

Seen = Callable[[Exchange], None]
"""Is shown every exchange that could be read."""


@dataclass
class FeatureSeen:
    """The exchanges of a feature that can be replayed, with the tokens of their requests and answers."""

    exchanges: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    per_hour: float = 0.0

    @property
    def usage(self) -> Usage:
        """Of a mean exchange."""
        count = max(1, self.exchanges)
        return Usage(round(self.input_tokens / count), round(self.output_tokens / count))


@dataclass
class Tapped:
    """What the last records of the tapped topics were.

    `outcomes` counts what would become of each exchange, with the reason where one is given. Rates are those of the
    records looked at; `counted` is how many of the replayable ones told their tokens, the others are estimated.
    """

    records: int = 0
    places: list[TP] = field(default_factory=list)
    first_ms: int | None = None
    last_ms: int | None = None
    models: Counter[str] = field(default_factory=Counter)
    features: dict[str, FeatureSeen] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    counted: int = 0
    candidates_seen: int = 0  # exchanges with a candidate's model that do not carry our header
    largest: Exchange | None = None
    _largest_bytes: int = -1

    @property
    def replayable(self) -> int:
        """Exchanges that can be replayed."""
        return self.outcomes[REPLAYABLE]

    @property
    def hours(self) -> float:
        """From the first record to the last."""
        return 0.0 if self.first_ms is None or self.last_ms is None else (self.last_ms - self.first_ms) / HOUR_MS

    @property
    def age_s(self) -> float | None:
        """How long ago the newest record was written."""
        return None if self.last_ms is None else max(0.0, time.time() - self.last_ms / 1000)


async def look(
    kafka: Kafka,
    tap: Tap,
    last: int,
    match: AbstractSet[str],
    *,
    candidates: Collection[str] = (),
    declared: Collection[str] = (),
    seen: Seen = lambda _: None,
) -> Tapped:
    """Read the `last` records of every tapped partition.

    Args:
        kafka: the cluster of the tapped topics.
        tap: which topics, and how their records are read.
        last: records of each partition, at most.
        match: names of the current pin.
        candidates: model ids of the candidates, to notice replays of ours that lost their header.
        declared: features that have a name of their own in any case.
        seen: is shown every exchange.

    Raises:
        UnreachableError: Kafka does not answer.
        KafkaError: it refuses.
    """
    found, names = Tapped(), FeatureNames(declared)
    counts = await partitions(kafka, tap.topics)
    async with reader(kafka) as client:
        for place in (TopicPartition(name, number) for name, count in counts.items() for number in range(count)):
            found.places.append(TP(place.topic, place.partition))
            records = await _last(client, place, last)
            here: Counter[str] = Counter()
            for record in records:
                _note(found, record, tap, match, candidates, names, here, seen)
            hours = (records[-1].timestamp - records[0].timestamp) / HOUR_MS if records else 0.0
            for feature, count in here.items():
                found.features[feature].per_hour += count / hours if hours > 0 else 0.0
    return found


async def _last(client: AIOKafkaConsumer, place: TopicPartition, last: int) -> list[ConsumerRecord]:
    client.assign([place])
    begin = (await client.beginning_offsets([place]))[place]
    end = (await client.end_offsets([place]))[place]
    client.seek(place, max(begin, end - last))
    records: list[ConsumerRecord] = []
    # The reported end can lie (the embedded broker's does), so the end is also where nothing more comes.
    while end > begin and (batch := (await client.getmany(place, timeout_ms=1000)).get(place)):
        records += batch
        if batch[-1].offset + 1 >= end:
            break
    return records[-last:]


def _note(  # noqa: PLR0917 - a record, how to read it, and where it is counted
    found: Tapped,
    record: ConsumerRecord,
    tap: Tap,
    match: AbstractSet[str],
    candidates: Collection[str],
    names: FeatureNames,
    here: Counter[str],
    seen: Seen,
) -> None:
    found.records += 1
    found.first_ms = record.timestamp if found.first_ms is None else min(found.first_ms, record.timestamp)
    found.last_ms = max(found.last_ms or 0, record.timestamp)
    source = Source("", record.topic, record.partition, record.offset)
    try:
        exchanges = decode(record.value, record.headers, record.timestamp, source, tap)
    except Undecodable as unreadable:
        found.outcomes[f"{Outcome.DEAD_LETTER}: {unreadable.reason}"] += 1
        return
    for exchange in exchanges:
        seen(exchange)
        found.models.update(exchange.model_names or ("(no model named)",))
        outside = out_of_bounds(exchange, match)
        if outside is not Outcome.OWN_TRAFFIC and not set(candidates).isdisjoint(exchange.model_names):
            found.candidates_seen += 1
        if outside is not None:
            found.outcomes[outside] += 1
        elif exchange.unreplayable is not None:
            found.outcomes[f"{Outcome.UNREPLAYABLE}: {exchange.unreplayable}"] += 1
        else:
            found.outcomes[REPLAYABLE] += 1
            feature = names.admit(feature_of(exchange, tap.feature))
            here[feature] += 1
            _count(found, feature, exchange)


def _count(found: Tapped, feature: str, exchange: Exchange) -> None:
    usage, size = exchange.baseline.usage, len(json_text.dumps(exchange.request.body))
    is_counted = usage.input_tokens is not None and usage.output_tokens is not None
    found.counted += is_counted
    of_feature = found.features.setdefault(feature, FeatureSeen())
    of_feature.exchanges += 1
    of_feature.input_tokens += usage.input_tokens if usage.input_tokens is not None else size // BYTES_PER_TOKEN
    of_feature.output_tokens += (
        usage.output_tokens if usage.output_tokens is not None else len(exchange.baseline.content) // BYTES_PER_TOKEN
    )
    if size > found._largest_bytes:  # noqa: SLF001 - of the same module
        found.largest, found._largest_bytes = exchange, size  # noqa: SLF001 - the same
