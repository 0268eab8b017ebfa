"""Layout, apart from what the text says."""

import pytest

from comparators.comparator import Pair
from comparators.format.markdown_change import MarkdownChange
from schemas.answers import Answer
from schemas.exchanges import Request

PROSE = "Send the parcel back.\nWait for our answer.\nThen you get your money.\nAll is well."


def scored(baseline, answer):
    score = MarkdownChange().compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))
    return score.value, score.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("# Returns\n" + PROSE, "headings:+"),
        ("- " + PROSE.replace("\n", "\n- "), "lists:+"),
        ("1. " + PROSE.replace("\n", "\n2) "), "lists:+"),
        (PROSE + "\n| a | b |\n|---|---|", "tables:+"),
        (PROSE.replace("parcel", "**parcel**"), "bold:+"),
        (PROSE.replace("parcel", "__parcel__"), "bold:+"),
    ],
)
def test_what_appears_is_named_and_what_vanishes_too(answer, reason):
    value, found = scored(PROSE, answer)
    assert found == reason
    assert value == scored(answer, PROSE)[0] > 0
    assert scored(answer, PROSE)[1] == reason.replace("+", "-")


def test_the_sign_of_a_list_and_code_in_fences_make_no_difference():
    assert scored("- a b\n- c d", "* a b\n+ c d") == (0.0, "")
    assert scored(PROSE + "\n```\n# a\n- b\n```", PROSE + "\n```\nx = a\ny = b\n```") == (0.0, "")


def test_an_underlined_heading_is_one():
    assert scored("Title\n=====\n\nText.", "# Title\n\nText.") == (0.0, "")


def test_a_heading_more_among_many_lines_weighs_little_and_a_first_one_a_quarter():
    text = "# a\n\n" + "line\n" * 98
    assert scored(text, text + "# b\n")[0] == pytest.approx(0.01, abs=0.002)
    assert scored("line\n" * 99, text) == (0.25, "headings:+")


def test_text_is_needed_in_the_baseline_and_long_text_is_read():
    assert scored("", PROSE) == (None, "no_text")
    assert scored("- a b\n" * 5_000, " \n ") == (1.0, "lists:-")
