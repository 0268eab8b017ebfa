"""How long an answer is, on a fixed log scale: the length the faithful-replay check compares."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score, inapplicable
from comparators.cost.log_scale import log_score

LONGEST = 1 << 20  # characters


@dataclass(frozen=True)
class AnswerLength(Comparator):
    """log(1 + characters) / log(1 + 2**20), clipped at 1.

    Sees: length alone, with its direction, where `length_change` sees distance. An arm without text has length 0.

    Does not see: what the characters say, or tool calls.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> answer = Answer("m", text="x" * 1023)
    >>> round(AnswerLength().compare(Pair(Request({}), answer, answer)).value, 3)
    0.5
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        if not pair.baseline.content:
            return inapplicable("no_text")
        return log_score(len(pair.answer.content), 1, LONGEST)
