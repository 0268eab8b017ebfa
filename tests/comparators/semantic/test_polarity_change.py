"""A sentence that says the opposite."""

import pytest

from comparators.comparator import Pair
from comparators.semantic.polarity_change import PolarityChange
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(baseline, answer):
    return PolarityChange().compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))


@pytest.mark.parametrize(
    ("negated", "plain"),
    [
        ("The study found no link.", "The study found a link."),
        ("You cannot return it.", "You can return it."),
        ("You can't return it.", "You can return it."),
        ("It isn't refundable here.", "It is refundable here."),
        ("It never fails on Mondays.", "It fails on Mondays."),
        ("You may leave without a ticket.", "You may leave with a ticket."),
        ("7 is not a prime number.", "7 is a prime number."),
        ("**It does not** open at nine.", "It does open at nine."),
    ],
)
def test_a_negation_lost_or_gained_turns_a_sentence_round(negated, plain):
    assert scored(negated, plain).reason == "negation:dropped"
    assert scored(plain, negated).reason == "negation:added"


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Prices will increase next year.", "Prices will decrease next year.", "antonym:flipped"),
        ("Send it before the meeting.", "Send it after the meeting.", "antonym:flipped"),
        ("Pets are allowed in here.", "Pets are forbidden in here.", "antonym:flipped"),
        ("The claim is true in general.", "The claim is false in general.", "antonym:flipped"),
        ("The server is online now.", "The server is offline now.", "antonym:flipped"),
        ("She passed the exam.", "She failed the exam.", "antonym:flipped"),
        ("The number is prime.", "The number is composite.", "antonym:flipped"),
        ("It takes more than 5 days.", "It takes less than 5 days.", "comparative:flipped"),
        ("Pay at least 5 euros.", "Pay at most 5 euros.", "comparative:flipped"),
        ("It is higher than expected.", "It is lower than expected.", "comparative:flipped"),
    ],
)
def test_a_word_that_gives_way_to_its_opposite_turns_a_sentence_round(one, other, reason):
    assert scored(one, other).reason == reason
    assert scored(other, one).reason == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pets are not allowed here.", "Pets are forbidden here."),
        ("It is not possible to pay.", "It is impossible to pay."),
        ("Do not open the box.", "Don\u2019t open the box."),
        ("You cannot return it.", "You can not return it."),
        ("Prices rise every year.", "Prices increase every year."),
        ("Wait here. It is not late.", "It is not late. Wait here."),
        ("It is not late; wait here.", "It is  **not** late; wait here."),
        ("The lamp is broken.", "A parcel was never sent."),
    ],
)
def test_sentences_that_agree_or_have_nothing_in_common_are_not_turned_round(one, other):
    assert scored(one, other).value == 0.0
    assert scored(other, one).value == 0.0


def test_one_of_many_sentences_is_half_of_the_harm_and_all_of_them_the_whole():
    rest = " ".join(f"Here is point {word}." for word in ("one", "two", "three"))
    assert scored(f"It is safe to eat. {rest}", f"It is not safe to eat. {rest}").value == 0.5 + 0.5 / 4
    assert scored("It is safe to eat.", "It is not safe to eat.").value == 1.0


def test_a_sentence_said_twice_is_read_twice():
    assert scored("It is safe to eat. It is safe to eat.", "It is safe to eat. It is not safe to eat.").value == 0.75


def test_it_applies_from_three_words_on():
    assert scored("[Yes]", "It is not.").reason == "no_sentence"
    assert scored("It is so", "").value == 0.0
