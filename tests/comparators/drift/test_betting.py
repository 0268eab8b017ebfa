"""Values of reference implementations: confseq (R and C++), ville, GrowthBook."""

import math

import pytest

from comparators.drift.betting import (
    best_variance,
    confidence_sequence,
    e_value,
    log_e,
    mcnemar_log_e,
    normal_log_mixture,
    normal_mixture_bound,
)


def near(value):
    return pytest.approx(value, abs=1e-5)


def test_mcnemar_of_eight_against_two():
    assert math.exp(mcnemar_log_e(8, 2)) == near(1024 / 495)
    assert mcnemar_log_e(2, 8) == mcnemar_log_e(8, 2)


def test_normal_mixture_as_in_confseq():
    precision = best_variance(100, 0.05)
    assert precision == near(12.60056)
    assert normal_log_mixture(10, 100, precision) == near(-0.6510052)
    assert normal_mixture_bound(100, precision, 0.05) == near(30.35209)


def test_the_asymptotic_interval_as_in_growthbook():
    precision = best_variance(5000, 0.05)
    assert 1 / math.sqrt(precision) == near(0.0398401)
    assert normal_mixture_bound(5000, precision, 0.05) / 5000 == near(0.0429243)
    assert normal_mixture_bound(5000, precision, 0.05) / math.sqrt(5000) == near(3.03520)


def test_the_mixture_is_one_over_alpha_exactly_at_its_bound():
    precision = best_variance(300, 0.01)
    bound = normal_mixture_bound(700, precision, 0.01)
    assert normal_log_mixture(bound, 700, precision) == pytest.approx(math.log(100), abs=1e-9)


def test_log_e_is_the_mean_wealth_and_does_not_overflow():
    assert log_e((math.log(3), math.log(5))) == pytest.approx(math.log(4))
    assert log_e((2000.0, 0.0)) == pytest.approx(2000 - math.log(2))


def test_an_interval_needs_a_hundred_trials_and_is_never_a_point():
    assert confidence_sequence(99, 1.0, 1.0) is None
    clean = confidence_sequence(300, 0.0, 0.0)
    assert clean is not None
    assert clean.high == -clean.low > 0.005


def test_an_e_value_too_large_for_a_number_is_still_told():
    assert e_value(1000.0) == "1e+434"
