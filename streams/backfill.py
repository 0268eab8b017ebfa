"""A candidate over a past window of the tapped topics: plain aiokafka, no group, an end of its own.

Never a trial twice, never an exchange counted twice, whatever else runs:

* what the live run will still reach is left to it: the window ends where the live group's position stands;
* a trial that is in the trials topic is not asked again, and its rerun is used, not paid anew;
* offsets that a ledger record counts for the candidate already are skipped.

So the same command may be repeated: it goes on where it ended. Trials go to the trials topic like all others; the
score role takes them from there.
"""

import asyncio
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiokafka import ConsumerRecord, TopicPartition
from faust.types import TP

from schemas import topics
from schemas.answers import Answer
from schemas.config import Config
from schemas.exchanges import Source
from schemas.ledger import LedgerRange, OutcomeCount, ledger_from_bytes
from schemas.outcomes import Outcome
from schemas.topics import consumer_group
from schemas.trials import trial_from_bytes
from schemas.values import immutable
from streams.control import controlled
from streams.kafka import partitions, producer, reader, to_the_end
from streams.lanes import Taken
from streams.replay.budget import Budget, Spend, today
from streams.replay.ledger_book import Outcomes
from streams.replay.pacing import Pace
from streams.replay.providers import provider_clients
from streams.replay.replayer import Replayer
from streams.stored_trials import own_records
from streams.worker import check_spending, checked_topics

Bounds = Mapping[TP, tuple[int, int]]  # partition to offsets: from inclusive, to exclusive
_BEYOND = 1 << 63  # larger than any offset
_PURSE = TP("", 0)
CHUNK = 512  # records worked on together; a chunk is counted when all of it is durable
UNFINISHED = frozenset({Outcome.OVER_BUDGET, Outcome.SHED})
"""Outcomes that end a backfill before them: it has time, so it does not write anything off."""


@immutable
class Window:
    """Event time from `from_ms` (inclusive) to `to_ms` (exclusive), milliseconds since 1970 UTC."""

    from_ms: int
    to_ms: int


@dataclass
class Past:
    """What the trials topic says of one candidate: who was asked, what is counted, and which reruns are paid for."""

    asked: defaultdict[TP, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    counted: dict[TP, list[tuple[int, int]]] = field(default_factory=dict)  # ranges that touch nowhere, in order
    reruns: dict[Source, Answer] = field(default_factory=dict)

    def is_counted(self, tp: TP, offset: int) -> bool:
        """Whether a ledger record counts this offset for the candidate."""
        ranges = self.counted.get(tp, [])
        after = bisect_right(ranges, (offset, _BEYOND))
        return after > 0 and offset < ranges[after - 1][1]


@dataclass
class Backfilled:
    """What a run did. `ended_by` is the outcome that ended it early, None where it came to the end of the window."""

    candidate: str
    records: int = 0
    skipped: int = 0  # counted for this candidate by an earlier run, or by the live one
    outcomes: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    usd: float = 0.0
    ended_by: Outcome | None = None


async def look_past(config: Config, candidate: str) -> Past:
    """Read the whole trials topic for what concerns this candidate."""
    past = Past()
    newest: dict[tuple[TP, str, int], LedgerRange] = {}
    async for batch in own_records(config.kafka, config.upgrade.name):
        for record in batch:
            if record.value is None:
                continue
            if dict(record.headers).get(topics.KIND_HEADER) == b"trial":
                trial = trial_from_bytes(record.value)
                source = trial.source
                if candidate in {answered.name for answered in trial.candidates}:
                    past.asked[TP(source.topic, source.partition)].add((source.offset, source.item))
                elif trial.rerun is not None and trial.rerun.error is None:
                    past.reruns.setdefault(source, trial.rerun)
            else:
                ledger = ledger_from_bytes(record.value)
                place = TP(ledger.topic, ledger.partition), ledger.run, ledger.start
                if place not in newest or newest[place].end < ledger.end:
                    newest[place] = ledger
    ranges: defaultdict[TP, list[tuple[int, int]]] = defaultdict(list)
    for (tp, _, _), ledger in newest.items():
        if candidate in {counted.candidate for counted in ledger.outcomes}:
            ranges[tp].append((ledger.since.get(candidate, ledger.start), ledger.end))
    past.counted = {tp: merged(several) for tp, several in ranges.items()}
    return past


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same offsets as ranges that neither overlap nor touch, in order.

    >>> merged([(5, 9), (0, 3), (3, 4), (7, 12)])
    [(0, 4), (5, 12)]
    """
    apart: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], end)
        else:
            apart.append((start, end))
    return apart


class Purse(Budget):
    """One purse for all partitions: a backfill works on them one after the other."""

    def spend(self, tp: TP, day: str) -> Spend:  # noqa: ARG002 - that is the point
        """What the run has spent."""
        return super().spend(_PURSE, day)


async def backfill(
    config: Config, candidate: str, window: Window, *, requests: int | None = None, usd: float | None = None
) -> Backfilled:
    """Ask a candidate for everything in the window that it has not been asked, within caps of this run's own.

    Returns when the window is done, or before the first exchange that a cap or the provider does not allow.

    Raises:
        ConfigError: no cap for a provider that is not on this machine, no price for a cap in USD.
        UsageError: our topics are missing.
        UnreachableError: Kafka does not answer.
    """
    caps = config.budget.model_copy(
        update={
            "requests_per_day": None,
            "usd_per_day": None,
            "requests_total": requests,
            "usd_total": usd,
            "pace": "none",
        }
    )
    chosen = tuple(one for one in config.candidates if one.name == candidate)
    config = config.model_copy(update={"candidates": chosen, "budget": caps})
    check_spending(config)
    trial_partitions, _ = await checked_topics(config, tapping=True)
    async with (
        producer(config.kafka) as sink,
        provider_clients(config.providers) as clients,
        controlled(config.kafka, config.upgrade.name, clients.values()),
    ):
        # First where the live run stands, then what was done: the other way round, what it does between the two
        # would be done again.
        bounds = await _bounds(config, window)
        past = await look_past(config, candidate)
        replayer = Replayer(
            config, sink, clients, trial_partitions, (_PURSE,), run=f"backfill {candidate}", reruns=past.reruns
        )
        replayer.budget = Purse(caps, (_PURSE,))
        replayer.pace = Pace(replayer.budget, time.time)
        for tp, places in past.asked.items():
            replayer.leave_out(tp, places)
        done = await _fill(config, bounds, replayer, past)
        spent = replayer.budget.spend(_PURSE, "")
        done.requests, done.usd = spent.total_requests, spent.total_usd
    return done


async def _fill(config: Config, bounds: Bounds, replayer: Replayer, past: Past) -> Backfilled:
    done = Backfilled(config.candidates[0].name)
    for tp, (start, end) in bounds.items():
        async for chunk in _chunks(config, tp, start, end):
            records = [record for record in chunk if not past.is_counted(tp, record.offset)]
            done.skipped += len(chunk) - len(records)
            before = replace(replayer.budget.spend(_PURSE, today()))
            results = await asyncio.gather(*(replayer.replay(record) for record in records))
            whole = next((i for i, found in enumerate(results) if _unfinished(found)), len(records))
            if whole:
                await replayer.write_range(_range(replayer, records[:whole], results[:whole], before))
            done.records += whole
            for found in results[:whole]:
                done.outcomes.update(str(outcome) for _, _, outcome in found)
            if whole < len(records):
                done.ended_by = _unfinished(results[whole])
                return done
    return done


def _unfinished(outcomes: Outcomes) -> Outcome | None:
    return next((outcome for _, _, outcome in outcomes if outcome in UNFINISHED), None)


def _range(replayer: Replayer, records: Sequence[Taken], results: Sequence[Outcomes], before: Spend) -> LedgerRange:
    """The ledger record of a chunk; `before` is what the run had spent when the chunk began."""
    spent = replayer.budget.spend(_PURSE, before.day)
    requests, usd = spent.total_requests - before.total_requests, round(spent.total_usd - before.total_usd, 9)
    candidate = replayer.config.candidates[0].name
    counts = Counter(key for found in results for key in found)
    first = records[0]
    return LedgerRange(
        replayer.config.upgrade.name,
        replayer.cluster,
        first.tp.topic,
        first.tp.partition,
        first.offset,
        records[-1].offset + 1,
        max(record.ts_ms for record in records),
        tuple(OutcomeCount(name, feature, str(outcome), n) for (name, feature, outcome), n in sorted(counts.items())),
        day=before.day,
        requests=requests,
        usd=usd,
        run=replayer.run,
        since={candidate: first.offset},
        total_requests=requests,
        total_usd=usd,
    )


async def _bounds(config: Config, window: Window) -> Bounds:
    """Offsets of the window in each tapped partition: from inclusive, to exclusive."""
    counts = await partitions(config.tapped_kafka, config.tap.topics)
    places = [TopicPartition(name, number) for name, count in sorted(counts.items()) for number in range(count)]
    group = consumer_group(config.upgrade.name, "replay")
    async with reader(config.tapped_kafka, group) as client:
        client.assign(places)
        ends = await client.end_offsets(places)
        first = await client.offsets_for_times(dict.fromkeys(places, window.from_ms))
        last = await client.offsets_for_times(dict.fromkeys(places, window.to_ms))
        live = {place: await client.committed(place) for place in places}
    bounds = {}
    for place in places:
        start = first[place].offset if first[place] is not None else ends[place]
        end = last[place].offset if last[place] is not None else ends[place]
        position = live[place]
        bounds[TP(place.topic, place.partition)] = start, end if position is None else min(end, position)
    return bounds


async def _chunks(config: Config, tp: TP, start: int, end: int) -> AsyncIterator[Sequence[Taken]]:
    place = TopicPartition(tp.topic, tp.partition)
    if start >= end:
        return
    async with reader(config.tapped_kafka) as client:
        waiting: list[Taken] = []
        async for batch in to_the_end(client, place, start, end):
            waiting += [_taken(tp, record) for record in batch]
            while len(waiting) >= CHUNK:
                yield waiting[:CHUNK]
                del waiting[:CHUNK]
        if waiting:
            yield waiting


def _taken(tp: TP, record: ConsumerRecord) -> Taken:
    headers = tuple(record.headers or ())
    return Taken(tp, 0, record.offset, record.key, record.value, headers, record.timestamp, record.offset + 1)
