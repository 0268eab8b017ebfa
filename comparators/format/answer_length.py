"""How long an answer is, on a fixed log scale: the length the faithful-replay check compares."""

import math
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score

LONGEST = 1 << 20  # characters


@dataclass(frozen=True)
class AnswerLength(Comparator):
    """log(1 + characters) / log(1 + 2**20), clipped at 1.

    Sees: length alone, with its direction, where `length_change` sees distance.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> AnswerLength().compare(Pair(Request({}), Answer("m", text=""), Answer("m", text=""))).value
    0.0
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        value = min(1.0, math.log1p(len(pair.answer.content)) / math.log1p(LONGEST))
        return Score(value, "characters" if value else "")
