"""A share of answers further away than reruns ever are; calibrated, frozen, and watched."""

import numpy as np
import pytest

from comparators.drift.evidence import Evidence
from comparators.drift.semantic_change import (
    WINDOW,
    Distance,
    calibrate,
    calibration_holds,
    score_change,
)
from schemas.comparisons import ArmScore, DimensionScore, Kind, Status


def reruns(n, characters=300, seed=1):
    rng = np.random.default_rng(seed)
    return [Distance(float(d), characters, ts) for ts, d in enumerate(rng.beta(2, 30, n), start=1)]


def distances(candidate, rerun=None):
    def arm(value):
        return None if value is None else ArmScore(value, Status.SCORED, "distance")

    return DimensionScore("embedding_distance", Kind.DISTANCE, 1, arm(candidate), None, arm(rerun), None)


def test_there_is_no_calibration_before_the_window_is_full():
    assert calibrate(reruns(WINDOW - 1)) is None
    assert calibrate(reruns(WINDOW)) is not None


def test_the_calibration_is_frozen_by_the_first_window_whatever_the_order():
    first = reruns(WINDOW)
    later = [Distance(0.9, 300, 10_000 + i) for i in range(100)]
    assert calibrate([*later, *reversed(first)]).identity == calibrate(first).identity


def test_few_of_the_calibrating_reruns_lie_beyond_and_the_bound_is_honest():
    calibration = calibrate(reruns(WINDOW))
    (band,) = calibration.bands
    fresh = np.array([r.distance for r in reruns(20_000, seed=2)])
    assert (fresh > band.threshold).mean() <= band.allowed
    assert band.allowed == pytest.approx(0.0132, abs=5e-4)  # 99 % point of Beta(2, 499)


def test_the_bound_fails_at_most_one_calibration_in_a_hundred():
    rng = np.random.default_rng(5)
    held = []
    for _ in range(300):
        uniform = rng.random(WINDOW)
        (band,) = calibrate([Distance(float(d), 300, ts) for ts, d in enumerate(uniform)]).bands
        held.append(1 - band.threshold <= band.allowed)
    assert np.mean(held) >= 0.97


def test_length_bands_have_thresholds_of_their_own_and_small_ones_share():
    short, long = reruns(250, characters=50), [Distance(r.distance / 10, 1000, r.ts_ms) for r in reruns(250, seed=3)]
    bands = calibrate([*short, *long]).bands
    assert [band.up_to for band in bands] == [128, None]
    assert bands[0].threshold > 5 * bands[1].threshold
    assert len(calibrate([*reruns(450, characters=50), *long[:50]]).bands) == 1


def test_what_lies_beyond_scores_one_and_the_allowance_is_its_noise():
    calibration = calibrate(reruns(WINDOW))
    (band,) = calibration.bands
    far = score_change(distances(0.9, 0.01), 300, WINDOW + 1, calibration)
    assert (far.candidate.value, far.rerun.value, far.d) == (1.0, 0.0, 1 - band.allowed)
    near = score_change(distances(0.01), 300, WINDOW + 1, calibration)
    assert (near.candidate.value, near.rerun, near.d) == (0.0, None, -band.allowed)


def test_trials_of_the_calibration_are_not_judged_by_it():
    calibration = calibrate(reruns(WINDOW))
    for scored in (
        score_change(distances(0.9, 0.9), 300, WINDOW, calibration),
        score_change(distances(0.9), 300, 10**6, None),
    ):
        assert (scored.candidate.status, scored.candidate.reason, scored.d) == (Status.SKIPPED, "calibrating", None)


def test_no_answer_stays_no_answer():
    skipped = ArmScore(None, Status.SKIPPED, "no_answer")
    gone = DimensionScore("embedding_distance", Kind.DISTANCE, 1, skipped, None, None, None)
    assert score_change(gone, 300, WINDOW + 1, calibrate(reruns(WINDOW))).candidate.reason == "no_answer"


def test_reruns_that_go_beyond_later_say_that_the_calibration_no_longer_holds():
    def watched(beyond):
        return Evidence(n=2000, d_sum=-0.013 * 2000, candidate_sum=0.0, rerun_n=200, rerun_sum=beyond)

    assert calibration_holds(watched(2.0))
    assert not calibration_holds(watched(20.0))
    assert calibration_holds(Evidence())
