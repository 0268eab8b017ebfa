"""What Slack is told, once per cause: numbers and names, never a prompt or an answer."""

import json
import math
from dataclasses import replace

import pytest

from schemas.acceptances import Acceptance
from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Verdict
from streams.alerts import alert_of, as_text, message


def dimension(name="answer_change", verdict=Verdict.FAIL, effect=Effect.BLOCK, **changes):
    found = DimensionVerdict(
        name, verdict, effect, "measured", 400, None, 0.038, 0.255, 0.217, 0.15, 0.28, 30.0, -3.0, 0.03, 1, "changed",
        reasons={"label:my secret answer->other": 3},
    )  # fmt: skip
    return replace(found, **changes)


def candidate(verdict, *dimensions, feature=Verdict.FAIL, why="", compared=400):
    judged = FeatureVerdict("tri<age", feature, compared, 40, dimensions, why)
    return CandidateVerdict("next", "p/next-1", verdict, compared, 40, (judged,))


def told(verdict, cause):
    return as_text(message("u", "p/now-1", verdict, cause))


def test_a_fail_says_how_much_beside_what_and_how_sure():
    text = told(candidate(Verdict.FAIL, dimension()), Verdict.FAIL)
    first, headline, *_ = text.splitlines()
    assert first == "No user has seen these answers: this is a shadow run."
    assert headline == "FAIL: next is not safe to release"
    assert "tri<age answer_change: 25.5% (noise floor 3.8%)" in text
    assert "excess +21.7% (95 % +15.0% to +28.0%), tolerance 3.0%, 400 trials; by chance less than" in text
    assert "less than 1 in a billion" in text
    assert "400 comparisons, 40 with a rerun" in text


def test_how_sure_is_said_in_numbers_people_read():
    shown = told(candidate(Verdict.FAIL, dimension(log_e=math.log(2_100_000))), Verdict.FAIL)
    assert "400 trials; by chance at most 1 in 2,100,000" in shown


def test_production_and_all_traffic_stand_beside_it_where_they_tell_something():
    shown = told(candidate(Verdict.FAIL, dimension(baseline=0.08, rate_in_traffic=0.31)), Verdict.FAIL)
    assert "25.5% (production 8.0%, noise floor 3.8%, 31.0% in all traffic)" in shown
    same = told(candidate(Verdict.FAIL, dimension(rate_in_traffic=0.2551, noise="assumed")), Verdict.FAIL)
    assert "25.5% (noise floor assumed)" in same


def test_what_else_differs_is_named_and_the_message_stays_small():
    many = [dimension(f"dimension_{n}", log_e=float(n)) for n in range(9)]
    review = [dimension(f"review_{n}", effect=Effect.REVIEW) for n in range(9)]
    payload = message("u", "p/now-1", candidate(Verdict.FAIL, *many, *review), Verdict.FAIL)
    text = as_text(payload)
    assert text.count("; by chance ") == 5
    assert text.index("dimension_8") < text.index("dimension_7")
    assert "Also different: tri<age dimension_3" in text
    assert ", and 5 more" in text
    assert len(json.dumps(payload)) < 8000
    assert len(payload["blocks"]) <= 12


def test_no_text_of_anybody_is_in_it():
    for cause in (Verdict.FAIL, Verdict.PASS, Verdict.REVIEW, Verdict.NODATA):
        assert "secret" not in json.dumps(message("u", "p/now-1", candidate(Verdict.FAIL, dimension()), cause))


def test_what_fails_after_somebody_accepted_a_difference_is_told_again_with_what_was_accepted():
    before = candidate(Verdict.FAIL, dimension())
    accepted = Acceptance("next", "h", "tri<age", "answer_change", "yes_no:yes->no", "Ada & Bo", "it is right", 1)
    after = replace(before, accepted=(accepted,))
    assert alert_of("u", after)[0] != alert_of("u", before)[0]
    assert alert_of("u", after) == alert_of("u", after)
    assert "Accepted by Ada & Bo: answer_change yes_no:yes->no in tri<age (it is right)" in told(after, Verdict.FAIL)


def test_silence_is_told_once_and_the_next_silence_again():
    silent = candidate(Verdict.NODATA, feature=Verdict.NODATA, why="silent:answer_change")
    identity, cause = alert_of("u", silent)
    assert cause is Verdict.NODATA
    assert "tri<age: 400 compared, 40 with a rerun, then silence" in told(silent, cause)
    assert alert_of("u", silent) == (identity, cause)
    later = candidate(Verdict.NODATA, feature=Verdict.NODATA, why="silent:answer_change", compared=500)
    assert alert_of("u", later)[0] != identity


@pytest.mark.parametrize("why", ["no_comparison"])
def test_a_feature_of_which_nothing_ever_came_wakes_nobody(why):
    assert alert_of("u", candidate(Verdict.NODATA, feature=Verdict.NODATA, why=why, compared=0)) is None


def test_a_candidate_that_failed_is_not_told_to_be_silent_too():
    both = candidate(Verdict.FAIL, dimension(), feature=Verdict.NODATA)
    assert alert_of("u", both)[1] is Verdict.FAIL
    assert alert_of("u", candidate(Verdict.CONTINUE, feature=Verdict.CONTINUE)) is None
