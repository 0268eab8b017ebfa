"""How long the arm took to answer."""

from comparators.comparator import Pair
from comparators.cost.latency import Latency
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(latency_ms, baseline_ms=None):
    baseline = Answer("m", text="x", latency_ms=baseline_ms)
    return Latency().compare(Pair(Request({}), baseline, Answer("m", text="x", latency_ms=latency_ms)))


def test_twice_as_slow_is_beyond_the_tolerance_of_a_twentieth():
    assert scored(1_650).value - scored(800).value > 0.05


def test_it_is_of_the_arm_alone_and_the_baselines_latency_is_only_shown():
    assert scored(800, baseline_ms=1) == scored(800, baseline_ms=90_000)


def test_what_nobody_measured_is_unknown():
    assert (scored(None, 800).value, scored(None, 800).reason) == (None, "unknown")


def test_ten_minutes_are_the_end_of_the_scale():
    assert scored(600_000).value == scored(6_000_000).value == 1.0
