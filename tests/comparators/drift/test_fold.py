"""Evidence: the same sums whatever the order, the partitioning, the number of looks."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparators.drift import betting
from comparators.drift.evidence import Evidence
from comparators.drift.fold import fail_fractions, fold, pass_fractions
from comparators.scoring import evidence as evidence_of
from schemas.comparisons import ArmScore, DimensionScore, Kind, Status

units = st.floats(0, 1, allow_nan=False)
arms = st.one_of(
    st.none(),
    st.just(ArmScore(None, Status.SKIPPED, "no_answer")),
    st.builds(ArmScore, units, st.just(Status.SCORED), st.sampled_from(["", "yes_no:yes", "yes_no:yes->no"])),
)
candidates = arms.filter(lambda arm: arm is not None)


@st.composite
def rows(draw):
    kind = draw(st.sampled_from(Kind))

    def row(candidate, baseline, rerun):
        d = evidence_of(
            kind,
            baseline.value if baseline else None,
            rerun.value if rerun else None,
            candidate.value,
            None,
        )
        return DimensionScore("x", kind, 1, candidate, baseline, rerun, d)

    scores = draw(st.lists(st.builds(row, candidates, arms, arms), max_size=12))
    return [(score, draw(st.floats(1, 20)), draw(st.integers(1, 10**12))) for score in scores]


def folded(group, tolerance=0.03, clip=0.25):
    scores, weights, times = zip(*group, strict=True) if group else ((), (), ())
    return fold(scores, weights, times, tolerance=tolerance, clip=clip)


def assert_same(one: Evidence, other: Evidence) -> None:
    for field in fields(Evidence):
        here, there = getattr(one, field.name), getattr(other, field.name)
        if isinstance(here, int | dict):
            assert here == there, field.name
        else:
            assert here == pytest.approx(there, abs=1e-9), field.name


@settings(max_examples=60, deadline=None)
@given(rows(), st.randoms(use_true_random=False), st.integers(0, 12))
def test_evidence_does_not_know_order_or_partitioning(group, random, cut):
    shuffled = random.sample(group, len(group))
    assert_same(folded(group), folded(shuffled[:cut]) + folded(shuffled[cut:]))


@settings(max_examples=20, deadline=None)
@given(rows())
def test_nothing_adds_nothing(group):
    assert_same(folded(group) + Evidence(), folded(group))
    assert_same(Evidence() + folded(group), folded(group))


def one(d, *, candidate=1.0, baseline=None, rerun=None):
    def arm(value):
        return None if value is None else ArmScore(value, Status.SCORED, "r")

    status = ArmScore(candidate, Status.SCORED if candidate is not None else Status.FAILED, "r")
    return DimensionScore("x", Kind.DISTANCE, 1, status, arm(baseline), arm(rerun), d)


def test_a_missing_d_is_neither_zero_nor_at_the_clip():
    some = [(one(0.9), 1.0, 5), (one(None, candidate=None), 1.0, 9), (one(None), 1.0, 7)]
    found = folded(some)
    assert_same(
        Evidence(n=found.n, fail_bets=found.fail_bets, pass_bets=found.pass_bets),
        Evidence(n=1, fail_bets=folded(some[:1]).fail_bets, pass_bets=folded(some[:1]).pass_bets),
    )
    assert (found.scored, found.failed, found.first_ms, found.last_ms) == (2, 1, 5, 9)
    assert found.reasons == {"r": 2}


def test_only_the_bets_for_fail_are_clipped():
    wide, narrow = folded([(one(0.9), 1.0, 1)]), folded([(one(0.25), 1.0, 1)])
    assert wide.fail_bets == narrow.fail_bets
    assert wide.pass_bets != narrow.pass_bets
    assert wide.d_sum == 0.9


def test_the_grids_are_those_of_the_design():
    found = folded([(one(0.5), 1.0, 1)], tolerance=0.01, clip=1.0)
    assert found.fail_bets == pytest.approx([math.log1p(0.99 / 1.01 * 2**-g * 0.49) for g in range(12)], abs=1e-12)
    assert found.pass_bets == pytest.approx([math.log1p(0.99 / 0.99 * 2**-g * -0.49) for g in range(12)], abs=1e-12)
    assert fail_fractions(0.03, 0.25)[0] == pytest.approx(0.99 / 0.28)
    assert pass_fractions(0.03)[1] == pytest.approx(0.99 / 0.97 / 2)


def test_the_reference_value_of_the_grid():
    found = folded([(one(d), 1.0, 1) for d in (0.2, -0.1, 0.3, 0.0, 0.25)], tolerance=0.0, clip=1.0)
    assert math.exp(betting.log_e(found.fail_bets)) == pytest.approx(1.1187513, abs=1e-5)


def test_rerun_minus_baseline_is_bet_on_in_both_directions():
    found = folded([(one(None, baseline=0.2, rerun=0.9), 1.0, 1)] * 40, clip=1.0)
    assert found.replay_n == 40
    assert betting.log_e(found.replay_up_bets) > math.log(20) > betting.log_e(found.replay_down_bets)


def test_weights_estimate_all_traffic():
    found = folded([(one(0.5, candidate=0.5), 10.0, 1), (one(0.0, candidate=0.0), 1.0, 1)])
    assert (found.weight, found.weighted_candidate, found.weighted_d) == (11.0, 5.0, 5.0)


def test_a_tolerance_that_nothing_can_exceed_is_refused():
    with pytest.raises(ValueError, match="tolerance"):
        fail_fractions(0.3, 0.25)


@pytest.mark.parametrize("true_mean", [0.0, 0.03])
def test_peeking_at_every_trial_keeps_its_word(true_mean):
    """200 streams of 2,000 trials at the edge of the hypothesis: at most about 5 % ever reach 20."""
    rng = np.random.default_rng(7)
    d = np.clip(rng.normal(true_mean, 0.08, (200, 2000)), -0.25, 0.25)
    wealth = np.stack([np.log1p(f * (d - 0.03)).cumsum(1) for f in fail_fractions(0.03, 0.25)])
    ever = (np.logaddexp.reduce(wealth, axis=0) - math.log(12)).max(axis=1) >= math.log(20)
    assert ever.mean() <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)
