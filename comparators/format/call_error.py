"""The call itself failed: the arm gave an error instead of an answer."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score


@dataclass(frozen=True)
class CallError(Comparator):
    """1 where the arm gave an error, with the error's code as reason (`rejected:temperature`, `http_400`).

    Every other dimension skips such an arm with reason `no_answer`.

    Sees: requests that the model refuses to take, unreadable and oversized answers.

    Does not see: outages of the provider, which are waited out or shed.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> fine, failed = Answer("m", text="Hello"), Answer("m", error="rejected:temperature")
    >>> CallError().compare(Pair(Request({}), fine, failed))
    Score(value=1.0, reason='rejected:temperature', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.PROPERTY
    scores_errors: ClassVar[bool] = True

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        error = pair.answer.error
        return FINE if error is None else Score(1.0, error or "unnamed")
