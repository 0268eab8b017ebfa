"""Amounts on fixed log scales: the same amount has the same score in every feature, upgrade and year."""

import math

from comparators.comparator import Score

_UNKNOWN = Score(None, "unknown")


def log_score(amount: float | None, unit: float, largest: float) -> Score:
    """log(1 + amount / unit) / log(1 + largest / unit), clipped at 1; None stays unknown, never 0.

    The reason is the order of magnitude (`1e3`: from 1,000 up to 10,000), so that a tail can be told from a shift.

    >>> log_score(812.0, 1, 600_000).reason
    '1e2'
    >>> log_score(None, 1, 600_000)
    Score(value=None, reason='unknown', detail='')
    """
    if amount is None or not 0 <= amount < math.inf:
        return _UNKNOWN
    value = min(1.0, math.log1p(amount / unit) / math.log1p(largest / unit))
    return Score(value, f"1e{math.floor(math.log10(amount))}" if value else "")
