"""When there will be a verdict, and how sure that is."""

import math

import numpy as np
import pytest

from comparators.drift.fold import fold_arms
from comparators.drift.forecast import NOT_IN_SIGHT, forecast, forecast_pass, rerun_share, trials_to_pass
from schemas.verdicts import Verdict

MARK = math.log(20)


def seen(d, tolerance=0.03):
    d = np.asarray(d, dtype=float)
    none = np.full(d.shape, np.nan)
    return fold_arms(
        d, baseline=none, rerun=none, candidate=np.maximum(d, 0), weight=np.ones(d.shape), tolerance=tolerance
    )


def test_a_clean_candidate_is_told_its_pass():
    told = forecast(seen([0.0] * 200, 0.01), 0.01, 1.0, math.log(1200), MARK)
    assert told.to is Verdict.PASS
    assert told.earliest <= told.trials <= (told.latest or math.inf)
    assert told.trials == pytest.approx(538 - 200, rel=0.35)


def test_a_drifting_candidate_is_told_its_fail():
    rng = np.random.default_rng(1)
    told = forecast(seen(rng.random(300) < 0.08), 0.03, 1.0, math.log(1200), MARK)
    assert told.to is Verdict.FAIL


def test_at_the_edge_nothing_is_promised():
    rng = np.random.default_rng(2)
    told = forecast(seen(rng.random(400) < 0.03), 0.03, 1.0, math.log(1200), MARK)
    assert told.latest is None
    assert forecast(seen([0.0] * 10), 0.03, 1.0, MARK, MARK) == NOT_IN_SIGHT


def test_eight_times_in_ten_the_verdict_comes_within_the_range():
    """150 streams with 10 % flips, looked at after 300 trials: where a range is told, it mostly holds."""
    rng = np.random.default_rng(3)
    inside = told = 0
    for _ in range(150):
        c, r = rng.random((2, 6000)) < np.array([[0.10], [0.10]])
        d = c.astype(float) - r
        first = forecast(seen(d[:300]), 0.03, 1.0, math.log(1200), MARK)
        if first.to is not Verdict.PASS or first.latest is None:
            continue
        told += 1
        counts = range(320, 6001, 20)
        at = next((n for n in counts if _log_e(d[:n]) >= MARK), 6000)
        inside += first.earliest - 20 <= at - 300 <= first.latest
    assert told >= 5
    assert inside / told >= 0.6


def _log_e(d):
    from comparators.drift.betting import log_e

    return log_e(seen(d).pass_bets)


@pytest.mark.parametrize(
    ("flips", "tolerance", "simulated"),
    [(0.0, 0.01, 538), (0.10, 0.03, 1521), (0.10, 0.01, 15636), (0.01, 0.01, 2069), (0.02, 0.03, 534)],
)
def test_check_tells_about_what_simulations_take(flips, tolerance, simulated):
    """Medians of benchmarks/statistics.md."""
    assert trials_to_pass(flips, tolerance) == pytest.approx(simulated, rel=0.35)


def test_a_tolerance_of_nothing_is_never_passed():
    assert trials_to_pass(0.1, 0.0) is None
    assert trials_to_pass(0.5, 0.0001) is None  # finer than the finest bet


def test_the_rerun_share_that_would_fit():
    assert rerun_share(1200, 24, 100, 0.1) == pytest.approx(0.5)
    assert rerun_share(100, 24, 100, 0.1) == 0.1
    assert rerun_share(5000, 24, 100, 0.1) is None
    assert rerun_share(100, 0, 100, 0.1) is None


def test_before_anything_is_seen_the_range_is_that_of_chance():
    told = forecast_pass(0.10, 0.03, trials_per_hour=50, min_hours=24)
    assert told.earliest < told.trials == trials_to_pass(0.10, 0.03) < told.latest
    assert told.hours == pytest.approx(told.trials / 50)
    assert told.earliest_hours == 24  # a PASS takes a day, however quick the trials
    assert forecast_pass(0.1, 0.0) == NOT_IN_SIGHT
    assert forecast_pass(0.1, 0.03).hours is None


def test_where_the_evidence_is_there_nothing_is_left_to_wait_for():
    assert forecast(seen([0.0] * 1000), 0.03, 1.0, math.log(1200), MARK).trials == 0
