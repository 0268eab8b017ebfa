"""How many trials a verdict takes, rerun on every trial."""

import math
from collections.abc import Callable

import numpy as np

from benchmarks.evidence_paths import first_fail, first_pass, first_reach, median, median_number
from benchmarks.made_streams import Floats, excess, failures, flips
from comparators.drift.fold import pass_fractions
from comparators.drift.forecast import trials_to_pass

ALPHA = 0.05
Z95, Z80 = 1.645, 0.842
MARK = math.log(1 / ALPHA)
OF_SIXTY = math.log(60 / ALPHA)
# A block dimension beside 7 block, 8 review and 6 info ones, in one of 3 declared features, in its first epoch.
AS_DESIGNED = -math.log(ALPHA * 0.5 / 3 * 0.9 * 4 / (8 * 4 + 8 * 2 + 6) / 2)

Made = Callable[[np.random.Generator, tuple[int, int]], Floats]


def _failing(before: float, after: float) -> Made:
    def make(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        rerun, candidate = failures(rng, shape, before, after)
        return candidate - rerun

    return make


DRIFTS: dict[str, tuple[Made, float, int, int]] = {  # D, clip, trials to look at, goal
    "failures 1 -> 2 %": (_failing(0.01, 0.02), 1.0, 10_000, 2700),
    "failures 2 -> 5 %": (_failing(0.02, 0.05), 1.0, 5_000, 750),
    "excess 0.01 (sd 0.08)": (lambda rng, shape: excess(rng, shape, 0.01), 0.25, 5_000, 600),
    "excess 0.02 (sd 0.08)": (lambda rng, shape: excess(rng, shape, 0.02), 0.25, 3_000, 200),
}


def to_fail(seed: int, streams: int) -> list[tuple[str, int, str, str, str, str, str]]:
    """Per drift: goal; median and 80 % at tolerance 0; median at 0.01, among 60 hypotheses, and as designed (0.01)."""
    rows = []
    for name, (made, clip, trials, goal) in DRIFTS.items():
        rng = np.random.default_rng(seed)
        d = made(rng, (streams, trials))
        long = made(rng, (streams // 5, 20_000))  # fewer streams, watched longer, where verdicts come late
        alone = first_fail(d, 0.0, MARK, clip)
        rows.append(
            (
                name,
                goal,
                median(alone),
                median(alone, 0.8),
                median(first_fail(long, 0.01, MARK, clip)),
                median(first_fail(d, 0.0, OF_SIXTY, clip)),
                median(first_fail(long, 0.01, AS_DESIGNED, clip)),
            )
        )
    return rows


def _varied(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return np.clip(rng.normal(0.0, 0.5, shape), -1.0, 1.0)


CLEAN: dict[str, tuple[Made, float]] = {
    "never fails (0 %), tolerance 0.01": (_failing(0.0, 0.0), 0.01),
    "fails 1 % in both arms, tolerance 0.01": (_failing(0.01, 0.01), 0.01),
    "distance, sd of D 0.08, tolerance 0.03": (lambda rng, shape: excess(rng, shape, 0.0), 0.03),
    "flips 2 % of itself, tolerance 0.03": (lambda rng, shape: flips(rng, shape, 0.02), 0.03),
    "flips 10 % of itself, tolerance 0.03": (lambda rng, shape: flips(rng, shape, 0.10), 0.03),
    "flips 10 % of itself, tolerance 0.01": (lambda rng, shape: flips(rng, shape, 0.10), 0.01),
    "other words each time: distance, sd of D 0.5, tolerance 0.03": (_varied, 0.03),
}
FORECASTS = {
    "never fails (0 %), tolerance 0.01": (0.0, 0.01),
    "fails 1 % in both arms, tolerance 0.01": (0.01, 0.01),
    "flips 2 % of itself, tolerance 0.03": (0.02, 0.03),
    "flips 10 % of itself, tolerance 0.03": (0.10, 0.03),
    "flips 10 % of itself, tolerance 0.01": (0.10, 0.01),
}


def to_pass(seed: int, streams: int, trials: int) -> list[tuple[str, str, str, str, str, str]]:
    """Per clean candidate: median and 80 % of the streams, what others would take, and what `check` would forecast.

    The others: one gambler who knew the best of the twelve fractions beforehand, and a test of fixed size with 80 %
    power that nobody may look at before its end (both arms' means and deviation known).
    """
    rng = np.random.default_rng(seed)
    rows = []
    for name, (made, tolerance) in CLEAN.items():
        d = made(rng, (streams, trials))
        first = first_pass(d, tolerance, MARK)
        known = min(
            median_number(first_reach(fraction * (tolerance - d), MARK)) for fraction in pass_fractions(tolerance)
        )
        fixed = math.ceil((Z95 + Z80) ** 2 * float(d.var()) / tolerance**2)
        told = trials_to_pass(*FORECASTS[name]) if name in FORECASTS else None
        rows.append((name, median(first), median(first, 0.8), f"{known:,}", f"{fixed:,}", f"{told:,}" if told else ""))
    return rows
