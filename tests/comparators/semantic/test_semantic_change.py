"""A share of answers further away than reruns ever are; calibrated, frozen, and watched."""

import pytest

from comparators.comparator import Pair
from comparators.dimensions import load_dimensions
from comparators.drift.allowance import reruns_keep_to_it
from comparators.drift.evidence import Evidence
from comparators.scoring import FeatureRules, score_trials
from comparators.semantic.distance_bands import Distance, bands_of
from comparators.semantic.semantic_change import SemanticChange
from schemas.answers import Answer
from schemas.comparisons import Status
from schemas.exchanges import Request, Source
from schemas.trials import CandidateAnswer, Trial, trial_id

BANDS = bands_of([Distance(0.2, 40)] * 500)
TOLD, ALIKE, ELSEWHERE = "The parcel left on Monday.", "The parcel left on Mondays.", "We do not sell any shoes here."


def dimension(**settings):
    changes = {"embedding_distance": {"model": "hashing"}, "semantic_change": settings}
    return next(one for one in load_dimensions(changes) if one.name == "semantic_change")


def trial(number=0, candidate=TOLD, rerun=None):
    source = Source("c", "t", 0, number)
    return Trial(
        trial_id("u", source, number), "u", "p/m-1", source, number, "r", "f", Request({}), Answer("m", text=TOLD),
        (CandidateAnswer("c", "p/m-2", "h", Answer("m", text=candidate)),),
        Answer("m", text=rerun) if isinstance(rerun, str) else rerun,
    )  # fmt: skip


def score(made, **settings):
    (comparison,) = score_trials([made], lambda _: FeatureRules((dimension(**settings),)))
    return comparison.scores[0]


def test_its_model_is_that_of_embedding_distance_unless_it_has_one_of_its_own():
    assert dimension().comparator.model == "hashing"
    assert dimension(model="another").comparator.model == "another"
    assert dimension(tolerance=0.02).tolerance == 0.02


def test_what_lies_beyond_scores_one_and_the_allowance_stands_in_for_the_rerun():
    far = score(trial(candidate=ELSEWHERE, rerun=ALIKE), thresholds=BANDS.text)
    assert (far.candidate.value, far.candidate.reason, far.rerun.value) == (1.0, "beyond_reruns", 0.0)
    assert far.d == 1 - BANDS.allowed
    near = score(trial(candidate=ALIKE), thresholds=BANDS.text)
    assert (near.candidate.value, near.rerun, near.d) == (0.0, None, -BANDS.allowed)  # no rerun, and it counts


def test_a_pin_that_repeats_itself_word_for_word_does_not_make_every_comma_a_change():
    exact = bands_of([Distance(0.0, 40)] * 500).text
    comma = trial(candidate="The parcel left, on Monday.")
    assert score(comma, thresholds=exact, same_below=0.3).candidate.value == 0.0
    assert score(comma, thresholds=exact, same_below=0.0).candidate.value == 1.0


def test_before_its_calibration_nothing_applies():
    found = score(trial(candidate=ELSEWHERE))
    assert (found.candidate.status, found.candidate.reason, found.d) == (Status.SKIPPED, "calibrating", None)


def test_it_learns_from_reruns_that_answered():
    comparator = dimension().comparator
    rules = FeatureRules((dimension(),))
    trials = [trial(0, rerun=ALIKE), trial(1), trial(2, rerun=Answer("m", error="timeout")), trial(3, rerun=TOLD)]
    seen = [comparator.observe(comparison) for comparison in score_trials(trials, lambda _: rules)]
    assert [bool(text) for text in seen] == [True, False, False, True]
    assert float(seen[0].split()[0]) > float(seen[3].split()[0]) == 0.0
    frozen = comparator.calibrated(comparator.freeze([seen[0]] * 500))
    assert frozen.is_calibrated
    assert frozen.compare(Pair(Request({}), Answer("m", text=TOLD), Answer("m", text=ALIKE))).value == 0.0


def test_settings_that_cannot_be_are_refused():
    for settings in ({"window": 0}, {"thresholds": "{}"}, {"precision": "int4"}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            SemanticChange(**settings)


def test_reruns_that_go_beyond_later_say_that_the_calibration_no_longer_holds():
    def watched(beyond):
        return Evidence(n=2000, d_sum=-0.013 * 2000, candidate_sum=0.0, rerun_n=200, rerun_sum=beyond)

    assert reruns_keep_to_it(watched(2.0))
    assert not reruns_keep_to_it(watched(20.0))
    assert reruns_keep_to_it(Evidence())
    assert reruns_keep_to_it(Evidence(n=10, rerun_n=10))
