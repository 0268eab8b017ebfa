"""What a person reads in the verdict table."""

import io

import pytest
from rich.console import Console

from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Forecast, Report, Verdict
from streams.cli.tables import verdict_table

SOON = Forecast(Verdict.PASS, 238, 100, 900, 12.0, 5.0, 45.0)


def shown(told=None, *, width=170, share=None, **dimension):
    found = DimensionVerdict(
        "answer_change", Verdict.CONTINUE, Effect.BLOCK, "measured", 300, None, 0.02, 0.03, 0.01, -0.01, 0.03,
        1.0, 1.0, 0.03, 1, "same", forecast=told, **dimension,
    )  # fmt: skip
    feature = FeatureVerdict(
        "chat", Verdict.CONTINUE, 900, 300, (found,), "evidence:answer_change", told, share, ("style_shift",)
    )
    report = Report("u", "p/now-1", {}, (CandidateVerdict("next", "p/next-1", Verdict.CONTINUE, 900, 300, (feature,)),))
    console = Console(file=io.StringIO(), width=width)
    console.print(verdict_table(report))
    return console.file.getvalue()


def test_an_undecided_feature_says_when_and_what_would_bring_it_in_time():
    text = shown(SOON, share=0.4)
    assert (
        "PASS after 238 more exchanges (100 to 900, 8 times in 10), in 12 h (5 to 45); to be in time, rerun 40%" in text
    )
    assert "PASS in 238 (100-900)" in text


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Forecast(None), "no verdict in sight yet"),
        (
            Forecast(Verdict.FAIL, 50, 20, None, 3.0, 1.0, None),
            "FAIL after 50 more exchanges (20 or more,",
        ),
    ],
)
def test_an_open_end_is_said_to_be_open(told, line):
    assert line in shown(told)


def test_discordant_trials_and_the_rate_in_all_traffic_stand_beneath():
    text = shown(worse=12, better=3, log_e_mcnemar=3.0, rate_in_traffic=0.081)
    assert "12 worse and 3 better (McNemar e 20); 8.1% in all traffic" in text


def test_reasons_of_answers_that_did_not_change_are_left_out():
    text = shown(reasons={"yes_no:no": 80, "yes_no:no->yes": 7, "field:$.label": 5, "short:changed": 2, "number": 9})
    assert "7 yes_no:no->yes, 5 field:$.label, 2 short:changed\n" in text


def test_a_narrow_terminal_loses_the_least_telling_columns_first():
    text = shown(SOON, width=80)
    assert "PASS in 238" not in text
    assert "noise floor" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_still_learns_is_named_beneath_its_feature():
    assert "(100 to 900, 8 times in 10), in 12 h (5 to 45); still learning what is usual here: style_shift" in shown(
        SOON
    )


def one(name, verdict=Verdict.CONTINUE, effect=Effect.BLOCK, *, candidate=0.0, excess=0.0, to=Verdict.PASS, trials=300):
    return DimensionVerdict(
        name, verdict, effect, "measured", trials, None, 0.0, candidate, excess, None, None, 0.0, 0.0, 0.03, 1, "same",
        forecast=Forecast(to, 50, 20, 90, 3.0, 1.0, 9.0),
    )  # fmt: skip


def test_what_tells_of_no_difference_is_only_named_unless_all_of_it_is_wanted():
    dimensions = (
        one("refusal", Verdict.FAIL, candidate=0.4, excess=0.4),
        one("tool_call_change", candidate=0.02, to=Verdict.FAIL),
        one("answer_change", candidate=0.02),  # within tolerance, but what blocks and is noisy is worth a look
        one("truncation", Verdict.INCONCLUSIVE),  # holds a PASS back
        one("fact_change", effect=Effect.REVIEW, candidate=0.05, excess=0.05),
        one("invalid_json"),
        one("polarity_change", effect=Effect.REVIEW, candidate=0.02),
        one("latency", Verdict.INCONCLUSIVE, effect=Effect.INFO, candidate=0.5),
        one("cost", effect=Effect.INFO, trials=0),
    )
    feature = FeatureVerdict("chat", Verdict.FAIL, 300, 300, dimensions)
    report = Report("u", "p/now-1", {}, (CandidateVerdict("next", "p/next-1", Verdict.FAIL, 300, 300, (feature,)),))

    def rows(*, whole):
        console = Console(file=io.StringIO(), width=170)
        console.print(verdict_table(report, whole=whole))
        return console.file.getvalue()

    short = rows(whole=False)
    shown = [line.split()[0] for line in short.splitlines() if line.startswith("  ") and line[2].isalpha()]
    assert shown == ["refusal", "tool_call_change", "answer_change", "truncation", "fact_change"]
    assert "within tolerance: invalid_json, polarity_change, latency; without evidence: cost" in short
    assert "  (4 more)" in short
    assert "\n  latency" in rows(whole=True)
