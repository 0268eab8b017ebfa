"""Phrases are found as they are written, whatever words they share."""

from hypothesis import given
from hypothesis import strategies as st

from comparators.semantic.phrases import Phrases

_WORDS = st.sampled_from(["i", "must", "cannot", "decline", "to", "sorry,", "can't"])
_TEXTS = st.lists(_WORDS, min_size=1, max_size=5).map(" ".join)


@given(st.lists(_TEXTS, min_size=1, max_size=6), _TEXTS)
def test_a_text_holds_a_phrase_where_it_stands_in_it_and_nowhere_else(phrases, text):
    assert Phrases(phrases).any_in(text) == any(phrase in text for phrase in phrases)


def test_nothing_to_look_for_is_not_found():
    assert not Phrases([]).any_in("i must decline")
