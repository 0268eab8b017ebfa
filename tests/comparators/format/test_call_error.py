"""An arm that gave an error."""

from comparators.comparator import Pair
from comparators.format.call_error import CallError
from schemas.answers import Answer
from schemas.exchanges import Request


def test_the_reason_is_the_code_of_the_error():
    fine = Answer("m", text="x")
    for error, reason in (("http_400", "http_400"), ("rejected:top_p", "rejected:top_p"), ("", "unnamed")):
        score = CallError().compare(Pair(Request({}), fine, Answer("m", error=error)))
        assert (score.value, score.reason) == (1.0, reason)
    assert CallError().compare(Pair(Request({}), fine, fine)).value == 0.0
