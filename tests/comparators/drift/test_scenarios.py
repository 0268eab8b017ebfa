"""Small versions of benchmarks/statistics.py: whole features through the judge, and false alarms of a family."""

import math

import numpy as np
import pytest

from benchmarks import false_alarms, judged_scenarios, trials_to_verdict
from benchmarks.evidence_paths import first_fail, first_pass, median_number
from schemas.verdicts import Verdict


def rng(seed=0):
    return np.random.default_rng(seed)


def test_refusals_gained_and_lost_at_once_never_pass():
    verdict, failed = judged_scenarios.refusals_gained_and_lost(rng())
    assert (verdict.verdict, verdict.why) == (Verdict.FAIL, "refusal")
    assert "refusal" in failed


@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_a_lossy_tap_is_told_as_such_and_nothing_ever_latches(share):
    verdict, failed = judged_scenarios.lossy_tap(share)(rng())
    assert (verdict.verdict, verdict.why) == (Verdict.INCONCLUSIVE, "replay_unfaithful:invalid_json")
    assert failed == {}


def test_an_outage_latches_nothing_and_a_long_one_holds_the_pass_back():
    verdict, failed = judged_scenarios.outage(0.3)(rng())
    assert (verdict.verdict, failed) == (Verdict.CONTINUE, {})
    assert verdict.why.startswith("coverage")
    assert judged_scenarios.outage(0.05)(rng())[0].verdict is Verdict.PASS


def test_catastrophes_among_small_improvements_are_found_by_their_share():
    verdict, failed = judged_scenarios.catastrophes(0.03)(rng())
    assert (verdict.verdict, verdict.why) == (Verdict.REVIEW, "semantic_change")
    assert "embedding_distance" not in failed  # the mean does not see them
    assert judged_scenarios.catastrophes(0.0)(rng())[0].verdict is Verdict.PASS


def test_sixty_hypotheses_with_features_appearing_keep_the_familys_alpha():
    assert false_alarms.family(seed=1, candidates=40, trials=400) <= 0.05


def test_dimensions_that_learn_first_keep_alpha_whatever_they_learnt():
    for name, share in false_alarms.calibrated(seed=1, streams=30, trials=300):
        assert share <= 0.05, name


def test_a_pass_takes_no_more_than_twice_what_knowing_the_best_bet_would():
    """So where a clean candidate is slow to PASS it is the noise that takes the trials, not the grid."""
    made, tolerance = trials_to_verdict.CLEAN["other words each time: distance, sd of D 0.5, tolerance 0.03"]
    d = made(rng(), (60, 8_000))
    taken = median_number(first_pass(d, tolerance, math.log(20)))
    fixed = (1.645 + 0.842) ** 2 * d.var() / tolerance**2  # a test of fixed size that nobody may look at
    assert 1000 < taken < 2 * fixed


def test_the_stated_delays_hold():
    made, clip, trials, goal = trials_to_verdict.DRIFTS["excess 0.02 (sd 0.08)"]
    first = first_fail(made(rng(), (100, trials)), 0.0, math.log(20), clip)
    assert np.median(first) <= goal
