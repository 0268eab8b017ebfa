"""The answer is much longer or shorter than the baseline."""

import math
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable


@dataclass(frozen=True)
class LengthChange(Comparator):
    """|log2 of the length ratio| / `octaves`, clipped at 1, so that a few runaway answers weigh no more than 1 each.

    Lengths are characters without outer white space, plus `floor`, which keeps two short answers from looking far
    apart. Settings: `octaves` (3: a factor of 8 is 1), `floor` (20 characters).

    Sees: answers that grew (`longer`), shrank (`shorter`) or say nothing at all (`empty`, always 1).

    Does not see: other words of the same length.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> LengthChange(octaves=2, floor=0).compare(Pair(Request({}), Answer("m", text="abcd"), Answer("m", text="ab")))
    Score(value=0.5, reason='shorter', detail='')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.DISTANCE
    octaves: float = 3.0
    floor: int = 20

    def __post_init__(self) -> None:
        if not self.octaves > 0 or not self.floor >= 0:
            raise ValueError("octaves must be above 0 and floor not below it")

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        before, after = len(pair.baseline.content.strip()), len(pair.answer.content.strip())
        if not before:
            return inapplicable("no_text")
        if not after:
            return Score(1.0, "empty")
        if before == after:
            return FINE
        octaves = abs(math.log2((after + self.floor) / (before + self.floor)))
        return Score(min(1.0, octaves / self.octaves), "longer" if after > before else "shorter")
