"""Where a final answer is found, and in which form it is kept."""

import pytest

from comparators.semantic.asked_answers import asked_answer
from comparators.semantic.final_answers import canonical_number, final_answer, plain_value
from schemas.exchanges import Request


def found(question, text):
    request = Request({"messages": [{"role": "user", "content": question}]})
    answer = final_answer(text, asked_answer(request))
    return None if answer is None else (answer.kind, answer.value)


@pytest.mark.parametrize("text", ["[No]", "**No.**", "No, it is not.", "It has divisors. The answer is no.", "no"])
def test_yes_and_no_are_found_however_they_are_put(text):
    assert found("Is 8 prime? Answer yes or no.", text) == ("yes_no", "no")


@pytest.mark.parametrize(
    "text", ["B", "(B)", "B) 42", "The correct answer is (B).", "**Answer: B**", "So it is \\boxed{B}."]
)
def test_the_letter_of_an_option_is_found(text):
    assert found("What is it?\nA) 41\nB) 42\nC) 43", text) == ("option", "B")


@pytest.mark.parametrize("text", ["Positive", "positive.", "Sentiment: positive", '{"sentiment": "Positive"}'])
def test_a_label_out_of_the_list_in_the_prompt_is_found(text):
    assert found("Classify the sentiment as positive, negative or neutral.", text) == ("label", "positive")


@pytest.mark.parametrize(
    "text", ["The total is 1,000.", "1000", "500 + 500 = 1000", "It is \\boxed{1000}.", "The answer is 1000.0"]
)
def test_the_last_number_is_found_where_a_number_is_asked_for(text):
    assert found("How many are there in total?", text) == ("number", "1000")


def test_where_reasons_come_first_the_last_word_counts():
    asks = "Is 8 prime? Think step by step, then answer yes or no."
    assert found(asks, "Yes, it looks prime at first. But 2 divides it. No.") == ("yes_no", "no")


def test_prose_that_was_asked_for_has_no_final_answer():
    assert found("Write a poem about autumn.", "Yes, the leaves fall, all 12 of them.") is None


def test_numbers_have_one_form():
    assert canonical_number("1,000.0") == canonical_number("1000") == "1000"
    assert canonical_number("1/2") == "0.5"
    assert canonical_number("-0") == "0"
    assert canonical_number("1/0") is None
    assert canonical_number("abc") is None


def test_the_dress_of_a_value_does_not_count():
    assert plain_value("$1,000$") == plain_value("1000") == "1000"
    assert plain_value(r"\text{Both A}") == plain_value("both a")
    assert plain_value(r"\dfrac{1}{2}") == plain_value(r"\frac{1}{2}")


def test_a_fraction_is_its_number_however_it_is_set():
    assert plain_value(r"\frac{36}{7}") == plain_value(r"\dfrac{36}{7}") == plain_value("36/7")
    assert plain_value(r"-\frac12") == plain_value("-0.5")
    assert plain_value(r"\frac{x}{2}") != plain_value("x")
