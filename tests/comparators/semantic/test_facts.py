"""What counts as a fact, and in which form it is kept."""

import subprocess
import sys

import pytest

from comparators.semantic.facts import Fact, facts_of


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("a 12 b", [Fact("number", "12")]),
        ("between 3-5 days", [Fact("number", "3"), Fact("quantity", "432000", "time")]),
        ("the ratio 1/3", [Fact("number", "1/3")]),
        ("version 1.2.3", [Fact("id", "1.2.3")]),
        ("in the 1990s", [Fact("number", "1990")]),
        ("seat b12", [Fact("id", "b12")]),
        ("ticket #AB-1234", [Fact("id", "#ab-1234")]),
        ("2 dozen, 3 hundred", [Fact("number", "2"), Fact("number", "300")]),
        ("it costs \u20ac5", [Fact("money", "5", "EUR")]),
        ("it costs 5 euros", [Fact("money", "5", "EUR")]),
        ("on May 3", [Fact("date", "-05-03")]),
        ("May I ask 3 things", [Fact("number", "3")]),
        ("met John Smith", [Fact("name", "john"), Fact("name", "smith")]),
        ("He came", []),
        ("Yes. OK. No", []),
        ("$x^2 = 4$", [Fact("number", "2"), Fact("number", "4")]),
        ("www.a.b/c.", [Fact("url", "a.b/c")]),
    ],
)
def test_a_fact_is_kept_in_one_form(text, facts):
    assert list(facts_of(text).elements()) == facts


def test_names_and_quotations_count_once_and_amounts_as_often_as_they_stand():
    facts = facts_of('He saw Oslo and then Oslo, and "so it is" and "so it is": 3 and 3.')
    assert facts[Fact("name", "oslo")] == 1
    assert facts[Fact("quote", "so it is")] == 1
    assert facts[Fact("number", "3")] == 2


def test_the_numbers_of_list_items_are_no_facts():
    assert facts_of("1. wait\n2. pay\n3) go") == {}


def test_their_order_is_that_of_the_text_in_every_process():
    """Strings hash otherwise in each process; what a detail shows must not."""
    program = (
        "from comparators.semantic.facts import facts_of\n"
        "print(list(facts_of('he met Ann, Bob, Cy and Dee at 3 and 4')))"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "12"
    }
    assert len(shown) == 1


@pytest.mark.parametrize("written", ["$1,234.50", "USD 1,234.50", "1,234.50 dollars", "1.234,50 USD", "$1.234,50"])
def test_an_amount_of_money_is_one_fact_wherever_its_currency_and_its_decimals_stand(written):
    assert facts_of(f"It costs {written} now.") == {Fact("money", "1234.5", "USD"): 1}


def test_a_decimal_comma_is_read_of_money_alone():
    assert facts_of("10,50 € each") == {Fact("money", "10.5", "EUR"): 1}
    assert facts_of("rows 10,50 each") == {Fact("number", "10"): 1, Fact("number", "50"): 1}


def test_halves_of_the_day_may_have_points():
    assert facts_of("at 3 p.m. sharp") == facts_of("at 3 pm sharp") == {Fact("time", "15:00"): 1}
