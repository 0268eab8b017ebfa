"""The JSON object of the command line, and its exit code."""

from dataclasses import replace

import orjson
import pytest

from comparators.drift.report import candidate_json, exit_code, report_json
from schemas.verdicts import (
    CandidateVerdict,
    DimensionVerdict,
    Effect,
    FeatureVerdict,
    Forecast,
    Report,
    Verdict,
    verdict_from,
)


def candidate(name, verdict):
    dimension = DimensionVerdict(
        "answer_change", verdict, Effect.BLOCK, "measured", 100, None, 0.02, 0.63, 0.61, 0.55, 0.66, 60.4, -3.0, 0.03,
        1, "changed", reasons={"yes_no:yes->no": 488},
    )  # fmt: skip
    return CandidateVerdict(
        name, "p/m-2", verdict, 1000, 100, (FeatureVerdict("prime", verdict, 1000, 100, (dimension,)),)
    )


def report(**verdicts):
    return Report("u", "p/m-1", {"consumed": 1000}, tuple(candidate(n, v) for n, v in verdicts.items()))


def test_the_object_has_the_keys_of_the_design():
    whole = orjson.loads(orjson.dumps(report_json(report(c=Verdict.FAIL))))
    assert {"upgrade", "current", "coverage", "candidates"} <= whole.keys()
    one = whole["candidates"][0]
    assert {"candidate", "pin", "verdict", "compared", "paired", "features"} <= one.keys()
    feature = one["features"][0]
    assert {"feature", "verdict", "dimensions"} <= feature.keys()
    assert {
        "dimension", "verdict", "effect", "noise", "trials", "baseline", "rerun", "candidate", "excess", "low", "high",
        "log_e", "tolerance", "epoch", "reasons",
    } <= feature["dimensions"][0].keys()  # fmt: skip
    assert feature["dimensions"][0]["reasons"] == {"yes_no:yes->no": 488}


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("PASS", 0), ("FAIL", 1), ("CONTINUE", 3), ("INCONCLUSIVE", 3), ("NODATA", 3), ("REVIEW", 5)],
)
def test_each_verdict_has_its_exit_code(verdict, code):
    assert exit_code(report(c=Verdict(verdict))) == code


def test_the_worst_candidate_decides_unless_one_is_named():
    both = report(good=Verdict.PASS, bad=Verdict.FAIL, maybe=Verdict.REVIEW)
    assert exit_code(both) == 1
    assert exit_code(both, "good") == 0
    assert exit_code(both, "maybe") == 5


def test_a_candidates_record_comes_back_as_it_was_with_its_forecasts():
    told = Forecast(Verdict.PASS, 238, 100, None, 12.0, 5.0, None)
    one = candidate("c", Verdict.CONTINUE)
    (feature,) = one.features
    feature = replace(
        feature,
        forecast=told,
        calibrating=("style_shift",),
        dimensions=tuple(replace(dimension, forecast=told) for dimension in feature.dimensions),
    )
    one = replace(one, features=(feature,))
    assert verdict_from(orjson.loads(orjson.dumps(candidate_json(one)))) == one
