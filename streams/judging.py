"""The judge role's work: touched hours → evidence → verdicts → what changed, to ClickHouse and to Kafka."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiokafka import AIOKafkaProducer

from comparators.drift.alpha import families
from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.judge import JudgeRules, Known, judge
from schemas import json_text, topics
from schemas.acceptances import Acceptance
from schemas.config import Config
from schemas.coverage import Coverage
from schemas.touched import touched_from_bytes
from schemas.verdict_changes import VerdictChange
from schemas.verdicts import CandidateVerdict, DimensionVerdict, Report, Verdict
from streams import metrics
from streams.calibrating import InForce
from streams.kafka import send_durably
from streams.lanes import Taken
from streams.rules import Rules
from streams.scorer import patiently
from streams.store import Store

log = logging.getLogger(__name__)

Place = tuple[str, str, str]  # candidate, feature, dimension; the last two may be empty


@dataclass
class Judging:
    """Looks at the evidence whenever some was touched, and publishes the verdicts that changed."""

    config: Config
    in_force: InForce
    store: Store
    producer: AIOKafkaProducer
    latest: Report | None = None
    _published: dict[Place, tuple[Verdict, str]] = field(default_factory=dict)

    async def look(self, records: Sequence[Taken]) -> None:
        """Judge again; an empty batch is the timer that notices what no event will say."""
        touched = [
            touched_from_bytes(record.value)
            for record in records
            if record.value is not None and record.header(topics.UPGRADE_HEADER) == self.config.upgrade.name
        ]
        if records and not touched:
            return
        hours = {one for one in touched if one.hour}
        if hours:
            await patiently("evidence", lambda: self.store.refresh_evidence(hours))
        await patiently("rules", lambda: self.in_force.follow(within_s=0.0))
        await patiently("calibrations", self.in_force.freeze)
        with metrics.JUDGE_SECONDS.time():
            report = await patiently("verdicts", self._judged)
        await self._publish(report)
        self.latest = report

    async def _judged(self) -> Report:
        return await judged(self.config, self.store, self.in_force)

    async def _publish(self, report: Report) -> None:
        """Write and send each verdict that changed; a candidate's goes last, because alerts rest on it."""
        changed = [change for change in changes(report) if self._published.get(_place(change)) != _state(change)]
        if not changed:
            return
        await patiently("verdicts", lambda: self.store.add_verdicts(changed))
        whole = {candidate.candidate: candidate for candidate in report.candidates}
        for change in changed:
            key = topics.verdict_key(change.upgrade, change.candidate, change.feature, change.dimension)
            value = json_text.dumps(change if change.feature else whole[change.candidate])
            await send_durably(self.producer, topics.VERDICTS, value, key=key.encode())
            metrics.VERDICT_CHANGES.labels(change.verdict).inc()
            self._log(change)
        self._published.update({_place(change): _state(change) for change in changed})

    def _log(self, change: VerdictChange) -> None:
        """Tell people of another word: each of a candidate or feature, of a dimension only FAIL."""
        before, _ = self._published.get(_place(change), (None, ""))
        if change.verdict is not before and (not change.dimension or change.verdict is Verdict.FAIL):
            place = " ".join(part for part in _place(change) if part)
            log.info("%s is %s%s", place, change.verdict, f" ({change.why})" if change.why else "")


async def judged(
    config: Config,
    store: Store,
    in_force: InForce | None = None,
    *,
    ended: bool = False,
) -> Report:
    """What the evidence in ClickHouse says now. Gives new features their share of alpha, changes nothing else.

    `ended` says that nothing more will come.
    """
    upgrade = config.upgrade.name
    if in_force is None:
        in_force = await InForce.settle(store, config, Rules(config))
    rules = in_force.rules
    evidence = await store.read_evidence(upgrade)
    coverage = await store.coverage(upgrade)
    heard_ms, now_ms = await store.heard(upgrade)
    verdict = config.verdict
    known = Known(
        pins={candidate.name: candidate.pin for candidate in config.candidates},
        coverage={name: ratio for name in coverage.candidates if (ratio := coverage.of(name).ratio) is not None},
        shares=await _shares(config, store, evidence),
        epochs=in_force.epochs,
        latched=await _latched(store, upgrade),
        accepted=_accepted(rules.acceptances, evidence),
        heard_ms=heard_ms,
        now_ms=now_ms,
    )
    judge_rules = JudgeRules(
        rules={"": rules.common, **rules.own},
        declared=tuple(config.features),
        alpha=verdict.alpha,
        min_trials=verdict.min_trials,
        min_hours=verdict.min_hours,
        max_hours=verdict.max_hours,
        coverage_floor=verdict.coverage_floor,
        ended=ended,
    )
    report = judge(upgrade, config.upgrade.current, evidence, judge_rules, known, _counts(coverage))
    listed = sorted(rules.acceptances, key=lambda one: one.at_ms)
    candidates = (
        replace(candidate, accepted=tuple(one for one in listed if one.candidate == candidate.candidate))
        for candidate in report.candidates
    )
    return replace(report, candidates=tuple(candidates))


def _accepted(acceptances: Collection[Acceptance], evidence: Mapping[EvidenceKey, Evidence]) -> set[Place]:
    """Whole dimensions that people accepted, in each feature that has evidence."""
    return {
        (key.candidate, key.feature, key.dimension)
        for one in acceptances
        if not one.signature
        for key in evidence
        if (key.candidate, key.dimension) == (one.candidate, one.dimension) and one.holds_for(key.feature)
    }


async def _shares(
    config: Config, store: Store, evidence: Mapping[EvidenceKey, Evidence]
) -> dict[tuple[str, str], float]:
    """Shares of alpha, with those of features that are new given now, in the order of their first comparison."""
    upgrade = config.upgrade.name
    known = await store.families(upgrade)
    first: dict[tuple[str, str], int] = {}
    for key, found in evidence.items():
        place = key.candidate, key.feature
        if found.first_ms:
            first[place] = min(first.get(place, found.first_ms), found.first_ms)
    new = [
        family
        for candidate in config.candidates
        for family in families(
            candidate.name,
            tuple(config.features),
            [feature for name, feature in sorted(first, key=lambda place: first[place]) if name == candidate.name],
            known,
        )
    ]
    if new:
        await store.add_families(upgrade, new)
        known = await store.families(upgrade)
    return {(family.candidate, family.feature): family.share for family in known}


async def _latched(store: Store, upgrade: str) -> set[EvidenceKey]:
    """FAILs that stand: only another epoch ends them."""
    return {
        EvidenceKey(change.candidate, change.feature, change.dimension, change.epoch)
        for change in await store.verdicts(upgrade)
        if change.dimension and change.verdict is Verdict.FAIL
    }


def changes(report: Report) -> Iterator[VerdictChange]:
    """Every verdict of a report as a row: dimensions, then their feature, then the candidate."""
    at_ms = int(time.time() * 1000)
    for candidate in report.candidates:
        for feature in candidate.features:
            for dimension in feature.dimensions:
                yield _change(report, candidate, at_ms, feature.feature, dimension)
            yield VerdictChange(
                report.upgrade, candidate.candidate, feature.feature, "", 0, at_ms,
                feature.verdict, feature.why, feature.compared, feature.paired,
            )  # fmt: skip
        yield VerdictChange(
            report.upgrade, candidate.candidate, "", "", 0, at_ms,
            candidate.verdict, candidate.why, candidate.compared, candidate.paired,
        )  # fmt: skip


def _change(
    report: Report, candidate: CandidateVerdict, at_ms: int, feature: str, dimension: DimensionVerdict
) -> VerdictChange:
    return VerdictChange(
        report.upgrade, candidate.candidate, feature, dimension.dimension, dimension.epoch, at_ms,
        dimension.verdict, dimension.why, candidate.compared, candidate.paired, dimension,
    )  # fmt: skip


def _place(change: VerdictChange) -> Place:
    return change.candidate, change.feature, change.dimension


def _state(change: VerdictChange) -> tuple[Verdict, str]:
    return change.verdict, f"{change.why}/{change.epoch}"


def _counts(coverage: Coverage) -> dict[str, int]:
    """Coverage of all candidates together, for the report."""
    counts: dict[str, int] = {"consumed": 0, "compared": 0}
    for name in coverage.candidates:
        share = coverage.of(name)
        counts["consumed"] += share.consumed
        counts["compared"] += share.compared
        for outcome, count in share.outcomes.items():
            counts[outcome] = counts.get(outcome, 0) + count
    return counts
