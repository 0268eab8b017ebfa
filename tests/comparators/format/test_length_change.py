"""Length on a log scale, clipped, so that one runaway answer weighs no more than 1."""

import pytest

from comparators.comparator import Pair
from comparators.format.answer_length import AnswerLength
from comparators.format.length_change import LengthChange
from schemas.answers import Answer, ToolCall
from schemas.exchanges import Request


def scored(baseline, answer, **settings):
    score = LengthChange(**settings).compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))
    return score.value, score.reason


def test_growing_and_shrinking_by_the_same_factor_are_equally_far():
    assert scored("x" * 100, "x" * 400, floor=0) == (pytest.approx(2 / 3), "longer")
    assert scored("x" * 400, "x" * 100, floor=0) == (pytest.approx(2 / 3), "shorter")
    assert scored("x" * 400, " " + "x" * 400 + "\n") == (0.0, "")


def test_a_runaway_answer_counts_as_one():
    assert scored("x" * 10, "x" * 1_000_000) == (1.0, "longer")


def test_saying_nothing_is_wholly_different_and_nothing_said_cannot_be_compared():
    assert scored("Yes.", " ") == (1.0, "empty")
    assert scored("Yes.", None) == (1.0, "empty")
    assert scored("", "Yes.") == (None, "no_text")


def test_two_short_answers_are_near():
    assert scored("Yes", "Yes.")[0] < 0.03


def test_settings_that_cannot_be_are_refused():
    for wrong in ({"octaves": 0}, {"floor": -1}, {"octaves": float("nan")}):
        with pytest.raises(ValueError, match="octaves"):
            LengthChange(**wrong)


def test_the_measure_of_length_has_a_direction_and_counts_what_users_got():
    call = Answer("m", tool_calls=(ToolCall("f"),))
    text = Answer("m", text="x" * 99)
    values = [AnswerLength().compare(Pair(Request({}), text, answer)).value for answer in (call, text)]
    assert values == [0.0, pytest.approx(0.332, abs=0.001)]
    assert AnswerLength().compare(Pair(Request({}), call, text)).reason == "no_text"
