"""Rerun against baseline is an A/A test of the tap."""

import numpy as np
import pytest

from comparators.dimensions import load_dimensions
from comparators.drift.evidence import Evidence
from comparators.drift.faithful import unfaithful_dimension
from comparators.drift.fold import fail_bets

DIMENSIONS = {dimension.name: dimension for dimension in load_dimensions()}


def replayed(differences, tolerance):
    x = np.asarray(differences, dtype=float)
    return Evidence(
        replay_n=x.size,
        replay_up_bets=tuple(fail_bets(x, tolerance)),
        replay_down_bets=tuple(fail_bets(-x, tolerance)),
    )


def found_in(name, differences):
    return unfaithful_dimension({name: replayed(differences, DIMENSIONS[name].tolerance)}, DIMENSIONS)


def test_reruns_that_lost_the_form_are_found_within_sixty():
    assert found_in("code_fence", [1] * 18 + [0] * 42) == "code_fence"


def test_both_directions_count():
    assert found_in("invalid_json", [-1] * 18 + [0] * 42) == "invalid_json"


def test_a_difference_within_the_tolerance_is_faithful():
    assert found_in("code_fence", ([0.02] * 9 + [0.1]) * 100) is None


@pytest.mark.parametrize("name", ["call_error", "latency", "output_tokens"])
def test_errors_and_speed_do_not_speak_of_the_tap(name):
    assert found_in(name, [1] * 60) is None


def test_the_length_of_the_answer_does():
    assert found_in("answer_length", [0.3] * 60) == "answer_length"


def answers(**counts):
    reasons = {reason.replace("_to_", "->").replace("__", ":"): count for reason, count in counts.items()}
    return unfaithful_dimension({"answer_change": Evidence(rerun_reasons=reasons)}, DIMENSIONS)


def test_final_answers_that_go_one_way_are_found():
    assert answers(yes_no__yes=40, yes_no__yes_to_no=20) == "answer_change"


def test_final_answers_that_come_and_go_alike_are_noise():
    assert answers(yes_no__yes=40, yes_no__yes_to_no=30, yes_no__no_to_yes=30, yes_no__no=20) is None


def test_answers_lost_by_chance_are_not_held_against_the_tap():
    """Baselines without an answer are not scored at all, so reruns without one must not count either."""
    assert answers(yes_no__yes=200, yes_no__yes_to_none=40) is None


def test_kinds_without_few_answers_are_left_out():
    assert answers(boxed__changed=400, boxed=10) is None


def test_the_pick_of_the_commonest_label_keeps_false_alarms_down():
    """400 features, 200 reruns each, four labels with the same chances in both arms: under 5 % called unfaithful."""
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(400):
        before, after = rng.choice(4, (2, 200), p=[0.3, 0.3, 0.2, 0.2])
        reasons: dict[str, int] = {}
        for b, a in zip(before, after, strict=True):
            code = f"label:{b}" if a == b else f"label:{b}->{a}"
            reasons[code] = reasons.get(code, 0) + 1
        alarms += unfaithful_dimension({"answer_change": Evidence(rerun_reasons=reasons)}, DIMENSIONS) is not None
    assert alarms / 400 <= 0.05
