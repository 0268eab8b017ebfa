"""How often a candidate without drift is failed, and one with drift is passed, at every-trial looks; and by peers."""

import math

import numpy as np

from benchmarks import peer_judges
from benchmarks.evidence_paths import first_fail, first_pass, share_ever
from benchmarks.made_streams import Floats, excess, failures, flips
from comparators.drift.alpha import dimension_shares, families, log_threshold
from comparators.semantic.distance_bands import Distance, bands_of
from comparators.semantic.semantic_change import SemanticChange
from comparators.semantic.style_shift import REACH, StyleShift
from schemas.verdicts import Effect

ALPHA = 0.05
MARK = math.log(1 / ALPHA)
SIZE = 48  # of made embeddings; the direction learnt from so few trials is as poor in 384
EFFECTS = {"a": Effect.BLOCK, "b": Effect.BLOCK, "c": Effect.REVIEW, "d": Effect.REVIEW, "e": Effect.INFO}


def single(seed: int, streams: int, trials: int) -> list[tuple[str, float]]:
    """A/A streams, one hypothesis: the share that ever fails."""
    rng = np.random.default_rng(seed)
    shape = streams, trials
    rerun, candidate = failures(rng, shape, 0.02, 0.02)
    rows = [("failures 2 % in both arms, tolerance 0", first_fail(candidate - rerun, 0.0, MARK))]
    rows += [("excess 0 (sd 0.08, clip 0.25), tolerance 0", first_fail(excess(rng, shape, 0.0), 0.0, MARK, 0.25))]
    rerun, candidate = failures(rng, shape, 0.02, 0.03)
    rows += [("failures 2 -> 3 %, tolerance 0.01: exactly at the edge", first_fail(candidate - rerun, 0.01, MARK))]
    rows += [("flips 10 % in both arms, tolerance 0.03", first_fail(flips(rng, shape, 0.1), 0.03, MARK))]
    return [(name, share_ever(first)) for name, first in rows]


def calibrated(seed: int, streams: int, trials: int) -> list[tuple[str, float]]:
    """A/A streams of the dimensions that learn first, each with a calibration of its own: the share that ever fails."""
    rng = np.random.default_rng(seed)
    change, style = SemanticChange(), StyleShift()
    allowed, far = np.empty((streams, 1)), np.empty((streams, 1))
    for row in range(streams):
        bands = bands_of([Distance(float(one), 300) for one in rng.beta(2, 30, change.window)])
        allowed[row], far[row] = bands.allowed, bands.threshold(300)
    beyond = (rng.beta(2, 30, (streams, trials)) > far) - allowed
    rows = [
        (f"semantic_change after {change.window} reruns, tolerance {tolerance}", first_fail(beyond, tolerance, MARK))
        for tolerance in (0.0, 0.005)
    ]
    shifts = np.empty((streams, trials))
    for row in range(streams):
        spread = rng.gamma(1.0, 1.0, SIZE)  # answers vary in some directions more than in others
        differences = rng.normal(0, 0.3, (style.window + trials, SIZE)) * spread / np.linalg.norm(spread)
        learnt = differences[: style.window].sum(axis=0)
        shifts[row] = differences[style.window :] @ (learnt / np.linalg.norm(learnt)) / REACH
    rows += [
        (f"style_shift after {style.window} trials, tolerance {tolerance}", first_fail(shifts, tolerance, MARK, 0.25))
        for tolerance in (0.0, 0.01)
    ]
    return [(name, share_ever(first)) for name, first in rows]


def family(seed: int, candidates: int, trials: int) -> float:
    """60 hypotheses (12 features x 5 dimensions), latched; 4 features declared, 8 appear over time; two epochs each.

    The dimensions of a feature share half of their noise, because they score the same trials.
    """
    rng = np.random.default_rng(seed)
    features = [f"f{i:02}" for i in range(12)]
    given = {family.feature: family.share for family in families("c", features[:4], features)}
    within = dimension_shares(EFFECTS)
    failed = np.zeros(candidates, dtype=bool)
    for place, feature in enumerate(features):
        left = trials if place < 4 else trials - (place - 3) * trials // 10  # later ones have seen less
        shared = rng.normal(0.0, 1.0, (candidates, left))
        for place_within, share in enumerate(within.values()):
            own = rng.normal(0.0, 1.0, (candidates, left))
            noise = (shared + own) * math.sqrt(0.5)
            # Yes/no dimensions at 5 % discordant trials each way, the others normal with deviation 0.08.
            d = np.sign(noise) * (np.abs(noise) > 1.645) if place_within % 2 == 0 else 0.08 * noise
            clip = 1.0 if place_within % 2 == 0 else 0.25
            for rank, epoch in enumerate((d[:, : left // 2], d[:, left // 2 :]), start=1):
                mark = log_threshold(ALPHA, given[feature] * share, rank)
                failed |= first_fail(epoch, 0.0, mark, clip) <= trials
    return float(failed.mean())


def false_pass(seed: int, streams: int, trials: int) -> list[tuple[str, float]]:
    """The true excess lies just above the tolerance: the share that ever passes."""
    rng = np.random.default_rng(seed)
    shape = streams, trials
    before, after = failures(rng, shape, 0.0, 0.0101)
    rows = [("failures 0 -> 1.01 %, tolerance 0.01", first_pass(after - before, 0.01, MARK))]
    before, after = failures(rng, shape, 0.02, 0.0302)
    rows += [("failures 2 -> 3.02 %, tolerance 0.01", first_pass(after - before, 0.01, MARK))]
    rows += [("flips 10 -> 13.1 %, tolerance 0.03", first_pass(flips(rng, shape, 0.1, 0.031), 0.03, MARK))]
    rows += [("excess 0.0301 (sd 0.08), tolerance 0.03", first_pass(excess(rng, shape, 0.0301), 0.03, MARK))]
    return [(name, share_ever(first)) for name, first in rows]


def side_by_side(seed: int, streams: int, trials: int) -> list[tuple[str, dict[str, tuple[float, str]]]]:
    """The same streams judged by everybody: share that ever fails, and the median delay."""
    rng = np.random.default_rng(seed)
    shape = streams, trials

    def binary(before: float, after: float) -> tuple[Floats, Floats]:
        return failures(rng, shape, before, after)

    def graded(mean: float) -> tuple[Floats, Floats]:
        rerun = np.clip(rng.normal(0.2, 0.0566, shape), 0, 1)
        return rerun, np.clip(rng.normal(0.2 + mean, 0.0566, shape), 0, 1)

    cases = {
        "A/A, failures 2 %": binary(0.02, 0.02),
        "failures 2 -> 5 %": binary(0.02, 0.05),
        "A/A, distance 0.2 (sd of D 0.08)": graded(0.0),
        "distance 0.2 -> 0.22": graded(0.02),
    }
    return [(name, peer_judges.everybody(rerun, candidate)) for name, (rerun, candidate) in cases.items()]
