"""Fold scores into evidence with numpy: the grids of bets, the sums, the counts.

A grid holds the log-wealth of twelve gamblers who bet fixed fractions against a hypothesis (Waudby-Smith and Ramdas,
"Estimating means of bounded random variables by betting", JRSS B 2024). Fixed fractions instead of learned ones make
the log-wealth a plain sum: what is lost is a few trials, what is won is that order and partitioning do not matter.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from comparators.drift.evidence import GRID, Evidence, EvidenceKey
from comparators.scoring import FeatureRules
from schemas.comparisons import ArmScore, Comparison, DimensionScore, Status

Floats = npt.NDArray[np.float64]
EpochOf = Callable[[str, str, str], int]  # candidate, feature, dimension -> number of the epoch in force

_BOLDEST = 0.99  # of the largest fraction that cannot go broke: the worst trial leaves a hundredth


@cache
def fail_fractions(tolerance: float, clip: float = 1.0) -> tuple[float, ...]:
    """Fractions bet against "mean D <= tolerance" for D in [-clip, clip], boldest first.

    Raises:
        ValueError: nothing in [-clip, clip] exceeds the tolerance, so that no evidence could ever fail it.
    """
    if not 0.0 <= tolerance < clip <= 1.0:
        raise ValueError(f"a tolerance is from 0 up to the clip of its evidence ({clip}), not {tolerance}")
    return tuple(_BOLDEST / (tolerance + clip) * 2.0**-g for g in range(GRID))


@cache
def pass_fractions(tolerance: float) -> tuple[float, ...]:
    """Fractions bet against "mean D >= tolerance" for D in [-1, 1], boldest first."""
    return tuple(_BOLDEST / (1.0 - tolerance) * 2.0**-g for g in range(GRID))


def fail_bets(d: Floats, tolerance: float, clip: float = 1.0) -> Floats:
    """Log-wealth per fraction against "mean of clipped D <= tolerance"; `d` of shape (n,) without NaN."""
    return _log_wealth(np.clip(d, -clip, clip) - tolerance, fail_fractions(tolerance, clip))


def pass_bets(d: Floats, tolerance: float) -> Floats:
    """Log-wealth per fraction against "mean D >= tolerance"; `d` of shape (n,) without NaN, never clipped."""
    return _log_wealth(tolerance - d, pass_fractions(tolerance))


def fold(
    scores: Sequence[DimensionScore],
    weights: Sequence[float],
    ts_ms: Sequence[int],
    *,
    tolerance: float,
    clip: float = 1.0,
) -> Evidence:
    """Evidence of comparisons of one key, each given once.

    Args:
        scores: one per comparison, all of one dimension.
        weights: 1 / the probability with which each was sampled.
        ts_ms: event times, milliseconds.
        tolerance: of the dimension, in [0, clip).
        clip: D is clipped at plus or minus this, in `fail_bets` only.

    Raises:
        ValueError: sequences of different lengths, or a tolerance that cannot be exceeded.
    """
    if not len(scores) == len(weights) == len(ts_ms):
        raise ValueError(f"{len(scores)} scores, {len(weights)} weights and {len(ts_ms)} event times")
    found = fold_arms(
        np.array([np.nan if score.d is None else score.d for score in scores], dtype=np.float64),
        baseline=_values([score.baseline for score in scores]),
        rerun=_values([score.rerun for score in scores]),
        candidate=_values([score.candidate for score in scores]),
        weight=np.asarray(weights, dtype=np.float64),
        tolerance=tolerance,
        clip=clip,
    )
    status = Counter([score.candidate.status for score in scores])
    times = [ms for ms in ts_ms if ms]
    return replace(
        found,
        scored=status[Status.SCORED],
        skipped=status[Status.SKIPPED],
        failed=status[Status.FAILED],
        first_ms=min(times, default=0),
        last_ms=max(times, default=0),
        reasons=_reasons([score.candidate for score in scores]),
        rerun_reasons=_reasons([score.rerun for score in scores]),
    )


def fold_arms(
    d: Floats,
    *,
    baseline: Floats,
    rerun: Floats,
    candidate: Floats,
    weight: Floats,
    tolerance: float,
    clip: float = 1.0,
) -> Evidence:
    """The sums of `Evidence` that are made of numbers; arrays of shape (n,), NaN where there is no score."""
    replayed = rerun - baseline
    replayed = replayed[~np.isnan(replayed)]
    # What has no D leaves before anything is clipped or summed: a missing score is neither 0 nor at the clip.
    has_d = ~np.isnan(d)
    d, baseline, rerun, candidate, weight = (x[has_d] for x in (d, baseline, rerun, candidate, weight))
    has_baseline, has_rerun = ~np.isnan(baseline), ~np.isnan(rerun)
    return Evidence(
        n=d.size,
        d_sum=float(d.sum()),
        d_squares=float((d * d).sum()),
        worse=int((d > 0).sum()),
        better=int((d < 0).sum()),
        fail_bets=tuple(fail_bets(d, tolerance, clip).tolist()),
        pass_bets=tuple(pass_bets(d, tolerance).tolist()),
        baseline_n=int(has_baseline.sum()),
        baseline_sum=float(baseline[has_baseline].sum()),
        rerun_n=int(has_rerun.sum()),
        rerun_sum=float(rerun[has_rerun].sum()),
        candidate_sum=float(candidate.sum()),
        weight=float(weight.sum()),
        weighted_candidate=float((weight * candidate).sum()),
        weighted_d=float((weight * d).sum()),
        replay_n=replayed.size,
        replay_up_bets=tuple(fail_bets(replayed, tolerance).tolist()),
        replay_down_bets=tuple(fail_bets(-replayed, tolerance).tolist()),
    )


def fold_comparisons(
    comparisons: Iterable[Comparison],
    rules: Callable[[str], FeatureRules],
    epoch_of: EpochOf,
) -> dict[EvidenceKey, Evidence]:
    """Evidence of a batch by key; each comparison must be given once, in any order.

    Args:
        comparisons: scored trials.
        rules: of a feature, for the tolerance and clip of its dimensions; scores of other dimensions are left out.
        epoch_of: candidate, feature, dimension to the number of the epoch in force (`epochs.py`).
    """
    rows: defaultdict[tuple[str, str, str], list[tuple[DimensionScore, float, int]]] = defaultdict(list)
    for comparison in comparisons:
        trial = comparison.trial
        for score in comparison.scores:
            rows[comparison.candidate, trial.feature, score.dimension].append((score, comparison.weight, trial.ts_ms))
    dimensions = {
        feature: {dimension.name: dimension for dimension in rules(feature).dimensions}
        for feature in {feature for _, feature, _ in rows}
    }
    folded = {}
    for (candidate, feature, name), group in rows.items():
        dimension = dimensions[feature].get(name)
        if dimension is not None:
            scores, weights, times = zip(*group, strict=True)
            folded[EvidenceKey(candidate, feature, name, epoch_of(candidate, feature, name))] = fold(
                scores, weights, times, tolerance=dimension.tolerance, clip=dimension.clip
            )
    return folded


def merge(*parts: Mapping[EvidenceKey, Evidence]) -> dict[EvidenceKey, Evidence]:
    """Evidence of several batches, key by key; no comparison may be in two of them."""
    merged: dict[EvidenceKey, Evidence] = {}
    for part in parts:
        for key, evidence in part.items():
            merged[key] = merged[key] + evidence if key in merged else evidence
    return merged


def _log_wealth(gains: Floats, fractions: tuple[float, ...]) -> Floats:
    wealth: Floats = np.log1p(np.outer(np.asarray(fractions), gains)).sum(axis=1)
    return wealth


def _values(arms: Sequence[ArmScore | None]) -> Floats:
    return np.array([np.nan if arm is None or arm.value is None else arm.value for arm in arms], dtype=np.float64)


def _reasons(arms: Sequence[ArmScore | None]) -> dict[str, int]:
    return dict(Counter([arm.reason for arm in arms if arm is not None and arm.reason and arm.status is Status.SCORED]))
