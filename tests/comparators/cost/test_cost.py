"""What the answer cost."""

from comparators.comparator import Pair
from comparators.cost.cost import Cost
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(usd):
    return Cost().compare(Pair(Request({}), Answer("m", text="x", cost_usd=1.0), Answer("m", text="x", cost_usd=usd)))


def test_dearer_is_more_from_fractions_of_a_cent_on():
    values = [scored(usd).value for usd in (0.0, 0.0001, 0.001, 0.01, 0.1, 1.0)]
    assert values[0] == 0.0
    assert values == sorted(set(values))


def test_without_a_price_it_is_unknown_and_never_free():
    assert (scored(None).value, scored(None).reason) == (None, "unknown")
