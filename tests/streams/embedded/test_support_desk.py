"""The simulated support desk: what it promises the demo."""

from collections import Counter

import pytest

from comparators.dimensions import load_dimensions
from comparators.scoring import FeatureRules
from schemas import json_text
from schemas.verdicts import Verdict
from streams.embedded.support_desk import DEMO_DOSES, VERSION_A, VERSION_B, desk_models, traffic
from streams.embedded.support_desk_cases import LABELS, case
from streams.embedded.support_desk_requests import FEATURES, chat_body
from streams.embedded.support_desk_trials import desk_trials, differences, judged
from streams.embedded.tapped import HOUR_MS, seeded_rng
from streams.tap.chat import read_response

END_MS = 1_795_000_000_000


def share_that(feature, model, differs, count=400):
    """Of two answers to the same request, how often does `differs` hold?"""
    found = 0
    for number in range(count):
        body = chat_body(feature, case(3, number), model.name)
        said = read_response(model.answer(body, {}, seeded_rng(number, "x")))
        found += differs(said, case(3, number))
    return found / count


def test_traffic_is_seeded_and_in_event_time_order_over_its_hours():
    tapped = list(traffic(4, 20, end_ms=END_MS))
    assert tapped == list(traffic(4, 20, end_ms=END_MS))
    assert [e.ts_ms for e in tapped] == sorted(e.ts_ms for e in tapped)
    assert tapped[-1].ts_ms - tapped[0].ts_ms == 26 * HOUR_MS
    envelopes = [json_text.loads(e.value) for e in tapped]
    assert Counter(e["feature"] for e in envelopes) == dict.fromkeys(FEATURES, 20)
    assert len({e["id"] for e in envelopes}) == len(tapped)
    assert {e["request"]["model"] for e in envelopes} == {VERSION_A}
    assert tapped != list(traffic(5, 20, end_ms=END_MS))


def test_doses_are_given_where_they_are_set_and_nowhere_else():
    unchanged = desk_models(3)[VERSION_A]
    drifted = desk_models(3)[VERSION_B]
    cases = {
        "ticket_fields": lambda said, _: said.text.startswith("```"),
        "triage": lambda said, about: said.text != about.label,
        "refund_policy": lambda said, about: said.text.startswith("Yes") != about.may_return,
        "letters": lambda said, _: said.finish_reason == "length",
        "summaries": lambda said, about: about.customer not in said.text,
    }
    for feature, differs in cases.items():
        dose = sum(DEMO_DOSES[feature].values())
        assert share_that(feature, unchanged, differs) < 0.02
        assert share_that(feature, drifted, differs) == pytest.approx(dose, abs=0.08)


def test_the_same_model_asked_again_differs_from_itself_a_little():
    model = desk_models(3)[VERSION_A]
    body = chat_body("summaries", case(3, 5), VERSION_A)
    texts = {model.answer(body, {}, seeded_rng(n))["choices"][0]["message"]["content"] for n in range(30)}
    assert 3 < len(texts) < 30
    labels = Counter(
        model.answer(chat_body("triage", case(3, n), VERSION_A), {}, seeded_rng(n))["choices"][0]["message"]["content"]
        == case(3, n).label
        for n in range(3000)
    )
    assert 0 < labels[False] / 3000 < 0.02


def test_a_lossy_tap_lost_the_system_prompt_that_the_recorded_answer_followed():
    tapped = [json_text.loads(e.value) for e in traffic(4, {"triage": 200}, end_ms=END_MS, lossy={"triage": 0.5})]
    lost = [e for e in tapped if e["request"]["messages"][0]["role"] != "system"]
    assert len(lost) == pytest.approx(100, abs=30)
    assert all(read_response(e["response"]).text in LABELS for e in tapped)
    again = [read_response(desk_models(4)[VERSION_A].answer(e["request"], {}, seeded_rng(e["id"]))).text for e in lost]
    assert all(text not in LABELS for text in again)


def test_a_dose_the_desk_cannot_give_is_refused():
    for wrong in ({"nothing": {}}, {"triage": {"invalid_json": 0.2}}, {"triage": {"answer_change": 1.2}}):
        with pytest.raises(ValueError, match=r"feature of the desk|drifts in|share from 0 to 1"):
            desk_models(1, wrong)


HASHING = {"embedding_distance": {"model": "hashing"}}  # what is put into the other dimensions needs no weights


def test_what_was_put_in_is_what_is_found():
    report = judged(desk_trials(1), {"": FeatureRules(load_dimensions(HASHING))})
    assert differences(report) == []
    verdicts = {feature.feature: feature.verdict for feature in report.candidates[0].features}
    for feature, doses in DEMO_DOSES.items():
        assert bool(doses) == (verdicts[feature] != Verdict.PASS)


def test_nothing_put_in_is_nothing_found():
    unchanged = dict.fromkeys(("ticket_fields", "triage", "order_actions"), 620)  # which drift in the demo
    report = judged(desk_trials(2, unchanged, {}), {"": FeatureRules(load_dimensions(HASHING))})
    assert report.candidates[0].verdict is Verdict.PASS


def test_a_tap_that_lost_the_system_prompt_ends_in_neither_pass_nor_fail():
    lossy = {feature: 0.35 for feature in FEATURES if feature != "ticket_fields"}  # its schema keeps the form
    trials = desk_trials(1, dict.fromkeys(lossy, 150), DEMO_DOSES, lossy)
    report = judged(trials, {"": FeatureRules(load_dimensions(HASHING))})
    assert {feature.why.partition(":")[0] for feature in report.candidates[0].features} == {"replay_unfaithful"}
    assert {feature.verdict for feature in report.candidates[0].features} == {Verdict.INCONCLUSIVE}
    assert differences(report, {feature: DEMO_DOSES[feature] for feature in lossy}, lossy) == []
    assert differences(report) != []  # the check itself tells a wrong verdict
