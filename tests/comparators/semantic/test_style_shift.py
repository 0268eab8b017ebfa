"""A small difference in the same direction every time; a direction for each candidate."""

import dataclasses
import math
import random

import pytest

from comparators.dimensions import load_dimensions
from comparators.drift import betting
from comparators.drift.fold import fold
from comparators.learning import Learning
from comparators.scoring import FeatureRules, score_trials
from comparators.semantic.style_shift import StyleShift
from schemas.answers import Answer
from schemas.exchanges import Request, Source
from schemas.trials import CandidateAnswer, Trial, trial_id

(DIMENSION,) = (
    one for one in load_dimensions({"embedding_distance": {"model": "hashing"}}) if one.name == "style_shift"
)
WORDS = """parcel order refund invoice letter shop customer street number late early open closed red blue""".split()  # noqa: SIM905 - words
CLOSING = " Let me know if there is anything else I can do for you!"


def trials(count, closing, seed=0):
    """Four draws of the same topic each; candidate `friendly` closes as it is told, `plain` does not."""
    rng = random.Random(seed)
    for number in range(count):
        topic = " ".join(rng.choices(WORDS, k=50))
        drawn = [Answer("m", text=f"{topic} {' '.join(rng.choices(WORDS, k=25))}.") for _ in range(4)]
        source = Source("c", "t", 0, number)
        yield Trial(
            trial_id("u", source, number), "u", "p/m-1", source, number, f"r{number}", "f", Request({}), drawn[0],
            (
                CandidateAnswer("friendly", "p/m-2", "h2", Answer("m", text=drawn[1].text + closing)),
                CandidateAnswer("plain", "p/m-3", "h3", drawn[2]),
            ),
            drawn[3],
        )  # fmt: skip


def scored(made, size=16):
    """Scores by candidate, learnt and scored in batches as files are."""
    learning = Learning(lambda _: FeatureRules((DIMENSION,)))
    made, found = list(made), {"friendly": [], "plain": []}
    for start in range(0, len(made), size):
        comparisons = score_trials(made[start : start + size], learning.of)
        for comparison in comparisons:
            found[comparison.candidate].append(comparison.scores[0])
        learning.learn(comparisons)
    return found


def log_e_of(scores):
    found = fold(scores, [1.0] * len(scores), range(1, len(scores) + 1), tolerance=0.0, clip=0.25)
    return betting.log_e(found.fail_bets)


def test_a_constant_shift_fails_soon_and_only_the_candidate_that_has_it():
    found = scored(trials(144, CLOSING))
    assert log_e_of(found["friendly"]) > math.log(1000)
    assert log_e_of(found["plain"]) < math.log(20)


def test_without_a_shift_false_alarms_stay_rare():
    alarms = [log_e_of(of) >= math.log(20) for seed in range(10) for of in scored(trials(128, "", seed)).values()]
    assert sum(alarms) <= 2


def test_nothing_is_scored_before_there_is_a_direction_of_earlier_trials():
    scores = scored(trials(96, CLOSING))["friendly"]
    assert {score.candidate.reason for score in scores[:64]} == {"calibrating"}
    assert all(score.d is not None for score in scores[64:])


def test_d_is_the_signed_projection_of_candidate_minus_rerun():
    for score in scored(trials(80, CLOSING))["friendly"][64:]:
        assert score.d == pytest.approx(score.candidate.value - score.rerun.value)
        assert (score.baseline.value, score.baseline.reason) == (0.5, "level")


def test_what_both_arms_say_alike_teaches_nothing():
    (made,) = trials(1, "")
    alike = dataclasses.replace(made, candidates=(CandidateAnswer("friendly", "p/m-2", "h2", made.rerun),))
    failed = dataclasses.replace(made, rerun=Answer("m", error="timeout"))
    rules = FeatureRules((DIMENSION,))
    seen = [
        bool(DIMENSION.comparator.observe(score_trials([one], lambda _: rules)[0])) for one in (made, alike, failed)
    ]
    assert seen == [True, False, False]


def test_settings_that_cannot_be_are_refused():
    for settings in ({"window": 0}, {"direction": "*"}, {"precision": "int4"}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            StyleShift(**settings)
