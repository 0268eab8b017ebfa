"""How long users would wait before they see anything."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.cost.log_scale import log_score

LONGEST_MS = 600_000


@dataclass(frozen=True)
class TimeToFirstToken(Comparator):
    """log(1 + milliseconds to the first token) / log(1 + 600,000), clipped at 1; unknown stays unknown.

    Known only where the arm was asked with streaming. The scale is that of `latency`, so the two can be compared.

    Sees: a model that thinks longer before it speaks.

    Does not see: how fast it goes on from there (`latency`).

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> answer = Answer("m", text="a", latency_ms=812)
    >>> TimeToFirstToken().compare(Pair(Request({}), answer, answer))
    Score(value=None, reason='unknown', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return log_score(pair.answer.time_to_first_token_ms, 1, LONGEST_MS)
