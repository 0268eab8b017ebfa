"""Amounts on fixed log scales; what nobody recorded stays unknown."""

from comparators.cost.log_scale import log_score


def test_it_grows_from_0_to_the_largest_amount_and_is_clipped_there():
    scores = [log_score(amount, 1, 1_000).value for amount in (0, 1, 2, 1_000, 5_000)]
    assert scores[0] == 0.0
    assert scores == sorted(scores)
    assert scores[-2:] == [1.0, 1.0]


def test_amounts_that_cannot_be_are_unknown():
    for amount in (None, -1, float("nan"), float("inf")):
        assert (log_score(amount, 1, 10).value, log_score(amount, 1, 10).reason) == (None, "unknown")


def test_the_reason_is_the_order_of_magnitude():
    assert [log_score(amount, 1, 10_000).reason for amount in (0, 5, 50, 999, 1_000)] == [
        "",
        "1e0",
        "1e1",
        "1e2",
        "1e3",
    ]
