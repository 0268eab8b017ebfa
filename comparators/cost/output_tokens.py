"""How many tokens the arm wrote."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.cost.latency import log_score

MOST = 1_000_000


@dataclass(frozen=True)
class OutputTokens(Comparator):
    """log(1 + output tokens) / log(1 + 1,000,000), as the provider counted them; unknown stays unknown.

    >>> from schemas.answers import Answer, Usage
    >>> from schemas.exchanges import Request
    >>> OutputTokens().compare(Pair(Request({}), Answer("m", text=""), Answer("m", text="", usage=Usage(1, 0)))).value
    0.0
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return log_score(pair.answer.usage.output_tokens, MOST)
