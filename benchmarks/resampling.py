"""Rank statistics of labelled scores, with bootstrap intervals."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000


class Estimate(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(statistic: Callable[..., float], *columns: Floats, seed: int = 1) -> Estimate:
    """A statistic of rows, with the percentile interval of 1,000 resamples of the rows (Efron 1979)."""
    rng = np.random.default_rng(seed)
    rows = len(columns[0])
    drawn = (rng.integers(0, rows, rows) for _ in range(RESAMPLES))
    found = [statistic(*(column[places] for column in columns)) for places in drawn]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Estimate(statistic(*columns), float(low), float(high))


def auc(labels: Floats, scores: Floats) -> float:
    """Chance that a labelled row scores higher than an unlabelled one, ties counting half.

    >>> auc(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.4, 0.4, 0.1]))
    0.875
    """
    positive = labels > 0
    ups, downs = positive.sum(), (~positive).sum()
    if not ups or not downs:
        return float("nan")
    return float((ranks(scores)[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation after Spearman (1904)."""
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def f1(labels: Floats, flags: Floats) -> float:
    """Harmonic mean of precision and recall; 1 where there is nothing to find and nothing was flagged."""
    both = labels.sum() + flags.sum()
    return float(2 * (labels * flags).sum() / both) if both else 1.0


def precision(labels: Floats, flags: Floats) -> float:
    """Share of the flagged that is labelled."""
    return float((labels * flags).sum() / flags.sum()) if flags.sum() else float("nan")


def recall(labels: Floats, flags: Floats) -> float:
    """Share of the labelled that is flagged."""
    return float((labels * flags).sum() / labels.sum()) if labels.sum() else float("nan")


def ranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place].astype(np.float64)
