"""The answer is much longer or shorter than the baseline."""

import math
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score


@dataclass(frozen=True)
class LengthChange(Comparator):
    """|log2 of the length ratio| / `octaves`, clipped at 1, so that a few runaway answers weigh no more than 1 each.

    Lengths are characters plus `floor`, which keeps two short answers from looking far apart. Settings: `octaves` (3: a
    factor of 8 is 1), `floor` (20 characters). Does not see: other words of the same length.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> LengthChange(floor=0).compare(Pair(Request({}), Answer("m", text="abcd"), Answer("m", text="ab")))
    Score(value=0.3333333333333333, reason='shorter', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.DISTANCE
    octaves: float = 3.0
    floor: int = 20

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        before, after = len(pair.baseline.content), len(pair.answer.content)
        if not before and pair.baseline.tool_calls:
            return Score(None, "no_text")
        if before == after:
            return Score(0.0)
        ratio = math.log2((after + max(self.floor, 1e-9)) / (before + max(self.floor, 1e-9)))
        return Score(min(1.0, abs(ratio) / self.octaves), "longer" if ratio > 0 else "shorter")
