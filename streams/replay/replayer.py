"""One tapped record → its outcomes: decode, scope, sample, budget, ask the arms, produce the trial.

Whatever happens, a record ends with an outcome for each exchange in it, and the outcome is durable before the
position moves: a trial is produced, an undecodable record is dead-lettered, everything else stands in the ledger.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from aiokafka import AIOKafkaProducer
from faust.types import TP

from schemas import json_text, topics
from schemas.answers import Answer
from schemas.config import Config, candidate_hash
from schemas.exchanges import Exchange, Source
from schemas.ledger import LedgerRange, ledger_bytes
from schemas.outcomes import Outcome
from schemas.trials import CandidateAnswer, Trial, trial_bytes, trial_id
from streams import metrics
from streams.kafka import Position, send_durably, tapped_places
from streams.lanes import Abandoned, Claim, Lanes, Taken
from streams.replay.arms import RERUN, AskedArm, arms_of, candidate_arm, likely_cost
from streams.replay.budget import Budget, today
from streams.replay.client import ABANDONED, ProviderClient, Unavailable
from streams.replay.costs import with_cost
from streams.replay.ledger_book import LedgerBook, Outcomes
from streams.replay.look_back import look_back
from streams.replay.pacing import Pace
from streams.replay.purse import Purse
from streams.replay.rates import Rates
from streams.replay.sampling import Sampling
from streams.replay.stragglers import Asked, Stragglers
from streams.tap.decode import Undecodable, decode
from streams.tap.features import FeatureNames, feature_of
from streams.tap.scope import out_of_bounds

log = logging.getLogger(__name__)

MAX_TRIAL = 12 << 20  # bytes; the trials topic takes 16 MiB


@dataclass
class Replayer:
    """Replays tapped records of one upgrade.

    `trial_partitions` counts the partitions of the trials topic, `places` are all tapped partitions, of which this
    worker has some. `outcomes` counts outcomes since the start. `run` names a backfill, and `reruns` are answers of the
    current pin that are paid for already.
    """

    config: Config
    producer: AIOKafkaProducer
    providers: Mapping[str, ProviderClient]
    trial_partitions: int
    places: Sequence[TP]
    cluster: str = "default"
    run: str = ""
    reruns: Mapping[Source, Answer] = field(default_factory=dict)
    features: FeatureNames = field(init=False)
    rates: Rates = field(init=False)
    sampling: Sampling = field(init=False)
    budget: Budget = field(init=False)
    pace: Pace = field(init=False)
    ledger: LedgerBook = field(init=False)
    stragglers: Stragglers = field(init=False)
    outcomes: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _part: float = 1.0  # of the tapped partitions, in this worker's hands
    _done: defaultdict[TP, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        config = self.config
        self._hashes = {candidate.name: candidate_hash(candidate) for candidate in config.candidates}
        self._match_names, self._names = config.match_names, [candidate.name for candidate in config.candidates]
        self.features = FeatureNames(config.features)
        self.rates = Rates(config)
        self.sampling = Sampling(
            self._names,
            self.rates.candidate_share,
            lambda feature: self.rates.rerun_share(feature, self._part),
            self.rates.is_known,
        )
        self.budget = Budget(config.budget, self.places, config.verdict.max_hours / 24)
        if config.budget.has_cap:
            self.budget.record = self._write_spend
        self.pace = Pace(self.budget, time.time)
        self.stragglers = Stragglers(self.providers)
        self.ledger = LedgerBook(config.upgrade.name, self.cluster)

    async def replay(self, record: Taken, claim: Claim | None = None) -> Outcomes:
        """The outcomes of a tapped record, once they are durable.

        Raises:
            Abandoned: the `claim` was lost before anything was paid.
        """
        if self.ledger.is_counted(record.tp, record.offset):
            return ()
        source = Source(self.cluster, *record.place)
        try:
            exchanges = decode(record.value, record.headers, record.ts_ms, source, self.config.tap)
        except Undecodable as unreadable:
            await self._dead_letter(record, unreadable.reason)
            return self._all_candidates("", Outcome.DEAD_LETTER)
        outcomes: list[tuple[str, str, Outcome]] = []
        for exchange in exchanges:
            outcomes += await self._exchange(record.tp, exchange, claim)
        return tuple(outcomes)

    async def _exchange(self, tp: TP, exchange: Exchange, claim: Claim | None) -> Outcomes:
        outside = out_of_bounds(exchange, self._match_names)
        if outside is not None:
            return self._all_candidates("", outside)
        feature = self.features.admit(feature_of(exchange, self.config.tap.feature))
        if exchange.unreplayable is not None:
            return self._all_candidates(feature, Outcome.UNREPLAYABLE)
        identity = trial_id(self.config.upgrade.name, exchange.source, exchange.ts_ms)
        self.rates.saw(feature)
        wanted = self.sampling.asked(identity, feature)
        if (exchange.source.offset, exchange.source.item) in self._done[tp]:
            return self._ended(feature, dict.fromkeys(wanted, Outcome.REPLAYED))  # an earlier worker paid for it
        if not wanted:
            return self._ended(feature, {})
        return await self._wanted(tp, exchange, identity, feature, wanted, claim=claim)

    async def _wanted(
        self,
        tp: TP,
        exchange: Exchange,
        identity: UUID,
        feature: str,
        wanted: Mapping[str, float],
        *,
        claim: Claim | None,
    ) -> Outcomes:
        """What becomes of an exchange that these candidates are to be asked, if the budget allows it."""
        refused = self._refused(tp, len(wanted))
        if refused is not None:
            return self._ended(feature, dict.fromkeys(wanted, refused))
        likely = likely_cost(self.config, exchange, wanted, self.sampling.rerun(feature)) if self.pace.is_kept else 0.0
        pace = self.pace.rate(tp, len(wanted), likely)
        asked = wanted if pace == 1 else self.sampling.asked(identity, feature, pace)
        if not asked:
            return self._ended(feature, {})
        known = self.reruns.get(exchange.source)
        rerun = known is None and self.sampling.is_rerun(identity, feature)
        arms = arms_of(self.config, exchange, asked, rerun=rerun)
        self.pace.took(tp, len(arms), likely)
        reserved = await self.budget.reserve(tp, len(arms), sum(arm.most_usd for arm in arms), today())
        if reserved is None:
            self.pace.took(tp, -len(arms), -likely)
            return self._ended(feature, dict.fromkeys(asked, Outcome.OVER_BUDGET))
        purse = Purse(self.budget, reserved)
        answers = await self._ask(Asked(tp, exchange.source.offset), exchange, arms, purse, claim)
        unsent, booked = purse.close((answers[arm.name], arm) for arm in arms)
        self.pace.took(tp, -unsent, booked - likely)
        if any(isinstance(answer, Unavailable) and answer.reason == ABANDONED for answer in answers.values()):
            raise Abandoned
        spent = [answer.cost_usd for answer in answers.values() if isinstance(answer, Answer)]
        got = tuple(
            CandidateAnswer(c.name, c.pin, self._hashes[c.name], answer, asked[c.name])
            for c in self.config.candidates
            if isinstance(answer := answers.get(candidate_arm(c.name)), Answer)
        )
        if got:
            again = answers.get(RERUN, known)
            trial = Trial(
                trial_id=identity,
                upgrade=self.config.upgrade.name,
                current=self.config.upgrade.current,
                source=exchange.source,
                ts_ms=exchange.ts_ms,
                request_id=exchange.request_id,
                feature=feature,
                request=exchange.request,
                baseline=with_cost(exchange.baseline, self.config.price(self.config.upgrade.current)),
                candidates=got,
                rerun=_failed(again, self.config.upgrade.current) if isinstance(again, Unavailable) else again,
                weight=min(asked.values()),
                asked=len(arms),
                spent_usd=None if None in spent else sum(cost for cost in spent if cost is not None),
            )
            value = trial_bytes(trial)
            if len(value) > MAX_TRIAL:
                return self._ended(feature, dict.fromkeys(asked, Outcome.TOO_LARGE))
            await self._produce(tp, "trial", exchange.source, value)
            self._done[tp].add((exchange.source.offset, exchange.source.item))
        names = {candidate.name for candidate in got}
        return self._ended(feature, {name: Outcome.REPLAYED if name in names else Outcome.SHED for name in asked})

    def _refused(self, tp: TP, requests: int) -> Outcome | None:
        """Why nothing can be asked now, None where it can."""
        if any(client.is_stopped_for_long for client in self.providers.values()):
            return Outcome.SHED
        return Outcome.OVER_BUDGET if self.budget.is_spent(tp, requests, today()) else None

    async def _ask(
        self, asked: Asked, exchange: Exchange, arms: Sequence[AskedArm], purse: Purse, claim: Claim | None
    ) -> dict[str, Answer | Unavailable]:
        """All arms at once; an arm whose provider is away does not fail the others."""

        async def ask(arm: AskedArm) -> Answer | Unavailable:
            try:
                answer = await self.providers[arm.provider].ask(
                    arm.body,
                    arm.pin,
                    exchange.request_id,
                    arm.name,
                    claim=claim,
                    pay_again=partial(purse.pay_again, arm),
                    is_given_up=lambda: asked.is_given_up,
                )
            except Unavailable as away:
                return away
            return with_cost(answer, arm.price)

        if len(arms) == 1:  # as most exchanges: it waits for nobody, so no task and nobody who gives it up
            return {arms[0].name: await ask(arms[0])}
        tasks = {arm.name: asyncio.ensure_future(ask(arm)) for arm in arms}
        asked.arms = {tasks[arm.name]: arm.provider for arm in arms}
        await self.stragglers.settled(asked)
        return {name: task.result() for name, task in tasks.items()}

    async def look_back(self, lanes: Lanes, positions: Mapping[TP, int]) -> None:
        """Take over all partitions that are assigned now where the last worker left them."""
        for client in self.providers.values():
            client.take_share(len(positions) / len(self.places))
        with metrics.LOOK_BACK_SECONDS.time():
            found = await look_back(
                self.config.kafka, self.config.upgrade.name, positions, self.trial_partitions, lanes.window
            )
        self.budget.keep(positions)
        self._part = len(positions) / max(1, len(self.places))
        for tp, past in found.items():
            self._done[tp] = past.trials
            self.ledger.restore(tp, past.ledger.values())
            if past.spend is not None:
                self.budget.restore(tp, past.spend)
            self.pace.forget(tp)

    def leave_out(self, tp: TP, places: Collection[tuple[int, int]]) -> None:
        """These exchanges (offset, item) have a trial already."""
        self._done[tp] |= set(places)

    async def write_range(self, ledger: LedgerRange) -> None:
        """Make a ledger record of one's own durable."""
        await self._send_ledger(TP(ledger.topic, ledger.partition), ledger)

    async def take_over(self, lanes: Lanes, positions: Mapping[TP, Position]) -> None:
        """Newly assigned partitions: what is done already, and what was deleted before anybody could read it."""
        places = await tapped_places(self.config)
        new = set(places) - set(self.places)
        if new:
            log.warning("tapped topics have %d partitions now, they had %d", len(places), len(self.places))
            self.places = places
            self.budget.grow(places, today())
        await self.look_back(lanes, {tp: position.committed for tp, position in positions.items()})
        for tp in new & positions.keys():
            if self.budget.record is not None:
                await self.budget.record(tp)
        for tp, position in positions.items():
            if position.first > position.committed:
                self._expire(tp, position.committed, position.first, int(time.time() * 1000))
                await self.write_ledger(tp, position.first)  # no record may ever come, and with it no commit

    def _expire(self, tp: TP, start: int, end: int, ts_ms: int) -> None:
        log.error(
            "%s/%d: retention deleted offsets %d to %d before they were read", tp.topic, tp.partition, start, end - 1
        )
        self.ledger.expire(tp, start, end, ts_ms, self._names)
        for name in self._names:
            metrics.OUTCOMES.labels(name, Outcome.EXPIRED).inc(end - start)
            self.outcomes[Outcome.EXPIRED] += end - start

    def count(self, record: Taken) -> None:
        """The watermark passes the record: its outcomes belong to the ledger."""
        if record.is_gap:
            if record.result > record.offset:
                self._expire(record.tp, record.offset, min(record.result, record.end), record.ts_ms)
            return
        self.ledger.count(record.tp, record.offset, record.ts_ms, record.result or ())

    async def write_ledger(self, tp: TP, mark: int) -> None:
        """Make the ledger durable up to where the position is about to move."""
        records = self.ledger.records(tp, self.budget.spend(tp, today()))
        self.budget.tell(today())
        await asyncio.gather(*(self._send_ledger(tp, record) for record in records))
        self.ledger.written(tp, records)
        self._done[tp] = {place for place in self._done[tp] if place[0] >= mark}

    async def _write_spend(self, tp: TP) -> None:
        """Make durable what the partition may spend: a ledger record of no offsets."""
        await self._send_ledger(tp, self.ledger.of_nothing(tp, self.budget.spend(tp, today())))

    async def _send_ledger(self, tp: TP, ledger: LedgerRange) -> None:
        source = Source(self.cluster, tp.topic, tp.partition, ledger.start)
        await self._produce(tp, "ledger", source, ledger_bytes(ledger))

    async def _produce(self, tp: TP, kind: str, source: Source, value: bytes) -> None:
        place = f"{source.topic}/{source.partition}/{source.offset}/{source.item}".encode()
        snapshot = self.budget.snapshot(tp, today())
        headers = [
            (topics.UPGRADE_HEADER, self.config.upgrade.name.encode()),
            (topics.KIND_HEADER, kind.encode()),
            (topics.SOURCE_HEADER, place),
            (topics.SPEND_HEADER, snapshot.to_bytes()),
        ]
        if self.run:
            headers.append((topics.RUN_HEADER, self.run.encode()))
        partition = tp.partition % self.trial_partitions
        await send_durably(self.producer, topics.TRIALS, value, key=place, partition=partition, headers=headers)
        self.budget.recorded(tp, snapshot)

    async def _dead_letter(self, record: Taken, reason: str) -> None:
        """Position and error only: what could not be read may hold anything."""
        topic, partition, offset = record.place
        letter = {
            "upgrade": self.config.upgrade.name,
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "role": "replay",
            "error": reason,
        }
        key = f"{topic}/{partition}".encode()
        await send_durably(self.producer, topics.DEAD_LETTERS, json_text.dumps(letter), key=key)
        metrics.DEAD_LETTERS.labels("replay").inc()

    def _ended(self, feature: str, outcomes: Mapping[str, Outcome]) -> Outcomes:
        """Outcomes by candidate; whoever has none was sampled out."""
        return self._counted(tuple((name, feature, outcomes.get(name, Outcome.SAMPLED_OUT)) for name in self._names))

    def _all_candidates(self, feature: str, outcome: Outcome) -> Outcomes:
        return self._counted(tuple((name, feature, outcome) for name in self._names))

    def _counted(self, outcomes: Outcomes) -> Outcomes:
        for candidate, _, outcome in outcomes:
            self.outcomes[outcome] += 1
            metrics.of(metrics.OUTCOMES, candidate, outcome).inc()
        return outcomes


def _failed(away: Unavailable, pin: str) -> Answer:
    return Answer(pin, error=away.reason)
