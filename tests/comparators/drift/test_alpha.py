"""Alpha is spent in advance, and never more than there is."""

import math

import pytest

from comparators.drift.alpha import dimension_shares, families, log_threshold
from schemas.verdicts import Effect


def test_declared_features_share_half_and_undeclared_ones_halve_and_halve():
    shares = {family.feature: family.share for family in families("c", ["a", "b"], ["x", "a", "y"])}
    assert shares == pytest.approx({"a": 0.25, "b": 0.25, "x": 0.25, "y": 0.5 / 6})


def test_without_declared_features_nothing_is_set_aside_for_them():
    assert [family.share for family in families("c", [], ["x", "y", "z"])] == pytest.approx([1 / 2, 1 / 6, 1 / 12])


def test_a_share_never_changes_however_features_arrive():
    first = families("c", ["a"], ["x"])
    second = families("c", ["a", "late"], ["y", "x"], first)
    assert [(family.feature, family.declared, family.place) for family in second] == [
        ("late", False, 2),
        ("y", False, 3),
    ]
    third = families("c", ["a"], [f"f{i}" for i in range(500)], (*first, *second))
    assert math.fsum(family.share for family in (*first, *second, *third)) <= 1
    assert families("c", ["a"], ["x", "y"], (*first, *second, *third)) == ()


def test_each_candidate_is_a_family_of_its_own():
    assert families("other", ["a"], [], families("c", ["a"], []))[0].share == 0.5


def test_dimensions_weigh_by_effect_and_later_ones_share_a_tenth():
    shares = dimension_shares({"b": Effect.BLOCK, "r": Effect.REVIEW, "i": Effect.INFO}, ["new", "newer"])
    assert shares == pytest.approx({"b": 3.6 / 7, "r": 1.8 / 7, "i": 0.9 / 7, "new": 0.05, "newer": 0.1 / 6})


def test_epochs_halve_what_is_left():
    assert log_threshold(0.05, 0.5, rank=1) == pytest.approx(math.log(80))
    assert log_threshold(0.05, 0.5, rank=3) == pytest.approx(math.log(320))
