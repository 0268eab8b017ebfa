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


def test_a_narrow_terminal_loses_the_least_telling_columns_first():
    text = shown(SOON, width=80)
    assert "PASS in 238" not in text
    assert "noise floor" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_still_learns_is_named_beneath_its_feature():
    assert "(100 to 900, 8 times in 10), in 12 h (5 to 45); still learning what is usual here: style_shift" in shown(
        SOON
    )
