"""The score role's work: a batch of trials → scores → ClickHouse → which evidence was touched."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiokafka import AIOKafkaProducer

from comparators.comparator import Comparator
from comparators.drift.epochs import EpochsInForce
from comparators.scoring import score_trials
from schemas import json_text, topics
from schemas.comparisons import Comparison
from schemas.errors import UnreachableError
from schemas.ledger import LedgerRange, ledger_from_bytes
from schemas.touched import Touched, touched_bytes
from schemas.trials import Trial, trial_from_bytes
from streams import metrics
from streams.calibrating import InForce, Observer
from streams.kafka import send_durably
from streams.lanes import Taken
from streams.redaction import Redactor
from streams.rules import Rules
from streams.store import Store

T = TypeVar("T")

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 15.0


@dataclass
class Scorer:
    """Scores trials of one upgrade and writes them down; everything it does may be repeated."""

    upgrade: str
    in_force: InForce
    store: Store
    producer: AIOKafkaProducer
    store_text: str
    redactor: Redactor = field(default_factory=Redactor)
    scored: int = field(default=0)
    _observer: Observer = field(default_factory=Observer)

    def prepare(self) -> None:
        """Load the models; takes seconds, so do it beside everything else that takes seconds."""
        known = self.in_force.rules
        for rules in (known.common, *known.own.values()):
            for dimension in rules.dimensions:
                dimension.comparator.prepare()

    async def score(self, records: Sequence[Taken]) -> None:
        """Score and store a batch; returns when it is durable, however long ClickHouse is away."""
        trials: list[tuple[Trial, int]] = []
        ledger: list[LedgerRange] = []
        for record in records:
            if record.header(topics.UPGRADE_HEADER) != self.upgrade or record.value is None:
                continue
            try:
                if record.header(topics.KIND_HEADER) == "trial":
                    trials.append((trial_from_bytes(record.value), record.offset))
                else:
                    ledger.append(ledger_from_bytes(record.value))
            except ValueError as unreadable:
                await self._dead_letter(record.place, str(unreadable))
        await patiently("calibrations", self.in_force.follow)
        rules, epochs = self.in_force.rules, self.in_force.epochs  # of one moment: a judge beside us may freeze more
        with metrics.SCORING_SECONDS.time():
            comparisons = await asyncio.to_thread(score_trials, [trial for trial, _ in trials], rules.of, timed)
        offsets = {trial.trial_id: offset for trial, offset in trials}
        await self._store(comparisons, {c.comparison_id: offsets[c.trial.trial_id] for c in comparisons}, epochs)
        await self._observe(comparisons, rules)
        if ledger:
            await patiently("coverage", lambda: self.store.insert_coverage(ledger))
        await self._tell(comparisons, ledger)
        self.scored += len(comparisons)
        for comparison in comparisons:
            metrics.COMPARISONS.labels(comparison.candidate).inc()

    async def _store(
        self, comparisons: Sequence[Comparison], offsets: dict[object, int], epochs: EpochsInForce
    ) -> None:
        if not comparisons:
            return
        batch = [(comparison, offsets[comparison.comparison_id]) for comparison in comparisons]
        refused = await patiently(
            "comparisons",
            lambda: self.store.insert_comparisons(batch, epochs.epoch_of, self.store_text, self.redactor),
        )
        for comparison, reason in refused:
            source = comparison.trial.source
            await self._dead_letter((source.topic, source.partition, source.offset), reason)

    async def _observe(self, comparisons: Sequence[Comparison], rules: Rules) -> None:
        observations = self._observer.observations(comparisons, rules)
        if observations:
            await patiently("observations", lambda: self.store.add_observations(self.upgrade, observations))
            self._observer.written(observations)

    async def _tell(self, comparisons: Sequence[Comparison], ledger: Sequence[LedgerRange]) -> None:
        touched = {
            Touched(self.upgrade, c.candidate, c.trial.feature, c.trial.ts_ms // HOUR_MS * 3600) for c in comparisons
        }
        # A ledger record can change coverage, and so a verdict, without any new score: hour 0 says "judge again".
        touched |= {Touched(self.upgrade, o.candidate, "", 0) for entry in ledger for o in entry.outcomes}
        sends = [
            await self.producer.send(
                topics.TOUCHED, touched_bytes(one), partition=0,
                headers=[(topics.UPGRADE_HEADER, self.upgrade.encode())],
            )
            for one in sorted(touched)
        ]  # fmt: skip
        await asyncio.gather(*sends)

    async def _dead_letter(self, place: tuple[str, int, int], reason: str) -> None:
        letter = {"upgrade": self.upgrade, "topic": place[0], "partition": place[1], "offset": place[2],
                  "role": "score", "error": reason[:500]}  # fmt: skip
        await send_durably(self.producer, topics.DEAD_LETTERS, json_text.dumps(letter), key=str(place).encode())
        metrics.DEAD_LETTERS.labels("score").inc()


@contextmanager
def timed(comparator: Comparator) -> Iterator[None]:
    """Count the seconds that a comparator takes."""
    started = time.perf_counter()
    yield
    name = type(comparator).__module__.rpartition(".")[2]  # a comparator's file has its name
    metrics.DIMENSION_SECONDS.labels(name).inc(time.perf_counter() - started)


async def patiently(what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeat until ClickHouse is back; the records wait meanwhile, and with them the stream."""
    wait = FIRST_WAIT_S
    while True:
        try:
            return await attempt()
        except UnreachableError as away:
            metrics.STORE_RETRIES.labels(what).inc()
            log.warning("ClickHouse is away, %s wait %.1f s: %s", what, wait, away)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
