"""How far apart two answers are, as a score."""

import pytest

from comparators.comparator import Pair
from comparators.semantic.embedding_distance import EmbeddingDistance
from schemas.answers import Answer
from schemas.exchanges import Request

BEFORE = "The parcel left our warehouse on Monday and will reach you by Thursday."
LIKE_IT = "Your parcel was sent on Monday; expect it on Thursday."
OTHER = "Preheat the oven and bake the cake for one hour."


def pair(after, before=BEFORE):
    return Pair(Request({}), Answer("m", text=before), Answer("m", text=after))


@pytest.fixture(scope="module")
def comparator():
    return EmbeddingDistance()


def test_another_wording_is_near_and_another_subject_far(comparator):
    like_it, other = comparator.compare_many([pair(LIKE_IT), pair(OTHER)])
    assert 0 < like_it.value < 0.4
    assert other.value > 0.8
    assert like_it.reason == "distance"


def test_an_answer_without_text_is_as_far_as_can_be_and_a_baseline_without_is_no_case(comparator):
    assert comparator.compare(pair("  ")) == comparator.compare(pair(""))
    assert (comparator.compare(pair("")).value, comparator.compare(pair("")).reason) == (1.0, "empty")
    assert comparator.compare(pair(OTHER, before=" ")).value is None


def test_the_same_text_is_exactly_0_and_needs_no_model():
    assert EmbeddingDistance(model="/nowhere").compare(pair(BEFORE)).value == 0.0


def test_a_score_does_not_depend_on_the_batch(comparator):
    together = comparator.compare_many([pair(LIKE_IT), pair(OTHER), pair(BEFORE * 20), pair(LIKE_IT)])
    assert together[0] == together[3]
    assert together[0].value == pytest.approx(comparator.compare(pair(LIKE_IT)).value, abs=1e-3)


@pytest.mark.parametrize("settings", [{"precision": "float8"}, {"threads": -1}])
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        EmbeddingDistance(**settings)
