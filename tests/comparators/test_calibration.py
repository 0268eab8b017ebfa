"""A setting that is learned from a feature's first trials, and the trials it may be used on."""

from dataclasses import replace
from uuid import UUID

import pytest

from comparators.calibration import Window, freeze
from comparators.dimensions import load_dimensions
from comparators.scoring import FeatureRules, observe, score_trials
from schemas.answers import Answer
from schemas.calibrations import Learner, Observation
from schemas.exchanges import Request, Source
from schemas.trials import CandidateAnswer, Trial

(DIMENSION,) = (dimension for dimension in load_dimensions() if dimension.name == "contract_violation")
COMPARATOR = DIMENSION.comparator
KEY = DIMENSION.calibration_key("h")
RULES = FeatureRules((DIMENSION,), 0.2)


def trial(number, baseline='{"id": 1, "ok": true}', candidate='{"id": 1, "ok": true}'):
    answers = [CandidateAnswer(name, "p/m2", "h", Answer("m2", text=candidate)) for name in ("one", "two")]
    return Trial(
        UUID(int=number), "u", "p/m1", Source("c", "t", 0, number), number, f"r{number}", "f", Request({}),
        baseline if isinstance(baseline, Answer) else Answer("m1", text=baseline), tuple(answers),
    )  # fmt: skip


def observed(*trials, rules=RULES):
    comparisons = score_trials(trials, lambda _: rules)
    return list(observe(comparisons, lambda feature, dimension, of: dimension.learner(feature, of), lambda _: rules))


SIXTY = [one for _, one in observed(*map(trial, range(60)))]


def test_a_trial_teaches_once_whatever_its_candidates_and_not_where_production_failed():
    seen = observed(trial(1), trial(2, Answer("m1", error="timeout")), trial(3, baseline=""))
    assert [one.trial_id for _, one in seen] == [UUID(int=1)]


def test_nobody_learns_what_is_known():
    contract = freeze(COMPARATOR, SIXTY).text
    given = FeatureRules((replace(DIMENSION, comparator=COMPARATOR.calibrated(contract)),), 0.2)
    frozen = replace(RULES, calibrations={KEY: freeze(COMPARATOR, SIXTY)})
    assert observed(trial(1), rules=given) == []
    assert observed(trial(1), rules=frozen) == []


def test_trials_of_the_window_are_never_scored_with_what_they_taught():
    window = Window()
    (frozen,) = window.add(observed(*map(trial, range(1, 301))))
    assert (frozen.trials, frozen.until_ms) == (200, 200)
    rules = replace(RULES, calibrations={KEY: frozen})
    scores = [c.scores[0].candidate for c in score_trials([trial(200), trial(201, candidate="{}")], lambda _: rules)]
    assert [(score.value, score.reason) for score in scores[::2]] == [(None, "calibrating"), (1.0, "missing:$.id")]


def test_the_same_observations_freeze_alike_in_any_order_and_after_the_window_is_full():
    seen = [one for _, one in observed(*map(trial, range(1, 251)))]
    assert freeze(COMPARATOR, seen) == freeze(COMPARATOR, list(reversed(seen)))
    assert freeze(COMPARATOR, seen[:30]) is None  # too few for a contract


def test_observations_of_several_learners_are_not_mixed():
    one = Observation(Learner("f", "d", "r"), UUID(int=1), 1, "x")
    with pytest.raises(ValueError, match="unpack"):
        freeze(COMPARATOR, [one, replace(one, learner=Learner("g", "d", "r"))])


def test_what_changes_the_meaning_of_an_observation_changes_its_learner():
    learners = {DIMENSION.learner("f", "h"), DIMENSION.learner("g", "h"), DIMENSION.learner("f", "h", "pin")}
    assert len(learners) == 3
    assert DIMENSION.learner("f", "h") == replace(DIMENSION, tolerance=0.5).learner("f", "h")


def test_who_learns_from_candidates_learns_for_each_of_them():
    (style,) = (dimension for dimension in load_dimensions() if dimension.name == "style_shift")
    assert style.learner("f", "h1") != style.learner("f", "h2")
    assert style.calibration_key("h1") == ("style_shift", "h1")
    assert DIMENSION.learner("f", "h1") == DIMENSION.learner("f", "h2")
    assert DIMENSION.calibration_key("h1") == ("contract_violation", "")
