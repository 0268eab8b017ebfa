"""Score trials: every dimension of every arm, with three outcomes (scored, skipped, failed) and one catch.

Baseline and rerun of a trial are scored once, whatever the number of candidates. Comparators get all pairs of a
batch at once, so that those with a model can use it well.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from comparators.calibration import CalibratedComparator
from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.dimensions import CalibrationKey, Dimension
from schemas.answers import Answer
from schemas.calibrations import Calibration, Learner, Observation
from schemas.comparisons import ArmScore, Comparison, DimensionScore, Status
from schemas.trials import Trial, comparison_id
from schemas.values import immutable

_OF_ONE_ANSWER = (Kind.PROPERTY, Kind.PROPERTY_BOTH, Kind.MEASURE)
_NO_ANSWER = ArmScore(None, Status.SKIPPED, "no_answer")
_NO_BASELINE = ArmScore(None, Status.SKIPPED, "no_baseline")


@dataclass(frozen=True)
class FeatureRules:
    """How trials of one feature are scored.

    `assumed_noise` is None where reruns measure the noise; where reruns are off it stands in for them (0 to 1) in
    PROPERTY_BOTH and DISTANCE. `calibrations` holds what was frozen for this feature. `accepted` are the
    signatures (reason codes) that a person accepted, by candidate and dimension: they score 0 in every arm.
    """

    dimensions: tuple[Dimension, ...]
    assumed_noise: float | None = None
    calibrations: Mapping[CalibrationKey, Calibration] = field(default_factory=dict)
    accepted: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def comparator(self, dimension: Dimension, candidate_hash: str, ts_ms: int) -> Comparator:
        """The comparator for a trial of this event time: calibrated where the calibration was made of earlier ones."""
        frozen = self.calibrations.get(dimension.calibration_key(candidate_hash))
        if frozen is None or ts_ms <= frozen.until_ms or not isinstance(dimension.comparator, CalibratedComparator):
            return dimension.comparator
        return dimension.comparator.calibrated(frozen.text)


def score_trials(
    trials: Sequence[Trial],
    rules: Callable[[str], FeatureRules],
    timed: Callable[[Comparator], AbstractContextManager[object]] = nullcontext,
) -> list[Comparison]:
    """Score each trial for each of its candidates, in the order of trials, then candidates.

    The work of each comparator is done inside `timed(comparator)`.
    """
    scorer = _Batch()
    plans = []
    for trial in trials:
        feature = rules(trial.feature)
        plans.append((trial, feature, [_plan(scorer, trial, feature, dimension) for dimension in feature.dimensions]))
    scorer.run(timed)
    return [
        _comparison(trial, index, feature, (of_dimension[index] for of_dimension in planned), scorer)
        for trial, feature, planned in plans
        for index in range(len(trial.candidates))
    ]


def evidence(
    kind: Kind,
    baseline: float | None,
    rerun: float | None,
    candidate: float | None,
    assumed_noise: float | None,
) -> float | None:
    """D in [-1, 1] of one comparison in one dimension, or None where an arm it needs has no score (design, section 5).

    With `assumed_noise` (reruns off), PROPERTY_BOTH and DISTANCE take it in the rerun's place and MEASURE has none.
    """
    if candidate is None:
        return None
    match kind:
        case Kind.PROPERTY:
            return None if baseline is None else candidate - baseline
        case Kind.MEASURE:
            return None if rerun is None or assumed_noise is not None else candidate - rerun
        case Kind.PROPERTY_BOTH if baseline is not None:
            noise = assumed_noise if assumed_noise is not None else None if rerun is None else abs(rerun - baseline)
            return None if noise is None else abs(candidate - baseline) - noise
        case Kind.DISTANCE:
            noise = assumed_noise if assumed_noise is not None else rerun
            return None if noise is None else candidate - noise
    return None


def calibrating(dimensions: Iterable[Dimension]) -> tuple[Dimension, ...]:
    """Those of the dimensions that have to learn of a feature before they score."""
    return tuple(
        dimension
        for dimension in dimensions
        if isinstance(dimension.comparator, CalibratedComparator) and not dimension.comparator.is_calibrated
    )


def observe(
    comparisons: Sequence[Comparison],
    learner_of: Callable[[str, Dimension, str], Learner],
    rules: Callable[[str], FeatureRules],
) -> Iterator[tuple[CalibratedComparator, Observation]]:
    """What dimensions that are not calibrated yet learn from these: each learner once per trial.

    `learner_of` is given feature, dimension and the candidate's hash.
    """
    seen = set()
    for comparison in comparisons:
        trial = comparison.trial
        if trial.baseline.error is not None:
            continue
        feature = rules(trial.feature)
        for dimension in calibrating(feature.dimensions):
            comparator = dimension.comparator
            key = dimension.calibration_key(comparison.candidate_hash)
            if (
                not isinstance(comparator, CalibratedComparator)
                or key in feature.calibrations
                or (trial.trial_id, key) in seen
            ):
                continue
            seen.add((trial.trial_id, key))
            text = _observed(comparator, comparison)
            if text:
                learner = learner_of(trial.feature, dimension, comparison.candidate_hash)
                yield comparator, Observation(learner, trial.trial_id, trial.ts_ms, text)


class _Batch:
    """Collects pairs per comparator, so that each comparator is called once per batch."""

    def __init__(self) -> None:
        self._pairs: defaultdict[Comparator, list[Pair]] = defaultdict(list)
        self._scores: dict[Comparator, list[ArmScore]] = {}

    def add(self, comparator: Comparator, pair: Pair) -> int:
        pairs = self._pairs[comparator]
        pairs.append(pair)
        return len(pairs) - 1

    def run(self, timed: Callable[[Comparator], AbstractContextManager[object]]) -> None:
        for comparator, pairs in self._pairs.items():
            with timed(comparator):
                self._scores[comparator] = _scored(comparator, pairs)

    def score(self, comparator: Comparator, slot: int | ArmScore) -> ArmScore:
        return slot if isinstance(slot, ArmScore) else self._scores[comparator][slot]


@immutable
class _Arms:
    """Where the scores of a comparison's arms will stand: a place in the batch, or a score that is known already."""

    dimension: Dimension
    comparator: Comparator
    baseline: int | ArmScore | None
    rerun: int | ArmScore | None
    candidate: int | ArmScore


def _plan(batch: _Batch, trial: Trial, rules: FeatureRules, dimension: Dimension) -> list[_Arms]:
    """The arms of each candidate; baseline and rerun stand once for all candidates with the same comparator."""

    def slot(comparator: Comparator, answer: Answer) -> int | ArmScore:
        if not comparator.scores_errors:
            if trial.baseline.error is not None:
                return _NO_BASELINE
            if answer.error is not None:
                return _NO_ANSWER
        return batch.add(comparator, Pair(trial.request, trial.baseline, answer))

    shared: dict[Comparator, tuple[int | ArmScore | None, int | ArmScore | None]] = {}
    planned = []
    for candidate in trial.candidates:
        comparator = rules.comparator(dimension, candidate.candidate_hash, trial.ts_ms)
        if comparator not in shared:
            shared[comparator] = (
                slot(comparator, trial.baseline) if dimension.kind in _OF_ONE_ANSWER else None,
                slot(comparator, trial.rerun) if trial.rerun is not None else None,
            )
        baseline, rerun = shared[comparator]
        planned.append(_Arms(dimension, comparator, baseline, rerun, slot(comparator, candidate.answer)))
    return planned


def _comparison(trial: Trial, index: int, rules: FeatureRules, planned: Iterable[_Arms], batch: _Batch) -> Comparison:
    candidate = trial.candidates[index]
    scores = []
    for arms in planned:
        dimension, comparator = arms.dimension, arms.comparator
        baseline = None if arms.baseline is None else batch.score(comparator, arms.baseline)
        rerun = None if arms.rerun is None else batch.score(comparator, arms.rerun)
        this = batch.score(comparator, arms.candidate)
        accepted = rules.accepted.get((candidate.name, dimension.name))
        if accepted:
            this = _forgiven(this, accepted)
            baseline = None if baseline is None else _forgiven(baseline, accepted)
            rerun = None if rerun is None else _forgiven(rerun, accepted)
        allowed = comparator.allowed_noise
        d = evidence(
            dimension.kind,
            baseline.value if baseline else None,
            rerun.value if rerun else None,
            this.value,
            rules.assumed_noise if allowed is None else allowed,
        )
        scores.append(DimensionScore(dimension.name, dimension.kind, comparator.version, this, baseline, rerun, d))
    return Comparison(
        comparison_id(trial.trial_id, candidate.name, candidate.candidate_hash),
        candidate.name,
        candidate.candidate_hash,
        trial,
        tuple(scores),
    )


def _forgiven(score: ArmScore, accepted: frozenset[str]) -> ArmScore:
    """0 where somebody accepted the difference; the reason stays, so that it can still be counted."""
    return replace(score, value=0.0) if score.value and score.reason in accepted else score


def _scored(comparator: Comparator, pairs: list[Pair]) -> list[ArmScore]:
    try:
        scores = comparator.compare_many(pairs)
    except Exception as raised:  # noqa: BLE001 - the one catch: a comparator that raises is `failed`, never 0
        if len(pairs) == 1:
            return [ArmScore(None, Status.FAILED, f"raised:{type(raised).__name__}", str(raised)[:200])]
        return [score for pair in pairs for score in _scored(comparator, [pair])]
    return [_arm_score(score) for score in scores]


def _observed(comparator: CalibratedComparator, comparison: Comparison) -> str:
    try:
        return comparator.observe(comparison)
    except Exception:  # noqa: BLE001 - as above: what a comparator cannot read teaches it nothing
        return ""


def _arm_score(score: Score) -> ArmScore:
    status = Status.SKIPPED if score.value is None else Status.SCORED
    return ArmScore(score.value, status, score.reason, score.detail)
