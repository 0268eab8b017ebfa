"""How many tokens the arm wrote."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.cost.log_scale import log_score

MOST = 1_000_000


@dataclass(frozen=True)
class OutputTokens(Comparator):
    """log(1 + output tokens) / log(1 + 1,000,000), clipped at 1; unknown stays unknown.

    As the provider counted them, with hidden reasoning where the provider counts that.

    Sees: a model that writes or thinks more; at the default tolerance of 0.05, a factor of about 2.

    Does not see: that two models cut the same text into different tokens (`answer_length` counts characters).

    >>> from schemas.answers import Answer, Usage
    >>> from schemas.exchanges import Request
    >>> answer = Answer("m", text="a", usage=Usage(input_tokens=10, output_tokens=999))
    >>> round(OutputTokens().compare(Pair(Request({}), answer, answer)).value, 2)
    0.5
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return log_score(pair.answer.usage.output_tokens, 1, MOST)
