"""Real answers of real model versions through the whole pipeline; skipped where the shared data are absent."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from comparators.drift.report import exit_code
from schemas.verdicts import Verdict
from streams.demo import final_report, recorded, running_demo
from streams.store.configured import open_store

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")


async def through_the_pipeline(tmp_path, file, *arguments):
    """Stream the trials of a file; gives the report, the dimensions of its features, and the comparisons stored."""
    trials = tmp_path / "trials.jsonl"
    command = [sys.executable, str(DATA / "to_trials.py"), str(DATA / file), *arguments]
    with trials.open("wb") as out:
        subprocess.run(command, check=True, stdout=out, stderr=subprocess.DEVNULL)
    scenario = recorded(trials, {"dimensions": {"embedding_distance": {"model": "hashing"}}})  # the model is slow here
    async with running_demo(scenario, tmp_path / "store") as (config, progress, watch):
        await asyncio.wait_for(watch, 240)
        report = await final_report(config, ended=True)
        async with open_store(config) as store:
            stored = (await store.query("SELECT count() FROM comparisons"))[0][0]
            outcomes = (await store.query("SELECT sum(exchanges) FROM coverage"))[0][0]
    assert stored == outcomes == len(scenario.traffic) == progress.expected
    features = report.candidates[0].features
    return report, {feature.feature: {d.dimension: d for d in feature.dimensions} for feature in features}


@pytest.mark.parametrize(("model", "changed"), [("gpt-4-0314", 0.626), ("gpt-3.5-turbo-0301", 0.597)])
async def test_changed_answers_are_found_in_the_published_share(tmp_path, model, changed):
    report, found = await through_the_pipeline(tmp_path, "llmdrift/prime.jsonl.gz", "--pick", model)
    dimensions = found["prime_vs_composite"]
    assert exit_code(report) == 1
    assert dimensions["answer_change"].verdict is Verdict.FAIL
    assert dimensions["answer_change"].candidate == pytest.approx(changed, abs=0.01)
    if model.startswith("gpt-4"):
        assert dimensions["length_change"].verdict is Verdict.FAIL


async def test_fences_that_appeared_are_found_and_fifty_trials_are_no_verdict(tmp_path):
    report, found = await through_the_pipeline(tmp_path, "llmdrift/leetcode.jsonl.gz", "--pick", "gpt-4-0314")
    fence = found["leetcode_easy"]["code_fence"]
    assert (fence.baseline, fence.candidate) == (0, 0.88)
    assert fence.verdict is Verdict.FAIL
    assert report.candidates[0].verdict is Verdict.INCONCLUSIVE
    assert exit_code(report) == 3


async def test_the_same_model_again_fails_in_nothing(tmp_path):
    _, found = await through_the_pipeline(tmp_path, "stability/strict_json_open.jsonl.gz", "--aa")
    verdicts = {d.verdict for dimensions in found.values() for d in dimensions.values()}
    assert Verdict.FAIL not in verdicts
    assert all(dimensions["embedding_distance"].noise == "measured" for dimensions in found.values())
    assert all(dimensions["embedding_distance"].rerun > 0 for dimensions in found.values())
