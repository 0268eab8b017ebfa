"""What changes begins a new epoch; what returns, returns to its number; ranks never repeat."""

from dataclasses import replace

import orjson

from comparators.drift.epochs import Identity, Scope, plan_epochs
from schemas.calibrations import CALIBRATING

COMMON, OWN = Scope("c", "", "x"), Scope("c", "billing", "x")
FIRST = Identity(current="p/m-1", candidate_hash="h", dimension="d1")
CHANGED = replace(FIRST, dimension="d2")


def test_the_first_epoch_is_one_and_stays():
    rows, lookup = plan_epochs((), {COMMON: FIRST}, 1)
    assert [(row.epoch, row.rank, row.reason) for row in rows] == [(1, 1, "first")]
    again, lookup = plan_epochs(rows, {COMMON: FIRST}, 2)
    assert again == ()
    assert lookup.epoch_of("c", "anything", "x") == 1


def test_a_change_begins_an_epoch_and_says_what_changed():
    rows, _ = plan_epochs((), {COMMON: FIRST}, 1)
    new, lookup = plan_epochs(rows, {COMMON: replace(FIRST, current="p/m-2")}, 2)
    assert [(row.epoch, row.rank, row.reason) for row in new] == [(2, 2, "current: p/m-1 -> p/m-2")]
    assert lookup.epoch_of("c", "billing", "x") == 2


def test_returning_reuses_the_number():
    rows, _ = plan_epochs((), {COMMON: FIRST}, 1)
    more, _ = plan_epochs(rows, {COMMON: CHANGED}, 2)
    new, lookup = plan_epochs((*rows, *more), {COMMON: FIRST}, 3)
    assert new == ()
    assert lookup.epoch_of("c", "f", "x") == 1


def test_numbers_name_one_identity_within_a_dimension_of_a_candidate():
    rows, lookup = plan_epochs((), {COMMON: FIRST, OWN: CHANGED, Scope("c", "", "y"): FIRST}, 1)
    assert lookup.epoch_of("c", "billing", "x") == 2
    assert lookup.epoch_of("c", "other", "x") == 1
    assert lookup.epoch_of("c", "other", "y") == 1
    assert {row.rank for row in rows} == {1}  # each feature's first


def test_a_feature_that_leaves_the_common_rules_and_returns_never_repeats_a_rank():
    rows, _ = plan_epochs((), {COMMON: FIRST}, 1)
    own, lookup = plan_epochs(rows, {COMMON: FIRST, OWN: CHANGED}, 2)
    assert lookup.row("c", "billing", "x").rank == 2
    back, lookup = plan_epochs((*rows, *own), {COMMON: FIRST}, 3)
    assert lookup.epoch_of("c", "billing", "x") == 1
    assert [(row.feature, row.epoch, row.rank) for row in back] == [("billing", 1, 3)]
    later, lookup = plan_epochs((*rows, *own, *back), {COMMON: replace(FIRST, candidate_hash="h2")}, 4)
    assert {(row.feature, row.rank) for row in later} == {("", 2), ("billing", 4)}


def test_dimensions_that_began_later_are_known_as_such():
    rows, _ = plan_epochs((), {COMMON: FIRST}, 1)
    more, lookup = plan_epochs(rows, {COMMON: CHANGED, Scope("c", "", "new"): FIRST}, 5)
    assert lookup.later_dimensions("c", "f", ["x", "new"]) == ["new"]
    assert len(more) == 2


def test_calibrating_uses_up_no_alpha_and_each_feature_has_a_calibration_of_its_own():
    rows, _ = plan_epochs((), {COMMON: replace(FIRST, calibration=CALIBRATING)}, 1)
    frozen = {COMMON: replace(FIRST, calibration=CALIBRATING), OWN: replace(FIRST, calibration="c1")}
    more, lookup = plan_epochs(rows, frozen, 2)
    assert [(row.feature, row.epoch, row.rank) for row in more] == [("billing", 2, 1)]
    assert "calibration: calibrating -> c1" in more[0].reason
    assert lookup.epoch_of("c", "other", "x") == 1
    again, lookup = plan_epochs((*rows, *more), frozen | {OWN: replace(FIRST, calibration="c2")}, 3)
    assert [(row.epoch, row.rank) for row in again] == [(3, 2)]


def test_accepting_a_signature_begins_an_epoch_of_its_dimension_and_withdrawing_it_returns():
    accepted = replace(FIRST, accepted="9f3a")
    rows, _ = plan_epochs((), {COMMON: FIRST}, 1)
    new, lookup = plan_epochs(rows, {COMMON: FIRST, OWN: accepted}, 2)
    assert [(row.feature, row.epoch, row.rank, row.reason) for row in new] == [
        ("billing", 2, 2, "accepted: none -> 9f3a")
    ]
    assert lookup.epoch_of("c", "other", "x") == 1
    _, back = plan_epochs((*rows, *new), {COMMON: FIRST}, 3)
    assert back.epoch_of("c", "billing", "x") == 1


def test_a_part_of_the_identity_that_is_empty_is_not_stored_so_that_a_new_part_begins_no_epoch():
    assert set(orjson.loads(FIRST.text)) == {"current", "candidate_hash", "dimension"}
