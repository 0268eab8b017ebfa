"""How long the arm took to answer."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.cost.log_scale import log_score

LONGEST_MS = 600_000


@dataclass(frozen=True)
class Latency(Comparator):
    """log(1 + milliseconds) / log(1 + 600,000), clipped at 1; unknown stays unknown.

    Rerun and candidate are asked at the same time by the same client, so their difference is the models'. The
    baseline's latency was measured by the gateway and is only shown.

    Sees: the time until the whole answer was there; at the default tolerance of 0.05, a factor of about 2.

    Does not see: how soon the first words came (`time_to_first_token`), or whether it was long (`output_tokens`).

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> answer = Answer("m", text="a", latency_ms=812)
    >>> round(Latency().compare(Pair(Request({}), answer, answer)).value, 2)
    0.5
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return log_score(pair.answer.latency_ms, 1, LONGEST_MS)
