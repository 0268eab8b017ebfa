"""A small difference in the same direction every time."""

import math

import numpy as np
import pytest

from comparators.drift import betting
from comparators.drift.fold import fold
from comparators.drift.style_shift import FIRST, Snapshots, newest, score_shift
from schemas.comparisons import Status


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def streamed(shift, trials=120, seed=0, size=64):
    """Scores of paired trials: answers around a topic each, the candidate's moved by a constant."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(trials, size))
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    rerun, candidate = (unit(topics + 0.03 * rng.normal(size=topics.shape)) for _ in range(2))
    direction = np.zeros(size)
    direction[0] = shift
    candidate = unit(candidate + direction)
    known, scores = Snapshots(), []
    for ts in range(trials):
        scores.append(score_shift(candidate[ts], rerun[ts], newest(known.taken, ts)))
        known = known.add(candidate[ts], rerun[ts], ts)
    return scores, known


def log_e_of(scores):
    found = fold(scores, [1.0] * len(scores), range(1, len(scores) + 1), tolerance=0.0, clip=0.25)
    return betting.log_e(found.fail_bets)


def test_a_constant_shift_fails_within_a_hundred_trials():
    assert log_e_of(streamed(0.1)[0][:100]) > math.log(20)


def test_without_a_shift_false_alarms_stay_rare():
    assert sum(log_e_of(streamed(0.0, seed=seed)[0]) >= math.log(20) for seed in range(40)) <= 2


def test_nothing_is_scored_before_there_is_a_direction_of_earlier_trials():
    scores, known = streamed(0.1)
    assert [s.candidate.reason for s in scores[:FIRST]] == ["calibrating"] * FIRST
    assert all(s.candidate.status is Status.SCORED for s in scores[FIRST:])
    assert [(s.trials, s.until_ms) for s in known.taken] == [(16, 15), (32, 31), (64, 63)]
    assert newest(known.taken, 31).trials == 16
    assert newest(known.taken, 32).trials == 32


def test_d_is_the_signed_projection_and_one_arm_carries_it():
    scores, _ = streamed(0.1)
    for score in scores[FIRST:]:
        assert score.d == pytest.approx(score.candidate.value - score.rerun.value)
        assert min(score.candidate.value, score.rerun.value) == 0.0


def test_a_missing_arm_is_skipped():
    _, known = streamed(0.1)
    v = unit(np.ones(64))
    assert score_shift(None, v, known.taken[0]).candidate.reason == "no_answer"
    assert score_shift(v, None, known.taken[0]).candidate.reason == "no_rerun"
