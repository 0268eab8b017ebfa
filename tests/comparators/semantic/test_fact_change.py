"""Facts that changed, however they are written."""

import pytest

from comparators.comparator import Pair
from comparators.semantic.fact_change import FactChange
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(baseline, answer):
    return FactChange().compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It has 1,000 users.", "It has 1000 users."),
        ("It has 1,000 users.", "It has 1k users."),
        ("It has 12.50 points.", "It has 12.5 points."),
        ("Growth was 5 % this year.", "Growth was 0.05 this year."),
        ("Growth was 5% this year.", "Growth was 5 percent this year."),
        ("Due 2026-11-23.", "Due 23 Nov 2026."),
        ("Due November 23, 2026.", "Due 23rd of November 2026."),
        ("Due 11/23/2026.", "Due 23.11.2026."),
        ("It is 5 km away.", "It is 5000 m away."),
        ("It takes 90 minutes.", "It takes 1.5 hours."),
        ("It starts at 3 pm.", "It starts at 15:00."),
        ("Pay $1,200.50 today.", "Pay 1200.50 USD today."),
        ("Pay $3M.", "Pay 3 million dollars."),
        ("See https://a.b/c/ for more.", "See http://a.b/c for more."),
        ("Write to Bob@Example.com now.", "Write to bob@example.com now."),
        ("The **12** parcels.", "The 12 parcels."),
        ("1. Wait 5 days.\n2. Pay 6 euros.", "1) Wait 5 days.\n2) Pay 6 euros."),
        ("It was \u22125 \u00b0C.", "It was -5 \u00b0C."),
        ("\u0661\u0662 parcels.", "12 parcels."),
        ("It has twelve parts and forty-two screws.", "It has 12 parts and 42 screws."),
        ("It has 1 000 000 users.", "It has 1,000,000 users."),
        ("It has 12\u00a0500 users.", "It has 12,500 users."),
        ("Add 3/4 cup of oil.", "Add 0.75 cup of oil."),
        ("He moved to the U.S. in May.", "He moved to the US in May."),
        ("Ask Human Resources for it.", "Ask HR for it."),
    ],
)
def test_how_a_fact_is_written_does_not_count(one, other):
    assert scored(one, other).value == 0.0
    assert scored(other, one).value == 0.0


@pytest.mark.parametrize(
    ("baseline", "answer", "reason"),
    [
        ("It has 12 parts.", "It has 13 parts.", "number:changed"),
        ("It is 12 km.", "It is 12 miles.", "quantity:changed"),
        ("It was 5 \u00b0C.", "It was -5 \u00b0C.", "quantity:changed"),
        ("Pay $12.", "Pay \u20ac12.", "money:changed"),
        ("Growth was 5 %.", "Growth was 6 %.", "percent:changed"),
        ("Due 2026-11-23.", "Due 2026-11-24.", "date:changed"),
        ("It starts at 9:30.", "It starts at 9:45.", "time:changed"),
        ("They met Alice there.", "They met Bob there.", "name:changed"),
        ("Ask Dr. Weber for it.", "Ask Dr. Huber for it.", "name:changed"),
        ("Ask Human Resources for it.", "Ask IT for it.", "name:changed"),
        ("There were fifty guests.", "There were fifteen guests.", "number:changed"),
        ("See https://a.b/c for more.", "See https://a.b/d for more.", "url:changed"),
        ("Write to a@b.com.", "Write to a@c.com.", "email:changed"),
        ('It said "go now".', 'It said "stop now".', "quote:changed"),
        ("Order A-12345 is late.", "Order A-12346 is late.", "id:changed"),
        ("12 parcels and 3 boxes.", "12 parcels.", "number:missing"),
        ("12 parcels.", "12 parcels and 3 boxes.", "number:extra"),
        ("Pay $12 on 3 May 2026.", "Pay $13 on 4 May 2026.", "money:changed"),
    ],
)
def test_another_fact_is_named_by_its_kind_the_gravest_first(baseline, answer, reason):
    score = scored(baseline, answer)
    assert score.reason == reason
    assert 0 < score.value <= 1


def test_the_score_is_the_share_of_facts_that_only_one_side_states():
    assert scored("12 parcels, 3.5 kg", "12 parcels, 3.9 kg").value == 0.5
    assert scored("12 parcels, 3.5 kg", "none").value == 1.0
    assert scored("12 and 12", "12").value == pytest.approx(1 / 3)


def test_a_share_and_a_number_are_one_fact_only_where_they_say_the_same():
    assert scored("It rose by 5 %.", "It rose by 0.05.").value == 0.0
    assert scored("It rose by 5 %.", "It rose by 0.5.").reason == "percent:changed"
    assert scored("It rose by 5 %.", "It rose by 5.").reason == "percent:changed"


def test_without_a_fact_in_the_baseline_it_does_not_apply():
    assert scored("no facts here", "12").reason == "no_facts"
    assert scored("", "12").value is None


def test_a_list_of_tool_calls_belongs_to_tool_call_change():
    assert scored('[{"name": "f", "arguments": {"a": 1}}]', '[{"name": "f", "arguments": {"a": 2}}]').value is None
    assert scored("[find(amount=3)]", "[find(amount=4)]").value is None
