"""Length alone, on a fixed log scale."""

from comparators.comparator import Pair
from comparators.format.answer_length import AnswerLength
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(baseline, answer):
    return AnswerLength().compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))


def test_it_grows_with_the_length_of_the_answer_whatever_the_baseline():
    lengths = [scored("x", "a" * size).value for size in (0, 1, 10, 1_000, 1 << 20, 1 << 21)]
    assert lengths[0] == 0.0
    assert lengths == sorted(lengths)
    assert lengths[-2:] == [1.0, 1.0]
    assert scored("a longer baseline", "abc") == scored("x", "abc")


def test_the_reason_is_the_order_of_magnitude():
    assert scored("x", "a" * 999).reason == "1e2"
    assert scored("x", "a" * 1000).reason == "1e3"


def test_a_baseline_without_text_has_no_length_to_compare():
    assert scored(None, "abc").reason == "no_text"
