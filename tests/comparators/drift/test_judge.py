"""Verdicts as design.md, section 5, has them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from comparators.dimensions import load_dimensions
from comparators.drift.alpha import families
from comparators.drift.epochs import Identity, Scope, plan_epochs
from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.fold import fail_bets, pass_bets
from comparators.drift.judge import JudgeRules, Known, judge
from comparators.drift.report import exit_code
from comparators.scoring import FeatureRules
from schemas.calibrations import Calibration
from schemas.verdicts import Verdict

HOUR = 3_600_000
DIMENSIONS = load_dimensions()
BY_NAME = {dimension.name: dimension for dimension in DIMENSIONS}
CANDIDATE, FEATURE = "next", "chat"


def of(name, d, *, reruns=None, hours=26, scored=None, failed=0, skipped=0, rerun=0.0):
    """Evidence of a dimension from its D, as fold would make it."""
    x, dimension = np.asarray(d, dtype=float), BY_NAME[name]
    n = x.size if reruns is None else reruns
    return Evidence(
        n=x.size,
        d_sum=float(x.sum()),
        d_squares=float((x * x).sum()),
        worse=int((x > 0).sum()),
        better=int((x < 0).sum()),
        fail_bets=tuple(fail_bets(x, dimension.tolerance, dimension.clip)),
        pass_bets=tuple(pass_bets(x, dimension.tolerance)),
        rerun_n=n,
        rerun_sum=rerun * n,
        candidate_sum=float(x.sum()) + rerun * n,
        scored=x.size if scored is None else scored,
        failed=failed,
        skipped=skipped,
        first_ms=HOUR,
        last_ms=int(HOUR * (1 + hours)),
    )


CLEAN = [0.0] * 1000
BROKEN = [1.0] * 300 + [0.0] * 700


def verdicts(dimensions, *, assumed=None, latched=(), shares=None, known=None, more=None, **rules):
    evidence = {EvidenceKey(CANDIDATE, FEATURE, name, 1): found for name, found in dimensions.items()} | (more or {})
    features = dict.fromkeys(key.feature for key in evidence)
    declared = rules.pop("declared", (FEATURE,))
    shares = shares or {
        (family.candidate, family.feature): family.share for family in families(CANDIDATE, declared, features)
    }
    around = Known(pins={CANDIDATE: "p/next-1"}, shares=shares, latched=latched, **(known or {}))
    in_force = {"": FeatureRules(DIMENSIONS, assumed)}
    return judge("u", "p/now-1", evidence, JudgeRules(in_force, declared=declared, **rules), around, {})


def feature(report, name=FEATURE):
    return next(f for f in report.candidates[0].features if f.feature == name)


def dimension(report, name):
    return next(d for d in feature(report).dimensions if d.dimension == name)


def healthy(**others):
    return {"call_error": of("call_error", CLEAN), "answer_change": of("answer_change", CLEAN)} | others


def test_a_clean_candidate_passes():
    report = verdicts(healthy())
    assert report.candidates[0].verdict is Verdict.PASS
    assert (feature(report).compared, feature(report).paired) == (1000, 1000)
    assert exit_code(report) == 0


def test_a_broken_block_dimension_fails_feature_and_candidate():
    report = verdicts(healthy(answer_change=of("answer_change", BROKEN)))
    assert (feature(report).verdict, feature(report).why) == (Verdict.FAIL, "answer_change")
    found = dimension(report, "answer_change")
    assert (found.change, found.excess, found.noise) == ("changed", 0.3, "measured")
    assert found.low < 0.3 < found.high
    assert exit_code(report) == 1


def test_a_review_dimension_asks_for_people_until_one_accepts():
    dims = healthy(code_fence=of("code_fence", BROKEN))
    report = verdicts(dims)
    assert (feature(report).verdict, feature(report).why, exit_code(report)) == (Verdict.REVIEW, "code_fence", 5)
    accepted = verdicts(dims, known={"accepted": [(CANDIDATE, FEATURE, "code_fence")]})
    assert feature(accepted).verdict is Verdict.PASS


def test_a_new_epoch_holds_a_pass_back_from_its_first_moment_however_much_the_others_have():
    was = {Scope(CANDIDATE, "", name): Identity("p/now-1", "h", "as before") for name in BY_NAME}
    first, _ = plan_epochs((), was, 1)
    _, epochs = plan_epochs(first, was | {Scope(CANDIDATE, "", "answer_change"): Identity("p/now-1", "h", "new")}, 2)
    known = {"epochs": epochs}
    nothing = verdicts(healthy(), known=known)
    assert (feature(nothing).verdict, feature(nothing).why) == (Verdict.CONTINUE, "no_rerun:answer_change")
    few = {EvidenceKey(CANDIDATE, FEATURE, "answer_change", 2): of("answer_change", [0.0] * 20)}
    begun = verdicts(healthy(), known=known, more=few)
    assert (feature(begun).verdict, feature(begun).why) == (Verdict.CONTINUE, "min_trials:answer_change")
    enough = {EvidenceKey(CANDIDATE, FEATURE, "answer_change", 2): of("answer_change", CLEAN)}
    assert feature(verdicts(healthy(), known=known, more=enough)).verdict is Verdict.PASS


def test_evidence_of_a_dimension_that_is_configured_no_more_is_left_alone():
    gone = {EvidenceKey(CANDIDATE, FEATURE, "of_ours", 1): of("answer_change", BROKEN)}
    assert feature(verdicts(healthy(), more=gone)).verdict is Verdict.PASS


def test_info_never_decides():
    assert feature(verdicts(healthy(latency=of("latency", [0.25] * 1000)))).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "rules", "why"),
    [
        ({}, {"min_trials": 2000}, "min_trials"),
        ({}, {"min_hours": 30}, "min_hours"),
        ({"coverage": {CANDIDATE: 0.7}}, {}, "coverage"),
    ],
)
def test_what_a_pass_needs(changes, rules, why):
    report = verdicts(healthy(), known=changes, **rules)
    assert feature(report).verdict is Verdict.CONTINUE
    assert dimension(report, "answer_change").why == why
    assert exit_code(report) == 3


def test_a_hundred_clean_trials_are_no_pass():
    report = verdicts(healthy(answer_change=of("answer_change", [0.0] * 100)), min_trials=50, min_hours=None)
    assert dimension(report, "answer_change").why == "evidence"  # even at 3 % tolerance


def test_hours_do_not_apply_where_none_are_asked_for():
    assert feature(verdicts(healthy(), min_hours=None)).verdict is Verdict.PASS
    dims = {name: of(name, CLEAN, hours=0) for name in ("call_error", "answer_change")}
    assert feature(verdicts(dims, min_hours=None)).verdict is Verdict.PASS


def test_without_a_verdict_in_time_it_is_inconclusive():
    slow = healthy(answer_change=of("answer_change", [0.03] * 1000, hours=50))
    assert (feature(verdicts(slow)).verdict, exit_code(verdicts(slow))) == (Verdict.INCONCLUSIVE, 3)
    assert feature(verdicts(slow, max_hours=None)).verdict is Verdict.CONTINUE
    assert feature(verdicts(slow, max_hours=None, ended=True)).verdict is Verdict.INCONCLUSIVE


def test_a_latched_fail_stays_whatever_comes_after():
    key = EvidenceKey(CANDIDATE, FEATURE, "answer_change", 1)
    report = verdicts(healthy(), latched={key})
    assert (dimension(report, "answer_change").verdict, dimension(report, "answer_change").why) == ("FAIL", "latched")
    assert feature(report).verdict is Verdict.FAIL


def test_nothing_fails_before_sixty_reruns_except_call_error():
    dims = {
        "call_error": of("call_error", CLEAN, reruns=59),
        "invalid_json": of("invalid_json", BROKEN, reruns=59),
    }
    assert dimension(verdicts(dims), "invalid_json").why == "warm_up"
    assert dimension(verdicts(dims, assumed=0.2), "invalid_json").verdict is Verdict.FAIL  # reruns are off
    dims["call_error"] = of("call_error", BROKEN, reruns=59)
    assert dimension(verdicts(dims), "call_error").verdict is Verdict.FAIL
    dims["call_error"] = of("call_error", CLEAN, reruns=100, rerun=0.5)
    assert dimension(verdicts(dims), "invalid_json").why == "warm_up"  # half of the reruns gave an error


def test_an_unfaithful_replay_neither_passes_nor_fails():
    x = np.ones(100)
    lossy = of("invalid_json", BROKEN)
    lossy = lossy + Evidence(
        replay_n=100, replay_up_bets=tuple(fail_bets(x, 0.01)), replay_down_bets=tuple(fail_bets(-x, 0.01))
    )
    report = verdicts(healthy(invalid_json=lossy))
    assert feature(report).verdict is Verdict.INCONCLUSIVE
    assert feature(report).why == "replay_unfaithful:invalid_json"
    assert {d.verdict for d in feature(report).dimensions} == {Verdict.INCONCLUSIVE}
    latched = verdicts(healthy(invalid_json=lossy), latched={EvidenceKey(CANDIDATE, FEATURE, "invalid_json", 1)})
    assert feature(latched).verdict is Verdict.INCONCLUSIVE  # what failed before the tap was found out


def test_assumed_noise_can_fail_and_never_pass():
    clean = verdicts(healthy(answer_change=of("answer_change", [-0.2] * 1000)), assumed=0.2, ended=True)
    assert (dimension(clean, "answer_change").verdict, dimension(clean, "answer_change").why) == (
        Verdict.INCONCLUSIVE,
        "noise_assumed",
    )
    assert dimension(clean, "answer_change").noise == "assumed"
    drifted = verdicts(healthy(answer_change=of("answer_change", [0.5] * 100)), assumed=0.2)
    assert feature(drifted).verdict is Verdict.FAIL


def test_a_rare_dimension_can_fail_but_holds_no_pass_back():
    rare = of("tool_call_change", [0.0] * 40, scored=40, skipped=960)
    assert feature(verdicts(healthy(tool_call_change=rare))).verdict is Verdict.PASS
    broken = of("tool_call_change", [1.0] * 40, scored=40, skipped=960)
    assert feature(verdicts(healthy(tool_call_change=broken))).verdict is Verdict.FAIL


def test_a_comparator_that_raises_holds_the_pass_back():
    raising = of("truncation", [0.0] * 700, scored=700, failed=300)
    assert feature(verdicts(healthy(truncation=raising))).why == "comparator_failed:truncation"


def test_an_undeclared_feature_with_few_trials_decides_only_by_fail():
    def small(d):
        return {EvidenceKey(CANDIDATE, "small", name, 1): of(name, d) for name in ("call_error", "answer_change")}

    report = verdicts(healthy(), more=small([0.0] * 100))
    assert (feature(report, "small").why, report.candidates[0].verdict) == ("unproven", Verdict.PASS)
    assert verdicts(healthy(), more=small([1.0] * 100)).candidates[0].verdict is Verdict.FAIL
    alone = verdicts({name: of(name, [0.0] * 100) for name in ("call_error", "answer_change")}, declared=(), ended=True)
    assert (alone.candidates[0].verdict, exit_code(alone)) == (Verdict.INCONCLUSIVE, 3)


def test_no_block_dimension_no_pass():
    assert feature(verdicts({"code_fence": of("code_fence", CLEAN)})).why == "no_block_dimension"


def test_a_declared_feature_without_any_traffic_is_nodata():
    report = verdicts(healthy(), declared=(FEATURE, "billing"))
    assert feature(report, "billing").verdict is Verdict.NODATA
    assert report.candidates[0].verdict is Verdict.NODATA
    assert [f.feature for f in report.candidates[0].features] == ["billing", FEATURE]


def test_an_undecided_feature_that_falls_silent_is_nodata_and_a_pass_stands():
    undecided = healthy(answer_change=of("answer_change", [0.03] * 1000))
    silence = {"now_ms": 100 * HOUR, "heard_ms": {(CANDIDATE, FEATURE): 90 * HOUR}}
    assert feature(verdicts(undecided, known=silence)).verdict is Verdict.NODATA
    assert feature(verdicts(undecided, known=silence | {"now_ms": 91 * HOUR})).verdict is Verdict.CONTINUE
    assert feature(verdicts(healthy(), known=silence)).verdict is Verdict.PASS


def test_evidence_of_another_epoch_does_not_count():
    scope = {Scope(CANDIDATE, "", d.name): Identity("p/now-1", "h", d.identity) for d in DIMENSIONS}
    rows, _ = plan_epochs((), scope, 1)
    again = {s: Identity("p/now-1", "h2", i.dimension) for s, i in scope.items()}
    more, epochs = plan_epochs(rows, again, 2)
    assert len(more) == len(rows)
    report = verdicts(healthy(answer_change=of("answer_change", BROKEN)), known={"epochs": epochs})
    assert feature(report).verdict is Verdict.NODATA


def test_the_second_epoch_takes_twice_the_evidence():
    edge = of("answer_change", [1.0] * 12 + [0.0] * 288)
    scope = {Scope(CANDIDATE, "", d.name): Identity("p/now-1", "h", d.identity) for d in DIMENSIONS}
    _, first = plan_epochs((), scope, 1)
    shares = [0.5**k for k in range(1, 12)]
    outcomes = [
        dimension(verdicts(healthy(answer_change=edge), shares={(CANDIDATE, FEATURE): s}, known={"epochs": first}),
                  "answer_change").verdict
        for s in shares
    ]  # fmt: skip
    assert outcomes == sorted(outcomes, key=[Verdict.FAIL, Verdict.CONTINUE].index)


def test_worst_first_on_every_level():
    dims = healthy(invalid_json=of("invalid_json", BROKEN), code_fence=of("code_fence", BROKEN))
    judged = feature(verdicts(dims)).dimensions
    assert [d.dimension for d in judged][:2] == ["invalid_json", "code_fence"]
    assert [d.verdict for d in judged] == ["FAIL", "FAIL", "PASS", "PASS"]


def test_better_and_worse_are_told_apart_where_they_mean_something():
    dims = healthy(
        invalid_json=of("invalid_json", [-1.0] * 200 + [0.0] * 800), answer_change=of("answer_change", [-0.1] * 1000)
    )
    assert dimension(verdicts(dims), "invalid_json").change == "better"
    assert dimension(verdicts(dims), "answer_change").change == "same"


def test_mcnemar_stands_beside_yes_no_dimensions_only():
    dims = healthy(embedding_distance=of("embedding_distance", [0.1] * 1000))
    report = verdicts(dims)
    assert dimension(report, "answer_change").log_e_mcnemar == pytest.approx(0.0)
    assert dimension(report, "embedding_distance").log_e_mcnemar is None


def test_discordant_trials_and_estimates_for_all_traffic_stand_beside_the_verdict():
    weighed = of("answer_change", BROKEN)
    weighed = replace(weighed, weight=10_000.0, weighted_candidate=900.0, weighted_d=800.0)
    found = dimension(verdicts(healthy(answer_change=weighed)), "answer_change")
    assert (found.worse, found.better) == (300, 0)
    assert (found.rate_in_traffic, found.excess_in_traffic) == (0.09, 0.08)
    assert dimension(verdicts(healthy()), "answer_change").rate_in_traffic is None


def test_what_speaks_against_the_replay_is_told_before_it_is_enough():
    x = np.array([1.0] * 2 + [0.0] * 98)
    suspicious = of("invalid_json", CLEAN) + Evidence(
        replay_n=100, replay_up_bets=tuple(fail_bets(x, 0.01)), replay_down_bets=tuple(fail_bets(-x, 0.01))
    )
    told = dimension(verdicts(healthy(invalid_json=suspicious)), "invalid_json").log_e_replay
    assert 0 < told < math.log(20)
    assert dimension(verdicts(healthy()), "call_error").log_e_replay is None


def test_while_there_is_no_verdict_the_feature_says_when():
    early = {name: of(name, [0.0] * 400, hours=10, reruns=100) for name in ("call_error", "answer_change")}
    early["answer_change"] = of("answer_change", [1.0, -1.0] * 5 + [0.0] * 90, hours=10, reruns=100)
    judged = feature(verdicts(early, max_hours=48))
    told = judged.forecast
    assert told.to is Verdict.PASS
    slowest = dimension(verdicts(early), "answer_change").forecast
    assert told.trials == pytest.approx(slowest.trials * 4, rel=0.01)  # one exchange in four has a rerun
    assert told.hours == slowest.hours > 38  # too late at this pace
    assert judged.rerun_share == pytest.approx(slowest.trials / (38 * 40), rel=0.01)  # missing ones, in 38 h of 40
    assert feature(verdicts(healthy())).forecast is None


def test_a_pass_is_never_forecast_before_its_hours():
    quick = {name: of(name, [0.0] * 1000, hours=2) for name in ("call_error", "answer_change")}
    told = feature(verdicts(quick)).forecast
    assert (told.to, told.trials, told.hours, told.earliest_hours) == (Verdict.PASS, 0, 22, 22)


def test_a_fail_in_sight_is_the_features():
    broken = of("answer_change", [1.0] * 6 + [0.0] * 54, hours=1)
    told = feature(verdicts(healthy(answer_change=broken))).forecast
    assert told.to is Verdict.FAIL
    assert told.earliest < told.trials


def test_what_still_learns_what_is_usual_is_named():
    assert feature(verdicts(healthy())).calibrating == ("contract_violation", "semantic_change", "style_shift")
    learner = BY_NAME["style_shift"].learner("chat", "h")
    learnt = FeatureRules(DIMENSIONS, calibrations={("style_shift", "h"): Calibration(learner, "", 64, 1)})
    around = Known(pins={CANDIDATE: "p/next-1"})
    evidence = {EvidenceKey(CANDIDATE, FEATURE, name, 1): found for name, found in healthy().items()}
    report = judge("u", "p/now-1", evidence, JudgeRules({"": learnt}), around, {})
    assert feature(report).calibrating == ("contract_violation", "semantic_change")


def test_no_pass_is_forecast_where_more_trials_would_not_help():
    told = feature(verdicts(healthy(), known={"coverage": {CANDIDATE: 0.7}})).forecast
    assert told.to is None


def test_a_calibration_that_later_reruns_do_not_keep_is_stale_and_fails_nobody():
    def calibrated(beyond):
        rate, allowed, n = 0.3, 0.013, 2000
        hits = int(rate * n)
        found = of("semantic_change", [1 - allowed] * hits + [-allowed] * (n - hits), reruns=200)
        return replace(found, candidate_sum=float(hits), rerun_sum=float(beyond))

    stale = dimension(verdicts(healthy(semantic_change=calibrated(20))), "semantic_change")
    assert (stale.verdict, stale.why) == (Verdict.INCONCLUSIVE, "calibration_stale")
    assert dimension(verdicts(healthy(semantic_change=calibrated(2))), "semantic_change").verdict is Verdict.FAIL


def test_a_shift_of_style_is_a_change_and_neither_worse_nor_better():
    assert dimension(verdicts(healthy(style_shift=of("style_shift", [0.1] * 1000))), "style_shift").change == "changed"
    assert dimension(verdicts(healthy(latency=of("latency", [0.2] * 1000))), "latency").change == "worse"
