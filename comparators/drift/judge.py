"""The judge: evidence in, verdicts out (design, section 5). Pure; looking more often changes nothing."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from comparators.comparator import Kind
from comparators.dimensions import Dimension
from comparators.drift import alpha, betting
from comparators.drift.epochs import EpochsInForce
from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.faithful import unfaithful_dimension
from comparators.scoring import FeatureRules
from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Report, Verdict

WARM_UP = 60  # reruns a feature needs before anything but call_error may FAIL
RARE = 0.05  # a dimension that applies to less than this share of trials holds no PASS back
HOUR_MS = 3_600_000
FEATURE_ORDER = (Verdict.FAIL, Verdict.NODATA, Verdict.INCONCLUSIVE, Verdict.CONTINUE, Verdict.REVIEW, Verdict.PASS)
_NEEDS_RERUN = (Kind.PROPERTY_BOTH, Kind.DISTANCE, Kind.MEASURE)
_ASSUMABLE = (Kind.PROPERTY_BOTH, Kind.DISTANCE)


@dataclass(frozen=True)
class JudgeRules:
    """What a verdict takes. Hours are of event time; None means that the limit does not apply.

    `ended` is the end of a file: what has no verdict then is INCONCLUSIVE. `rules(feature)` must give the rules that
    scored the trials.
    """

    rules: Mapping[str, FeatureRules]  # "" for every feature without settings of its own
    declared: Collection[str] = ()
    alpha: float = 0.05
    min_trials: int = 300
    min_hours: float | None = 24
    max_hours: float | None = 48
    coverage_floor: float = 0.8
    ended: bool = False

    def of(self, feature: str) -> FeatureRules:
        """The rules of a feature."""
        return self.rules.get(feature, self.rules[""])


@dataclass(frozen=True)
class Known:
    """What stands outside the evidence.

    `pins` names the candidates, `coverage` is theirs (0 to 1). `shares` is each (candidate, feature)'s share of alpha,
    `latched` the FAILs that stand. `epochs` is None where nothing ever changed (files). `now_ms` is the time that
    `max_hours` is measured with, None where time does not pass.
    """

    pins: Mapping[str, str]
    coverage: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    epochs: EpochsInForce | None = None
    latched: Collection[EvidenceKey] = ()
    accepted: Collection[tuple[str, str, str]] = ()
    now_ms: int | None = None

    def epoch(self, candidate: str, feature: str, dimension: str) -> int:
        """The number of the epoch in force."""
        return self.epochs.epoch_of(candidate, feature, dimension) if self.epochs is not None else 1

    def rank(self, candidate: str, feature: str, dimension: str) -> int:
        """How many epochs the feature has had."""
        return self.epochs.row(candidate, feature, dimension).rank if self.epochs is not None else 1


def judge(
    upgrade: str,
    current: str,
    evidence: Mapping[EvidenceKey, Evidence],
    rules: JudgeRules,
    known: Known,
    counts: Mapping[str, int],
) -> Report:
    """Judge every candidate; `counts` (consumed, compared, each outcome) is passed on to the report."""
    by_feature: dict[str, dict[str, dict[str, Evidence]]] = {name: {} for name in known.pins}
    for key, found in evidence.items():
        if key.candidate in by_feature and key.epoch == known.epoch(key.candidate, key.feature, key.dimension):
            by_feature[key.candidate].setdefault(key.feature, {})[key.dimension] = found
    candidates = []
    for name, pin in known.pins.items():
        features = by_feature[name]
        for declared in rules.declared:
            features.setdefault(declared, {})
        judged = [_Feature(name, feature, found, rules, known).judge() for feature, found in features.items()]
        candidates.append(_candidate(name, pin, judged))
    return Report(upgrade, current, dict(counts), tuple(candidates))


def _candidate(name: str, pin: str, features: list[FeatureVerdict]) -> CandidateVerdict:
    deciding = [feature.verdict for feature in features if feature.why != "unproven"]
    worst = min(deciding, key=FEATURE_ORDER.index, default=Verdict.NODATA)
    return CandidateVerdict(
        name,
        pin,
        worst,
        sum(feature.compared for feature in features),
        sum(feature.paired for feature in features),
        tuple(sorted(features, key=lambda f: (FEATURE_ORDER.index(f.verdict), -f.compared, f.feature))),
    )


@dataclass(frozen=True)
class _Feature:
    """One feature of one candidate under judgement."""

    candidate: str
    feature: str
    evidence: Mapping[str, Evidence]
    rules: JudgeRules
    known: Known

    def judge(self) -> FeatureVerdict:
        in_force = self.rules.of(self.feature)
        calls = self.evidence.get("call_error", Evidence())
        compared = calls.scored + calls.skipped + calls.failed
        paired = calls.rerun_n
        if not compared:
            return FeatureVerdict(self.feature, Verdict.NODATA, 0, 0, (), "no_comparison")
        dimensions = {dimension.name: dimension for dimension in in_force.dimensions}
        unfaithful = unfaithful_dimension(self.evidence, dimensions)
        judged = tuple(
            self._dimension(dimension, found, compared, paired, in_force.assumed_noise is not None, unfaithful)
            for dimension in in_force.dimensions
            if (found := self.evidence.get(dimension.name)) is not None and found.scored + found.failed
        )
        verdict, why = self._worst(judged, compared, unfaithful)
        order = sorted(judged, key=_telling)
        return FeatureVerdict(self.feature, verdict, compared, paired, tuple(order), why)

    def _worst(self, judged: Sequence[DimensionVerdict], compared: int, unfaithful: str | None) -> tuple[Verdict, str]:
        deciding = [d for d in judged if d.effect is Effect.BLOCK and d.why != "rare"]
        failed = any(d.verdict is Verdict.FAIL for d in judged if d.effect is Effect.BLOCK)
        if unfaithful and not failed:
            return Verdict.INCONCLUSIVE, f"replay_unfaithful:{unfaithful}"
        if failed:
            return Verdict.FAIL, next(
                d.dimension for d in judged if d.verdict is Verdict.FAIL and d.effect is Effect.BLOCK
            )
        if self.feature not in self.rules.declared and compared < self.rules.min_trials and self.rules.declared:
            return Verdict.CONTINUE, "unproven"
        if not [d for d in deciding if d.dimension != "call_error"] and not deciding:
            return Verdict.INCONCLUSIVE, "no_block_dimension"
        worst = min(deciding, key=lambda d: FEATURE_ORDER.index(d.verdict))
        if worst.verdict is not Verdict.PASS:
            return worst.verdict, worst.why
        differs = [
            d for d in judged
            if d.effect is Effect.REVIEW and d.verdict is Verdict.FAIL
            and (self.candidate, self.feature, d.dimension) not in self.known.accepted
        ]  # fmt: skip
        return (Verdict.REVIEW, differs[0].dimension) if differs else (Verdict.PASS, "")

    def _dimension(
        self,
        dimension: Dimension,
        found: Evidence,
        compared: int,
        paired: int,
        assumed: bool,  # noqa: FBT001 - internal
        unfaithful: str | None,
    ) -> DimensionVerdict:
        epoch = self.known.epoch(self.candidate, self.feature, dimension.name)
        key = EvidenceKey(self.candidate, self.feature, dimension.name, epoch)
        against, mirrored = betting.log_e(found.fail_bets), betting.log_e(found.pass_bets)
        noise = "none" if dimension.kind is Kind.PROPERTY else "assumed" if assumed else "measured"
        fails = against >= self._threshold(dimension) and (
            paired >= WARM_UP or assumed or dimension.name == "call_error"
        )
        latched = key in self.known.latched
        if unfaithful and dimension.name != "call_error" and not latched:
            verdict, why = Verdict.INCONCLUSIVE, "replay_unfaithful"
        elif latched or fails:
            verdict, why = Verdict.FAIL, ""
        else:
            verdict, why = self._undecided(dimension, found, compared, mirrored, assumed)
        interval = betting.confidence_sequence(found.n, found.d_sum, found.d_squares)
        excess = found.d_sum / found.n if found.n else None
        return DimensionVerdict(
            dimension=dimension.name,
            verdict=verdict,
            effect=dimension.effect,
            noise=noise,
            trials=found.n,
            baseline=_mean(found.baseline_sum, found.baseline_n),
            rerun=_mean(found.rerun_sum, found.rerun_n),
            candidate=_mean(found.candidate_sum, found.n),
            excess=excess,
            low=interval[0] if interval else None,
            high=interval[1] if interval else None,
            log_e=against,
            log_e_pass=mirrored,
            tolerance=dimension.tolerance,
            epoch=epoch,
            change=_change(dimension.kind, excess, interval, dimension.tolerance, verdict),
            why=why,
            reasons=found.reasons,
        )

    def _undecided(
        self,
        dimension: Dimension,
        found: Evidence,
        compared: int,
        mirrored: float,
        assumed: bool,  # noqa: FBT001 - internal
    ) -> tuple[Verdict, str]:
        missing = self._missing_for_pass(dimension, found, compared, mirrored, assumed)
        if not missing:
            return Verdict.PASS, ""
        rare = found.scored + found.failed < RARE * compared
        hours = self._hours()
        over = self.rules.max_hours is not None and hours is not None and hours > self.rules.max_hours
        verdict = Verdict.INCONCLUSIVE if self.rules.ended or over else Verdict.CONTINUE
        return verdict, "rare" if rare else missing

    def _missing_for_pass(
        self,
        dimension: Dimension,
        found: Evidence,
        compared: int,
        mirrored: float,
        assumed: bool,  # noqa: FBT001 - internal
    ) -> str:
        if assumed and dimension.kind in _NEEDS_RERUN:
            return "noise_assumed"
        if found.n < self.rules.min_trials:
            return "min_trials"
        if mirrored < -math.log(self.rules.alpha):
            return "evidence"
        if self.rules.min_hours is not None and found.last_ms - found.first_ms < self.rules.min_hours * HOUR_MS:
            return "min_hours"
        if self.known.coverage.get(self.candidate, 1.0) < self.rules.coverage_floor:
            return "coverage"
        return ""

    def _hours(self) -> float | None:
        if self.known.now_ms is None:
            return None
        first = min((found.first_ms for found in self.evidence.values() if found.first_ms), default=self.known.now_ms)
        return (self.known.now_ms - first) / HOUR_MS

    def _threshold(self, dimension: Dimension) -> float:
        effects = {d.name: d.effect for d in self.rules.of(self.feature).dimensions}
        share = self.known.shares.get((self.candidate, self.feature), 0.0)
        if share <= 0:
            return math.inf  # the feature has not been given its share yet: it cannot fail before the next look
        rank = self.known.rank(self.candidate, self.feature, dimension.name)
        return alpha.log_threshold(self.rules.alpha, share * alpha.dimension_shares(effects)[dimension.name], rank)


def _telling(judged: DimensionVerdict) -> tuple[int, int, float]:
    return FEATURE_ORDER.index(judged.verdict), list(Effect).index(judged.effect), -judged.log_e


def _mean(total: float, n: int) -> float | None:
    return total / n if n else None


def _change(
    kind: Kind, excess: float | None, interval: tuple[float, float] | None, tolerance: float, verdict: Verdict
) -> str:
    if verdict is Verdict.FAIL or (interval and interval[0] > tolerance):
        return "worse" if kind in (Kind.PROPERTY, Kind.MEASURE) else "changed"
    if excess is not None and interval and interval[1] < -tolerance:
        return "better"
    return "same"
