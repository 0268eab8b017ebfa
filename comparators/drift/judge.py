"""The judge: evidence in, verdicts out (design, section 5). Pure; looking more often changes nothing.

A feature is its worst block dimension, a candidate its worst feature; nothing is averaged across dimensions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comparators.drift import alpha
from comparators.drift.dimension_judge import (
    CALL_ERROR,
    HOUR_MS,
    NEEDS_RERUN,
    Circumstances,
    Spent,
    is_rare,
    judge_dimension,
)
from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.faithful import unfaithful_dimension
from comparators.drift.feature_forecast import Pace, Waited, feature_forecast
from comparators.drift.judge_rules import JudgeRules, Known
from comparators.scoring import FeatureRules, calibrating
from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Forecast, Report, Verdict

__all__ = ["FEATURE_ORDER", "JudgeRules", "Known", "judge"]

FEATURE_ORDER = (Verdict.FAIL, Verdict.NODATA, Verdict.INCONCLUSIVE, Verdict.CONTINUE, Verdict.REVIEW, Verdict.PASS)
"""Worst first."""

UNPROVEN = "unproven"


def judge(  # noqa: PLR0917 - one call, six things of six types
    upgrade: str,
    current: str,
    evidence: Mapping[EvidenceKey, Evidence],
    rules: JudgeRules,
    known: Known,
    counts: Mapping[str, int],
) -> Report:
    """Judge every candidate of `known.pins`.

    Args:
        upgrade: its name.
        current: the current pin.
        evidence: by key; what is not of the epoch in force is left out.
        rules: what a verdict takes.
        known: what stands outside the evidence.
        counts: consumed, compared and each outcome, passed on to the report.

    Returns:
        Verdicts of candidates, features and dimensions, each level worst first.
    """
    found: dict[str, dict[str, dict[str, Evidence]]] = {
        name: {feature: {} for feature in rules.declared} for name in known.pins
    }
    for key, sums in evidence.items():
        if key.candidate in found and any(key.dimension == d.name for d in rules.of(key.feature).dimensions):
            of_feature = found[key.candidate].setdefault(key.feature, {})
            if key.epoch == known.epoch(key.candidate, key.feature, key.dimension):
                of_feature[key.dimension] = sums
            elif sums.scored + sums.failed:
                # It applies here, and its new epoch may have nothing yet: until it has, there is no PASS.
                of_feature.setdefault(key.dimension, Evidence())
    candidates = []
    for name, pin in known.pins.items():
        latest_ms = max((sums.last_ms for of in found[name].values() for sums in of.values()), default=0)
        candidates.append(
            _candidate(
                name,
                pin,
                [
                    _Feature(name, feature, of, rules.of(feature), rules, known, latest_ms).judge()
                    for feature, of in found[name].items()
                ],
            )
        )
    candidates.sort(key=lambda candidate: FEATURE_ORDER.index(candidate.verdict))
    return Report(upgrade, current, dict(counts), tuple(candidates))


def _candidate(name: str, pin: str, features: list[FeatureVerdict]) -> CandidateVerdict:
    features.sort(key=lambda judged: (FEATURE_ORDER.index(judged.verdict), -judged.compared, judged.feature))
    # What is unproven decides only by FAIL; where nothing is proven, the candidate is not either.
    deciding = [judged for judged in features if judged.why != UNPROVEN] or features
    worst = deciding[0] if deciding else None
    return CandidateVerdict(
        candidate=name,
        pin=pin,
        verdict=worst.verdict if worst else Verdict.NODATA,
        compared=sum(judged.compared for judged in features),
        paired=sum(judged.paired for judged in features),
        features=tuple(features),
        why="" if worst is None or worst.verdict is Verdict.PASS else worst.feature,
    )


@dataclass(frozen=True)
class _Feature:
    """One feature of one candidate under judgement; `latest_ms` is the candidate's newest event time."""

    candidate: str
    feature: str
    evidence: Mapping[str, Evidence]
    in_force: FeatureRules
    rules: JudgeRules
    known: Known
    latest_ms: int

    def judge(self) -> FeatureVerdict:
        compared = max((found.comparisons for found in self.evidence.values()), default=0)
        if not compared:
            return FeatureVerdict(self.feature, Verdict.NODATA, 0, 0, (), "no_comparison")
        dimensions = {dimension.name: dimension for dimension in self.in_force.dimensions}
        around = Circumstances(
            compared=compared,
            paired=self._paired(),
            assumed=self.in_force.assumed_noise is not None,
            unfaithful=unfaithful_dimension(self.evidence, dimensions),
            over=self._is_over(),
            silent=self._is_silent(),
            coverage=self.known.coverage.get(self.candidate, 1.0),
        )
        shares = self._shares()
        judged = [
            judge_dimension(dimension, found, self._spent(name, shares[name]), around, self.rules)
            for name, dimension in dimensions.items()
            if (found := self.evidence.get(name)) is not None and (found.scored + found.failed or not found.comparisons)
        ]
        judged.sort(key=_telling)
        verdict, why = self._worst(judged, around)
        told, share = self._forecast(judged, around) if verdict is Verdict.CONTINUE else (None, None)
        return FeatureVerdict(
            self.feature, verdict, compared, around.paired, tuple(judged), why, told, share, self._calibrating()
        )

    def _calibrating(self) -> tuple[str, ...]:
        learnt = {dimension for dimension, _ in self.in_force.calibrations}
        return tuple(one.name for one in calibrating(self.in_force.dimensions) if one.name not in learnt)

    def _forecast(
        self, judged: Sequence[DimensionVerdict], around: Circumstances
    ) -> tuple[Forecast | None, float | None]:
        kinds = {dimension.name: dimension.kind for dimension in self.in_force.dimensions}
        hours = (max(found.last_ms for found in self.evidence.values()) - self._first_ms()) / HOUR_MS
        waited = [
            Waited(
                told=one.forecast,
                trials=one.trials,
                needs_rerun=kinds[one.dimension] in NEEDS_RERUN,
                holds_back=not is_rare(self.evidence[one.dimension]),
            )
            for one in judged
            if one.effect is Effect.BLOCK and one.forecast is not None
        ]
        hours_left = None if self.rules.max_hours is None else self.rules.max_hours - hours
        return feature_forecast(waited, Pace(around.compared, around.paired, hours, hours_left))

    def _worst(self, judged: Sequence[DimensionVerdict], around: Circumstances) -> tuple[Verdict, str]:
        if around.unfaithful:
            return Verdict.INCONCLUSIVE, f"replay_unfaithful:{around.unfaithful}"
        block = [d for d in judged if d.effect is Effect.BLOCK]
        if block and block[0].verdict is Verdict.FAIL:
            return Verdict.FAIL, block[0].dimension
        undecided = Verdict.INCONCLUSIVE if around.over else Verdict.NODATA if around.silent else Verdict.CONTINUE
        if self.feature not in self.rules.declared and around.compared < self.rules.min_trials:
            return undecided, UNPROVEN
        deciding = [d for d in block if not is_rare(self.evidence[d.dimension])]
        if not deciding:
            return undecided, "no_block_dimension"
        if deciding[0].verdict is not Verdict.PASS:
            return deciding[0].verdict, f"{deciding[0].why}:{deciding[0].dimension}"
        differs = next(
            (
                d.dimension
                for d in judged
                if d.effect is Effect.REVIEW
                and d.verdict is Verdict.FAIL
                and (self.candidate, self.feature, d.dimension) not in self.known.accepted
            ),
            None,
        )
        return (Verdict.PASS, "") if differs is None else (Verdict.REVIEW, differs)

    def _paired(self) -> int:
        """Reruns that answered: call_error knows, because it alone scores arms that gave an error."""
        calls = self.evidence.get(CALL_ERROR)
        if calls is not None:
            return calls.rerun_n - round(calls.rerun_sum)
        return max((found.rerun_n for found in self.evidence.values()), default=0)

    def _is_over(self) -> bool:
        if self.rules.ended:
            return True
        return self.rules.max_hours is not None and self.latest_ms - self._first_ms() >= self.rules.max_hours * HOUR_MS

    def _first_ms(self) -> int:
        return min((found.first_ms for found in self.evidence.values() if found.first_ms), default=self.latest_ms)

    def _is_silent(self) -> bool:
        heard_ms = self.known.heard_ms.get((self.candidate, self.feature))
        if heard_ms is None or self.known.now_ms is None:
            return False
        return self.known.now_ms - heard_ms >= self.rules.silent_after_hours * HOUR_MS

    def _shares(self) -> dict[str, float]:
        """Of the feature's alpha, for each dimension; those that began after the first ones share the reserve."""
        effects = {dimension.name: dimension.effect for dimension in self.in_force.dimensions}
        later: list[str] = []
        if self.known.epochs is not None:
            later = self.known.epochs.later_dimensions(self.candidate, self.feature, list(effects))
        return alpha.dimension_shares({name: effects[name] for name in effects if name not in later}, later)

    def _spent(self, dimension: str, share_of_feature: float) -> Spent:
        key = EvidenceKey(
            self.candidate, self.feature, dimension, self.known.epoch(self.candidate, self.feature, dimension)
        )
        share = self.known.shares.get((self.candidate, self.feature), 0.0) * share_of_feature
        rank = self.known.rank(self.candidate, self.feature, dimension)
        # A feature that has not been given its share yet cannot fail before the next look.
        threshold = alpha.log_threshold(self.rules.alpha, share, rank) if share > 0 else math.inf
        return Spent(key.epoch, threshold, key in self.known.latched)


def _telling(judged: DimensionVerdict) -> tuple[int, int, float]:
    return FEATURE_ORDER.index(judged.verdict), list(Effect).index(judged.effect), -judged.log_e
