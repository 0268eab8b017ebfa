"""The answer was cut off."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score

_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "incomplete"})


@dataclass(frozen=True)
class Truncation(Comparator):
    """1 where the provider says that the limit of tokens ended the answer, or a fence was opened and never closed.

    Does not see: an answer that stops early of its own accord.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> whole = Answer("m", text="Dear customer, all is well.")
    >>> Truncation().compare(Pair(Request({}), whole, Answer("m", text="Dear cust", finish_reason="length")))
    Score(value=1.0, reason='finish:length', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.PROPERTY

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        answer = pair.answer
        if answer.finish_reason in _CUT:
            return Score(1.0, f"finish:{answer.finish_reason}")
        if answer.content.count("```") % 2:
            return Score(1.0, "open_fence")
        return Score(0.0)
