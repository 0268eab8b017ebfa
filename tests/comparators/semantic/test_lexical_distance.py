"""How far an answer was put in other words."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from comparators.comparator import Pair
from comparators.semantic.lexical_distance import LexicalDistance
from schemas.answers import Answer
from schemas.exchanges import Request

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "A", " "]), min_size=1, max_size=12).map(" ".join)


def scored(baseline, answer):
    return LexicalDistance().compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))


def test_case_and_white_space_do_not_count():
    assert scored("The red  box\n", "the RED box").value == 0.0


def test_nothing_shared_is_1_and_the_half_about_half():
    assert scored("a b c", "d e f").value == 1.0
    assert 0.3 < scored("a b c d", "a b x y").value < 0.7
    assert scored("a b c", "c b a").reason == "other_words"


def test_an_empty_answer_is_wholly_different_and_an_empty_baseline_no_measure():
    assert (scored("a", " ").value, scored("a", " ").reason) == (1.0, "empty")
    assert scored(" ", "a").reason == "no_text"


@given(TEXTS, TEXTS)
def test_it_is_the_dice_coefficient_of_neighbours_and_the_same_both_ways(one, other):
    if not one.split() or not other.split():
        return
    ours, theirs = [list(pairwise(["", *text.casefold().split(), ""])) for text in (one, other)]
    shared = sum(min(ours.count(pair), theirs.count(pair)) for pair in set(ours))
    assert scored(one, other).value == round(1 - 2 * shared / (len(ours) + len(theirs)), 6)
    assert scored(one, other).value == scored(other, one).value
