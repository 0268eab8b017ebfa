"""Many streams of D at once: where each first reaches a mark, looked at after every trial."""

import math

import numpy as np
import numpy.typing as npt

from comparators.drift.fold import fail_fractions, pass_fractions

Floats = npt.NDArray[np.float64]
NEVER = np.iinfo(np.int64).max


def first_fail(d: Floats, tolerance: float, mark: float, clip: float = 1.0, *, after: int = 0) -> npt.NDArray[np.int64]:
    """Trials until log e against "mean D <= tolerance" reaches the mark; d of shape (streams, trials)."""
    return _first(np.clip(d, -clip, clip) - tolerance, fail_fractions(tolerance, clip), mark, after)


def first_pass(d: Floats, tolerance: float, mark: float, *, after: int = 300) -> npt.NDArray[np.int64]:
    """Trials until log e against "mean D >= tolerance" reaches the mark, from trial `after` on."""
    return _first(tolerance - d, pass_fractions(tolerance), mark, after)


def first_reach(steps: Floats, mark: float) -> npt.NDArray[np.int64]:
    """Trials until one gambler, whose fraction times gain is `steps`, alone reaches the mark."""
    wealth = np.log1p(steps).cumsum(axis=1)
    there = wealth >= mark
    return np.where(there.any(axis=1), there.argmax(axis=1) + 1, NEVER)


def _first(gains: Floats, fractions: tuple[float, ...], mark: float, after: int) -> npt.NDArray[np.int64]:
    """Exact, and quick where few get near: the mean of the wealths is nowhere above the largest of them."""
    found = np.full(len(gains), NEVER)
    start = max(after, 1) - 1
    for low in range(0, len(gains), 50):
        part = gains[low : low + 50]
        best = np.full(part.shape, -np.inf)
        for fraction in fractions:
            np.maximum(best, np.log1p(fraction * part).cumsum(axis=1), out=best)
        near = np.flatnonzero(best[:, start:].max(axis=1) >= mark)
        for row in near:
            wealth = np.log1p(np.outer(fractions, part[row])).cumsum(axis=1)
            log_e = np.logaddexp.reduce(wealth, axis=0) - math.log(len(fractions))
            there = np.flatnonzero(log_e[start:] >= mark)
            if there.size:
                found[low + row] = there[0] + 1 + start
    return found


def share_ever(first: npt.NDArray[np.int64]) -> float:
    """Share of the streams that ever got there."""
    return float((first != NEVER).mean())


def median_number(first: npt.NDArray[np.int64], share: float = 0.5) -> int:
    """Trials by which this share of the streams got there."""
    return int(np.sort(first)[min(len(first) - 1, math.ceil(share * len(first)) - 1)])


def median(first: npt.NDArray[np.int64], share: float = 0.5) -> str:
    """Trials by which this share of the streams got there, "never" where fewer did."""
    value = median_number(first, share)
    return "never" if value == NEVER else f"{value:,}"
