"""Amounts on fixed log scales; what nobody recorded stays unknown."""

import pytest

from comparators.comparator import Pair
from comparators.cost.cost import Cost
from comparators.cost.latency import Latency
from comparators.cost.log_scale import log_score
from comparators.cost.output_tokens import OutputTokens
from comparators.cost.time_to_first_token import TimeToFirstToken
from schemas.answers import Answer, Usage
from schemas.exchanges import Request

MEASURES = {
    Latency(): lambda amount: Answer("m", text="", latency_ms=amount),
    TimeToFirstToken(): lambda amount: Answer("m", text="", time_to_first_token_ms=amount),
    OutputTokens(): lambda amount: Answer("m", text="", usage=Usage(1, amount)),
    Cost(): lambda amount: Answer("m", text="", cost_usd=amount),
}


@pytest.mark.parametrize(("measure", "answer"), MEASURES.items(), ids=[type(measure).__name__ for measure in MEASURES])
def test_each_measure_reads_its_own_amount_and_grows_with_it(measure, answer):
    baseline = Answer("m", text="x")
    scores = [measure.compare(Pair(Request({}), baseline, answer(amount))) for amount in (0, 1, 2, 10_000_000)]
    assert scores[0].value == 0.0
    assert scores[0].value < scores[1].value < scores[2].value <= scores[3].value == 1.0
    assert measure.compare(Pair(Request({}), baseline, answer(None))).reason == "unknown"


def test_twice_as_slow_is_beyond_the_tolerance_of_a_twentieth():
    one, two = (log_score(amount, 1, 600_000).value for amount in (800, 1_650))
    assert two - one > 0.05


def test_amounts_that_cannot_be_are_unknown():
    for amount in (-1, float("nan"), float("inf")):
        assert log_score(amount, 1, 10).value is None
