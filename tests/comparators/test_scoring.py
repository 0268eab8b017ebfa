"""Three outcomes, one catch: scored, skipped with a reason, failed with an error; and the evidence D of each kind."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparators.comparator import Comparator, Kind, Score
from comparators.dimensions import Dimension
from comparators.scoring import FeatureRules, evidence, score_trials
from schemas.answers import Answer
from schemas.comparisons import ArmScore, Status
from schemas.exchanges import Request, Source
from schemas.trials import CandidateAnswer, Trial, comparison_id, trial_id
from schemas.verdicts import Effect


@dataclass(frozen=True)
class Letters(Comparator):
    """A tenth for each letter of the answer; `raise` raises, `skip` does not apply."""

    version: ClassVar[int] = 7
    kind: ClassVar[Kind] = Kind.PROPERTY

    def compare(self, pair):
        text = pair.answer.content
        if "raise" in text:
            raise KeyError(text)
        return Score(None, "told_to") if text == "skip" else Score(len(text) / 10, f"letters_{len(text)}")


@dataclass(frozen=True)
class Distance(Letters):
    """The same as a distance."""

    kind: ClassVar[Kind] = Kind.DISTANCE


@dataclass(frozen=True)
class Errors(Letters):
    """Sees errors."""

    scores_errors: ClassVar[bool] = True

    def compare(self, pair):
        return Score(float(pair.answer.error is not None), pair.answer.error or "")


def dimension(comparator):
    return Dimension(type(comparator).__name__, comparator, Effect.BLOCK, 0.01)


def answered(text):
    return Answer("m", error=text.removeprefix("!")) if text.startswith("!") else Answer("m", text=text)


def trial(baseline, *candidates, rerun=None, offset=0):
    source = Source("c", "t", 0, offset)
    return Trial(
        trial_id("u", source, 0), "u", "p/m", source, 0, f"r{offset}", "f", Request({}), answered(baseline),
        tuple(CandidateAnswer(f"c{n}", "p/n", f"{n}", answered(text)) for n, text in enumerate(candidates)),
        None if rerun is None else answered(rerun),
    )  # fmt: skip


def scored(comparator, *trials, assumed_noise=None):
    rules = FeatureRules((dimension(comparator),), assumed_noise)
    return [comparison.scores[0] for comparison in score_trials(trials, lambda _: rules)]


def test_a_signature_that_somebody_accepted_scores_0_in_every_arm_of_that_candidate_and_keeps_its_reason():
    rules = FeatureRules((dimension(Letters()),), accepted={("c0", "Letters"): frozenset({"letters_4", "letters_1"})})
    mine, other = (c.scores[0] for c in score_trials([trial("abcd", "abcd", "abcd", rerun="a")], lambda _: rules))
    assert mine.candidate == mine.baseline == ArmScore(0.0, Status.SCORED, "letters_4")
    assert mine.rerun == ArmScore(0.0, Status.SCORED, "letters_1")
    assert mine.d == 0
    assert (other.candidate.value, other.baseline.value, other.rerun.value) == (0.4, 0.4, 0.1)


def test_arms_stand_side_by_side_with_their_reasons():
    (score,) = scored(Letters(), trial("ab", "abcd", rerun="a"))
    assert score.candidate == ArmScore(0.4, Status.SCORED, "letters_4")
    assert score.baseline == ArmScore(0.2, Status.SCORED, "letters_2")
    assert score.rerun == ArmScore(0.1, Status.SCORED, "letters_1")
    assert (score.dimension, score.comparator_version, score.d) == ("Letters", 7, pytest.approx(0.2))


def test_a_distance_has_no_baseline_and_needs_a_rerun():
    with_rerun, without = scored(Distance(), trial("ab", "abcd", rerun="a"), trial("ab", "abcd", offset=1))
    assert with_rerun.baseline is None
    assert with_rerun.d == pytest.approx(0.3)
    assert (without.rerun, without.d) == (None, None)


def test_each_candidate_is_a_comparison_in_order_and_each_trial_finds_its_own_rules():
    trials = [trial("a", "b", "bc", offset=0), trial("a", "bcd", offset=1)]
    rules = FeatureRules((dimension(Letters()), dimension(Distance())))
    comparisons = score_trials(trials, lambda feature: rules if feature == "f" else None)
    assert [(one.trial.request_id, one.candidate, one.scores[0].candidate.value) for one in comparisons] == [
        ("r0", "c0", 0.1), ("r0", "c1", 0.2), ("r1", "c0", 0.3),
    ]  # fmt: skip
    assert comparisons[1].comparison_id == comparison_id(trials[0].trial_id, "c1", "1")
    assert [score.dimension for score in comparisons[0].scores] == ["Letters", "Distance"]
    assert score_trials([], lambda _: rules) == []


def test_what_raises_is_failed_and_never_zero_and_its_neighbours_are_scored():
    trials = [trial("a", "ab", offset=0), trial("a", "raise", offset=1), trial("a", "skip", offset=2)]
    fine, failed, skipped = scored(Letters(), *trials)
    assert (fine.candidate.status, fine.d) == (Status.SCORED, pytest.approx(0.1))
    assert failed.candidate == ArmScore(None, Status.FAILED, "raised:KeyError", "'raise'")
    assert skipped.candidate == ArmScore(None, Status.SKIPPED, "told_to")
    assert failed.d is skipped.d is None


def test_an_arm_with_an_error_is_shown_only_to_call_error():
    (score,) = scored(Letters(), trial("a", "!http_500", rerun="!timeout"))
    assert score.candidate == score.rerun == ArmScore(None, Status.SKIPPED, "no_answer")
    (score,) = scored(Letters(), trial("!timeout", "a", rerun="a"))
    assert score.candidate == score.rerun == score.baseline == ArmScore(None, Status.SKIPPED, "no_baseline")
    (score,) = scored(Errors(), trial("a", "!http_500", rerun="!timeout"))
    assert (score.candidate.reason, score.rerun.reason, score.d) == ("http_500", "timeout", 1.0)


B, R, C, NOISE = 0.25, 0.5, 1.0, 0.2


@pytest.mark.parametrize(
    ("kind", "measured", "without_rerun", "assumed"),
    [
        (Kind.PROPERTY, C - B, C - B, C - B),
        (Kind.PROPERTY_BOTH, abs(C - B) - abs(R - B), None, abs(C - B) - NOISE),
        (Kind.DISTANCE, C - R, None, C - NOISE),
        (Kind.MEASURE, C - R, None, None),
    ],
)
def test_evidence_of_each_kind(kind, measured, without_rerun, assumed):
    assert evidence(kind, B, R, C, None) == measured
    assert evidence(kind, B, None, C, None) == without_rerun
    assert evidence(kind, B, None, C, NOISE) == assumed
    assert evidence(kind, B, R, None, None) is None


def test_a_property_without_a_baseline_has_no_evidence():
    assert evidence(Kind.PROPERTY, None, R, C, None) is None
    assert evidence(Kind.PROPERTY_BOTH, None, R, C, None) is None


VALUES = st.none() | st.floats(0, 1)


@given(st.sampled_from(Kind), VALUES, VALUES, VALUES, st.none() | st.floats(0, 1))
def test_evidence_stays_within_its_bounds(kind, baseline, rerun, candidate, noise):
    d = evidence(kind, baseline, rerun, candidate, noise)
    assert d is None or -1.0 <= d <= 1.0


def test_without_reruns_the_assumed_noise_stands_in():
    (score,) = scored(Distance(), trial("a", "abcde"), assumed_noise=0.2)
    assert score.d == pytest.approx(0.3)
