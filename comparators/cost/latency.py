"""How long the arm took."""

import math
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score

LONGEST_MS = 600_000


def log_score(amount: float | None, largest: float) -> Score:
    """An amount on a fixed log scale from 0 to `largest`; None stays unknown, never 0."""
    if amount is None or not amount >= 0:
        return Score(None, "unknown")
    value = min(1.0, math.log1p(amount) / math.log1p(largest))
    return Score(value, "amount" if value else "")


@dataclass(frozen=True)
class Latency(Comparator):
    """log(1 + milliseconds) / log(1 + 600,000), clipped at 1; unknown stays unknown.

    Rerun and candidate are asked at the same time by the same client, so their difference is the models'. The
    baseline's latency was measured by the gateway and is only shown.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> Latency().compare(Pair(Request({}), Answer("m", text="a"), Answer("m", text="a")))
    Score(value=None, reason='unknown', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return log_score(pair.answer.latency_ms, LONGEST_MS)
