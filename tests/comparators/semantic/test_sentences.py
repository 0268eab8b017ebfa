"""Sentences cut, folded and laid side by side."""

from comparators.semantic.sentences import aligned, polarity, sentences


def test_a_text_is_cut_where_sentences_and_lines_end():
    assert sentences("It is so. Is it? Yes!\nNo: wait; go") == ["it is so", "is it", "yes", "no", "wait", "go"]
    assert sentences("Pay 3.5 kg at 12:30.") == ["pay 3 5 kg at 12 30"]


def test_marks_case_and_contractions_do_not_count():
    assert sentences("**It ISN'T** \u201cso\u201d \u2014 can\u2019t be") == ["it is not    so    can not be"]
    assert sentences("cannot, won't") == ["can not  will not"]


def test_what_is_not_ascii_is_left_out():
    assert sentences("答案是七 caf\u00e9 \ud83d ok") == ["caf    ok"]
    assert sentences("من على. \x00") == []


def test_phrases_of_several_words_count_as_one():
    assert polarity(sentences("At least 3 of them")[0]).sides == {"c0": (1, 1)}
    assert polarity(sentences("At most 3 of them")[0]).sides == {"c0": (1, -1)}


def test_polarity_counts_negations_and_sums_sides():
    assert polarity("it is not never so").negations == 2
    assert polarity("high and low and high").sides["a16"][0] == 3


def test_the_same_sentences_are_counted_and_the_likest_others_are_paired():
    alignment = aligned(
        "We wait here. The red box is open. The blue box is full.",
        "The blue box is not full. We wait here. The red box is shut.",
    )
    assert alignment.same == 1
    assert sorted(alignment.pairs) == [
        ("the blue box is full", "the blue box is not full"),
        ("the red box is open", "the red box is shut"),
    ]


def test_each_sentence_is_paired_once():
    alignment = aligned("The red box is full here. The red box is full there.", "The red box is full.")
    assert len(alignment.pairs) == 1


def test_sentences_about_other_things_are_no_pair():
    assert not aligned("The lamp is broken.", "Your parcel was sent.").pairs
