"""How long the first token took."""

from comparators.comparator import Pair
from comparators.cost.time_to_first_token import TimeToFirstToken
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(first_ms, latency_ms=None):
    answer = Answer("m", text="x", time_to_first_token_ms=first_ms, latency_ms=latency_ms)
    return TimeToFirstToken().compare(Pair(Request({}), Answer("m", text="x"), answer))


def test_later_is_more_and_the_whole_answers_time_makes_no_difference():
    assert scored(0).value == 0.0
    assert scored(100).value < scored(900).value
    assert scored(100, latency_ms=200) == scored(100, latency_ms=20_000)


def test_without_streaming_it_is_unknown():
    assert scored(None, latency_ms=500).reason == "unknown"
