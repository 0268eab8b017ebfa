"""How honest forecasts are: of those made after 100 and 300 trials, how often the verdict came within the range told."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.evidence_paths import NEVER, first_fail, first_pass
from benchmarks.made_streams import Floats, excess, failures, flips
from comparators.drift.fold import fold_arms
from comparators.drift.forecast import forecast
from schemas.verdicts import Forecast

FAIL_AT = math.log(1200)  # one of sixty hypotheses
PASS_AT = math.log(20)
LOOKS = (100, 300)
TRIALS = 30_000
MIN_TRIALS = 300


@dataclass(frozen=True)
class _Case:
    made: Callable[[np.random.Generator, tuple[int, int]], Floats]
    tolerance: float
    clip: float = 1.0


def _failing(before: float, after: float) -> Callable[[np.random.Generator, tuple[int, int]], Floats]:
    def make(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        rerun, candidate = failures(rng, shape, before, after)
        return candidate - rerun

    return make


CASES = {
    "never fails, tolerance 0.01": _Case(_failing(0.0, 0.0), 0.01),
    "fails 1 % in both arms, tolerance 0.01": _Case(_failing(0.01, 0.01), 0.01),
    "failures 2 -> 5 %, tolerance 0.01": _Case(_failing(0.02, 0.05), 0.01),
    "flips 2 % of itself, tolerance 0.03": _Case(lambda rng, shape: flips(rng, shape, 0.02), 0.03),
    "flips 10 % of itself, tolerance 0.03": _Case(lambda rng, shape: flips(rng, shape, 0.10), 0.03),
    "flips 10 -> 20 %, tolerance 0.03": _Case(lambda rng, shape: flips(rng, shape, 0.10, 0.10), 0.03),
    "distance, sd of D 0.08, tolerance 0.03": _Case(lambda rng, shape: excess(rng, shape, 0.0), 0.03, 0.25),
    "distance + 0.06 (sd 0.08), tolerance 0.03": _Case(lambda rng, shape: excess(rng, shape, 0.06), 0.03, 0.25),
    "distance, sd of D 0.5, tolerance 0.03": _Case(lambda rng, shape: np.clip(rng.normal(0, 0.5, shape), -1, 1), 0.03),
}


def honesty(seed: int, streams: int) -> list[tuple[str, int, str, str, str, str, str, str]]:
    """Per case and look: how many were undecided, told a verdict, told the right one, and within the range (goal 80 %).

    Then how many ranges had an open end, and the middle ratio of the others' ends.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for name, case in CASES.items():
        d = case.made(rng, (streams, TRIALS))
        fails = first_fail(d, case.tolerance, FAIL_AT, case.clip)
        passes = first_pass(d, case.tolerance, PASS_AT, after=MIN_TRIALS)
        ends = np.minimum(fails, passes)
        for look in LOOKS:
            open_still = np.flatnonzero(ends > look)
            told = [(row, _told(d[row, :look], case)) for row in open_still]
            in_sight = [(row, one) for row, one in told if one.to is not None]
            right = sum((one.to == "FAIL") == bool(fails[row] < passes[row]) for row, one in in_sight)
            inside = sum(_holds(one, int(ends[row]) - look) for row, one in in_sight)
            spread = sorted(one.latest / max(1, one.earliest) for _, one in in_sight if one.latest and one.earliest)
            rows.append(
                (
                    name,
                    look,
                    f"{len(open_still)}",
                    f"{len(in_sight)}",
                    _share(right, len(in_sight)),
                    _share(inside, len(in_sight)),
                    f"{sum(one.latest is None for _, one in in_sight)}",
                    f"1 : {spread[len(spread) // 2]:.1f}" if spread else "",
                )
            )
    return rows


def _told(d: Floats, case: _Case) -> Forecast:
    none = np.full(d.shape, np.nan)
    found = fold_arms(
        d,
        baseline=none,
        rerun=none,
        candidate=np.abs(d),
        weight=np.ones(d.shape),
        tolerance=case.tolerance,
        clip=case.clip,
    )
    return forecast(found, case.tolerance, case.clip, FAIL_AT, PASS_AT, MIN_TRIALS)


def _holds(told: Forecast, took: int) -> bool:
    return (told.earliest or 0) <= took <= (NEVER if told.latest is None else told.latest)


def _share(part: int, of: int) -> str:
    return f"{part / of:.0%}" if of else ""
