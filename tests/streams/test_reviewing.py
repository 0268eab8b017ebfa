"""A person judges pairs of answers: blind, stored at once, and held against the dimensions."""

import asyncio
import json
import re
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from click.testing import CliRunner

from comparators.scoring import score_trials
from schemas.answers import Answer
from schemas.config import candidate_hash, config_from
from schemas.exchanges import Request, Source
from schemas.touched import Touched
from schemas.trials import CandidateAnswer, Trial, trial_id
from streams.calibrating import InForce
from streams.cli import main
from streams.embedded.clickhouse import embedded_clickhouse
from streams.rules import Rules
from streams.store.comparisons import hour_of
from streams.store.configured import open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

START_MS = 1_790_000_000_000
FILE = """
[upgrade]
name = "desk"
current = "sim/a-1"
pinned = true
[[candidates]]
name = "next"
pin = "sim/b-1"
pinned = true
[tap]
topics = ["llm.gateway"]
[kafka]
bootstrap = "127.0.0.1:1"
[clickhouse]
url = "embedded:{folder}"
store_text = "{texts}"
[dimensions.embedding_distance]
model = "hashing"
"""
FINE = "The parcel arrives on Tuesday, and you need not be at home."
REFUSED = "I'm sorry, but I can't help with that."


def made_trial(config, number):
    """In every second trial the candidate refuses, in every fifth it puts a fence around the answer."""
    source = Source("c", "llm.gateway", 0, number)
    text = REFUSED if number % 2 else f"```\n{FINE}\n```" if number % 5 == 0 else FINE
    candidate = CandidateAnswer("next", "sim/b-1", candidate_hash(config.candidates[0]), Answer("b-1", text=text))
    return Trial(
        trial_id("desk", source, START_MS), "desk", "sim/a-1", source, START_MS + number, f"r{number}", "parcels",
        Request({"messages": [{"role": "user", "content": f"When does parcel {number} arrive?"}]}),
        Answer("a-1", text=FINE), (candidate,), Answer("a-1", text=FINE),
    )  # fmt: skip


@asynccontextmanager
async def compared(folder, texts="full"):
    """Twenty comparisons in an embedded store, and a way to run the command on it."""
    toml = FILE.format(folder=folder / "store", texts=texts)
    (folder / "shadowtap.toml").write_text(toml)
    import tomllib

    config = config_from(tomllib.loads(toml), label="test")
    async with embedded_clickhouse(folder / "store"), open_store(config) as store:
        await store.migrate()
        in_force = await InForce.settle(store, config, Rules(config))
        comparisons = score_trials([made_trial(config, number) for number in range(20)], in_force.rules.of)
        batch = [(c, c.trial.source.offset) for c in comparisons]
        await store.insert_comparisons(batch, in_force.epochs.epoch_of, texts)
        await store.refresh_evidence({Touched("desk", "next", "parcels", hour_of(START_MS))})

        async def run(*arguments, typed=""):
            command = ["review", "--config", str(folder / "shadowtap.toml"), *arguments]
            return await asyncio.to_thread(CliRunner().invoke, main, command, input=typed)

        yield store, run


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reviewed(tmp_path_factory):
    """One store with texts for all tests."""
    async with compared(tmp_path_factory.mktemp("reviewed")) as both:
        yield both


@pytest_asyncio.fixture(loop_scope="module")
async def desk(reviewed):
    """The store and the command, nobody's opinion stored."""
    store, run = reviewed
    await store.connection.command("TRUNCATE TABLE opinions_rows")
    return store, run


def letters_of_refusals(output):
    """For each pair shown, the letter under which the refusal stands, or None."""
    found = []
    for shown in re.split(r"pair \d+ of \d+", output)[1:]:
        cells = [line.split("│")[1:3] for line in shown.splitlines() if "sorry" in line]
        found.append(None if not cells else "A" if "sorry" in cells[0][0] else "B")
    return found


async def test_a_pair_is_shown_without_a_hint_and_revealed_at_the_end(desk):
    store, run = desk
    looked = await run("next", "--by", "Ada", "--pairs", "6")  # the input ends at once
    assert looked.exit_code == 0, looked.output
    before = looked.output.partition("Nobody has judged")[0]
    assert not re.search(r"candidate|baseline|a-1|b-1|refusal|fence:|sim/", before)
    assert "When does parcel" in before
    ran = await run("next", "--by", "Ada", "--pairs", "6", typed="x\n" + "a\n" * 6)
    assert ran.exit_code == 0, ran.output
    assert "the candidate was" in ran.output
    # Who always says A finds the candidate worse where it stands under B, and better where it stands under A.
    stored = dict(await store.query("SELECT opinion, count() FROM opinions GROUP BY opinion"))
    shown = await store.query("SELECT candidate_was, opinion FROM opinions")
    assert sum(stored.values()) == 6
    assert set(shown) <= {("A", "better"), ("B", "worse")}
    assert {letter for letter, _ in shown} == {"A", "B"}  # a coin decides
    refusals = [letter for letter in letters_of_refusals(ran.output) if letter]
    assert refusals
    assert sum(letter == "A" for letter in refusals) <= stored.get("better", 0)


async def test_one_goes_on_where_one_stopped_and_the_last_word_counts(desk):
    store, run = desk
    first = await run("next", "--by", "Ada", "--pairs", "5", typed="s\nn\nq\n")
    assert "pair 3 of 5" in first.output
    assert "pair 4 of 5" not in first.output
    second = await run("next", "--by", "Ada", "--pairs", "5", typed="l\ns\ns\n")
    assert "2 of 5 pairs you have judged already." in second.output
    assert "pair 3 of 3" in second.output
    assert await store.query("SELECT opinion, count() FROM opinions GROUP BY opinion ORDER BY opinion") == [
        ("same", 3), ("both_bad", 1),
    ]  # fmt: skip
    other = await run("next", "--by", "Bo", "--pairs", "5", typed="s\n")
    assert "pair 5 of 5" not in other.output
    assert await store.query("SELECT reviewer, count() FROM opinions GROUP BY reviewer ORDER BY reviewer") == [
        ("Ada", 4), ("Bo", 1),
    ]  # fmt: skip


async def test_agreement_with_the_dimensions_is_what_one_counts_oneself(desk):
    store, run = desk
    # Ada finds refusals worse and everything else the same.
    letters = letters_of_refusals((await run("next", "--by", "Ada", "--pairs", "12", typed="l\n" * 12)).output)
    typed = "".join("s\n" if letter is None else "b\n" if letter == "A" else "a\n" for letter in letters)
    ran = await run("next", "--by", "Ada", "--pairs", "12", "--format", "json", typed=typed)
    told = {one["dimension"]: one for one in json.loads(ran.stdout.splitlines()[-1])["dimensions"]}
    worse = sum(letter is not None for letter in letters)
    refusal = told["refusal"]
    assert (refusal["judged"], refusal["flagged"], refusal["flagged_worse"]) == (12, worse, worse)
    assert (refusal["passed_worse"], refusal["agreement"]) == (0, 1.0)
    fences = await store.query(
        "SELECT count() FROM scores WHERE dimension = 'code_fence' AND d >= 0.2 "
        "AND comparison_id IN (SELECT comparison_id FROM opinions)"
    )
    fence = told["code_fence"]
    assert (fence["flagged"], fence["flagged_worse"], fence["passed_worse"]) == (fences[0][0], 0, worse)
    assert fence["agreement"] == pytest.approx((12 - fences[0][0] - worse) / 12)


async def test_without_texts_there_is_nothing_to_review_and_it_is_said(tmp_path):
    async with compared(tmp_path, texts="none") as (_, run):
        ran = await run("next")
        assert (ran.exit_code, ran.stderr.count('store_text is "none"')) == (2, 1)
        ran = await run("nexx")
        assert (ran.exit_code, ran.stderr) == (2, "review: no candidate is called 'nexx' (did you mean 'next'?)\n")
        ran = await run("next", "--feature", "mail")
        assert (ran.exit_code, ran.stderr) == (2, "review: nothing that next answered in mail differs\n")
