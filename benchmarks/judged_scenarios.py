"""Whole features through the real judge, looked at as they grow, with FAILs latched as the live judge does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.dimensions import Dimension
from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.fold import fold_arms
from comparators.drift.judge import JudgeRules, Known, judge
from comparators.scoring import FeatureRules
from comparators.semantic.distance_bands import Distance, bands_of
from schemas.verdicts import Effect, FeatureVerdict, Verdict

Floats = npt.NDArray[np.float64]
HOUR_MS = 3_600_000
CANDIDATE, FEATURE = "next", "chat"
WARM_UP, RERUNS = 60, 0.10


@dataclass(frozen=True)
class _Named(Comparator):
    """Stands for the comparator: here the scores are drawn, not computed, and the judge asks only for its kind."""

    kind: Kind  # type: ignore[misc] - of the instance, so that one class stands for all
    allows_noise: bool = False  # type: ignore[misc] - the same

    def compare(self, pair: Pair) -> Score:
        raise NotImplementedError(pair)


def _dimension(name: str, kind: Kind, effect: Effect, tolerance: float) -> Dimension:
    return Dimension(name, _Named(kind), effect, tolerance)


CALL_ERROR = _dimension("call_error", Kind.PROPERTY, Effect.BLOCK, 0.01)
INVALID_JSON = _dimension("invalid_json", Kind.PROPERTY, Effect.BLOCK, 0.01)
REFUSAL = _dimension("refusal", Kind.PROPERTY_BOTH, Effect.BLOCK, 0.03)
CODE_FENCE = _dimension("code_fence", Kind.PROPERTY_BOTH, Effect.REVIEW, 0.03)
EMBEDDING = _dimension("embedding_distance", Kind.DISTANCE, Effect.REVIEW, 0.03)
SEMANTIC = Dimension("semantic_change", _Named(Kind.DISTANCE, allows_noise=True), Effect.REVIEW, 0.005)
WINDOW = 500


@dataclass(frozen=True)
class Arms:
    """Scores of the arms, shape (trials,), NaN where there are none."""

    baseline: Floats
    rerun: Floats
    candidate: Floats
    d: Floats

    def evidence(self, dimension: Dimension, start: int, end: int, trials: int) -> Evidence:
        """Of trials `start` up to `end`, of `trials` that spread over 26 hours."""
        part = slice(start, end)
        found = fold_arms(
            self.d[part],
            baseline=self.baseline[part],
            rerun=self.rerun[part],
            candidate=self.candidate[part],
            weight=np.ones(end - start),
            tolerance=dimension.tolerance,
            clip=0.25 if dimension is EMBEDDING else 1.0,
        )
        per_trial = 26 * HOUR_MS / trials
        skipped = int(np.isnan(self.candidate[part]).sum())
        return replace(
            found,
            scored=end - start - skipped,
            skipped=skipped,
            first_ms=int(HOUR_MS + start * per_trial),
            last_ms=int(HOUR_MS + end * per_trial),
        )


def reruns(rng: np.random.Generator, trials: int, share: float = RERUNS) -> npt.NDArray[np.bool_]:
    """Which trials have a rerun: the first sixty all, then a share."""
    chosen = rng.random(trials) < share
    chosen[:WARM_UP] = True
    return chosen


def property_of(dimension: Dimension, baseline: Floats, rerun: Floats, candidate: Floats) -> Arms:
    """D of a PROPERTY or PROPERTY_BOTH; the rerun is NaN where nobody asked again."""
    if dimension.kind is Kind.PROPERTY:
        return Arms(baseline, rerun, candidate, candidate - baseline)
    return Arms(baseline, rerun, candidate, np.abs(candidate - baseline) - np.abs(rerun - baseline))


def watch(
    arms: Mapping[Dimension, Arms], *, coverage: float = 1.0, every: int = 50, hours: float | None = 24
) -> tuple[FeatureVerdict, dict[str, int]]:
    """The last verdict of a feature judged after every so many trials, and where each dimension first failed."""
    trials = len(next(iter(arms.values())).d)
    rules = JudgeRules({"": FeatureRules(tuple(arms))}, declared=(FEATURE,), min_hours=hours)
    evidence: dict[EvidenceKey, Evidence] = {}
    failed: dict[str, int] = {}
    for start in range(0, trials, every):
        end = min(trials, start + every)
        for dimension, scores in arms.items():
            key = EvidenceKey(CANDIDATE, FEATURE, dimension.name, 1)
            evidence[key] = evidence.get(key, Evidence()) + scores.evidence(dimension, start, end, trials)
        known = Known(
            pins={CANDIDATE: "p/next-1"},
            coverage={CANDIDATE: coverage},
            shares={(CANDIDATE, FEATURE): 0.5},
            latched={EvidenceKey(CANDIDATE, FEATURE, name, 1) for name in failed},
        )
        verdict = judge("u", "p/now-1", evidence, rules, known, {}).candidates[0].features[0]
        for judged in verdict.dimensions:
            if judged.verdict is Verdict.FAIL:
                failed.setdefault(judged.dimension, end)
    return verdict, failed


def refusals_gained_and_lost(rng: np.random.Generator) -> tuple[FeatureVerdict, dict[str, int]]:
    """10 % refusals; 5 % of all answers are refused anew and 5 % no longer: the rate stays, the answers do not."""
    trials = 20_000
    baseline = (rng.random(trials) < 0.10).astype(float)
    again = np.where(rng.random(trials) < 0.01, 1 - baseline, baseline)
    moved = np.where(baseline == 1, rng.random(trials) < 0.5, rng.random(trials) < 0.05 / 0.9)
    candidate = np.where(moved, 1 - baseline, again)
    again = np.where(reruns(rng, trials), again, np.nan)
    nothing = np.zeros(trials)
    return watch(
        {
            CALL_ERROR: property_of(CALL_ERROR, nothing, np.where(np.isnan(again), np.nan, 0.0), nothing),
            REFUSAL: property_of(REFUSAL, baseline, again, candidate),
        }
    )


def lossy_tap(share: float) -> Callable[[np.random.Generator], tuple[FeatureVerdict, dict[str, int]]]:
    """The tap lost the system prompt: this share of both replays' answers comes as prose where JSON was recorded."""

    def run(rng: np.random.Generator) -> tuple[FeatureVerdict, dict[str, int]]:
        trials = 6000
        asked = reruns(rng, trials)
        nothing = np.zeros(trials)
        lost = {arm: (rng.random(trials) < share).astype(float) for arm in ("rerun", "candidate")}
        again = np.where(asked, lost["rerun"], np.nan)
        return watch(
            {
                CALL_ERROR: property_of(CALL_ERROR, nothing, np.where(asked, 0.0, np.nan), nothing),
                INVALID_JSON: property_of(INVALID_JSON, nothing, again, lost["candidate"]),
                CODE_FENCE: property_of(CODE_FENCE, nothing, again, lost["candidate"]),
            },
            every=10,
        )

    return run


def outage(share: float) -> Callable[[np.random.Generator], tuple[FeatureVerdict, dict[str, int]]]:
    """The provider is away for this share of the time: those exchanges are shed, nothing of them is compared."""

    def run(rng: np.random.Generator) -> tuple[FeatureVerdict, dict[str, int]]:
        trials = round(10_000 * (1 - share))
        asked = reruns(rng, trials)
        errs = (rng.random(trials) < 0.002).astype(float)
        baseline = (rng.random(trials) < 0.01).astype(float)
        again, candidate = ((rng.random(trials) < 0.01).astype(float) for _ in range(2))
        return watch(
            {
                CALL_ERROR: property_of(CALL_ERROR, np.zeros(trials), np.where(asked, 0.0, np.nan), errs),
                INVALID_JSON: property_of(INVALID_JSON, baseline, np.where(asked, again, np.nan), candidate),
            },
            coverage=1 - share,
        )

    return run


def catastrophes(share: float) -> Callable[[np.random.Generator], tuple[FeatureVerdict, dict[str, int]]]:
    """This share of the answers is about something else; the others lie a little closer than reruns (where any do)."""

    def run(rng: np.random.Generator) -> tuple[FeatureVerdict, dict[str, int]]:
        trials = 20_000
        asked = reruns(rng, trials)
        rerun, usual = (rng.beta(2, 30, trials) for _ in range(2))
        elsewhere = rng.random(trials) < share
        candidate = np.where(elsewhere, rng.uniform(0.5, 1.0, trials), usual * (0.9 if share else 1.0))
        window = np.flatnonzero(asked)[:WINDOW]
        bands = bands_of([Distance(float(rerun[i]), 300) for i in window])
        later = np.arange(trials) > window[-1]
        beyond = np.where(later, (candidate > bands.threshold(300)).astype(float), np.nan)
        again_beyond = np.where(later & asked, (rerun > bands.threshold(300)).astype(float), np.nan)
        again = np.where(asked, rerun, np.nan)
        nothing, none = np.zeros(trials), np.full(trials, np.nan)
        return watch(
            {
                CALL_ERROR: property_of(CALL_ERROR, nothing, np.where(asked, 0.0, np.nan), nothing),
                EMBEDDING: Arms(none, again, candidate, candidate - again),
                SEMANTIC: Arms(none, again_beyond, beyond, beyond - bands.allowed),
            }
        )

    return run
