"""What the answer cost."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.cost.log_scale import log_score

UNIT_USD = 1e-6
MOST_USD = 10.0


@dataclass(frozen=True)
class Cost(Comparator):
    """log(1 + millionths of a dollar) / log(1 + 10,000,000), clipped at 1; unknown stays unknown.

    A model without a price has an unknown cost, not none.

    Sees: price and usage together, in US dollars; at the default tolerance of 0.05, a factor of about 2.2.

    Does not see: discounts, cached input or commitments that the recorded cost leaves out.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> answer = Answer("m", text="a", cost_usd=0.003)
    >>> Cost().compare(Pair(Request({}), answer, answer)).reason
    '1e-3'
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return log_score(pair.answer.cost_usd, UNIT_USD, MOST_USD)
