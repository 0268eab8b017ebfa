"""A person accepts a difference by name: what it changes, from when on, and where it stands."""

import asyncio
import json
import time
import tomllib
from contextlib import asynccontextmanager
from itertools import count

import pytest
import pytest_asyncio
from click.testing import CliRunner

from comparators.drift.report import exit_code, report_json
from schemas import topics
from schemas.acceptances import Acceptance
from schemas.answers import Answer
from schemas.comparisons import ArmScore, Comparison, DimensionScore, Kind, Status
from schemas.config import candidate_hash, config_from, load_config
from schemas.errors import UsageError
from schemas.exchanges import Request, Source
from schemas.touched import Touched
from schemas.trials import CandidateAnswer, Trial, comparison_id, trial_id
from schemas.verdicts import Verdict, verdict_from
from streams.accepting import accept
from streams.alerts import as_text, message
from streams.calibrating import InForce
from streams.cli import main
from streams.control import order_in_force
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse
from streams.judging import Judging, judged
from streams.kafka import create_topics, producer, reader
from streams.rules import Rules
from streams.store.comparisons import hour_of
from streams.store.configured import open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIALS = 420
START_MS = int(time.time() * 1000) // 3_600_000 * 3_600_000 - TRIALS * 1000
FENCE = "fence:+"
NUMBERS = count()
FILE = """
[upgrade]
name = "{upgrade}"
current = "sim/a-1"
pinned = true
[[candidates]]
name = "next"
pin = "sim/b-1"
pinned = true
[tap]
topics = ["llm.gateway"]
[kafka]
bootstrap = "{bootstrap}"
[clickhouse]
url = "embedded:{folder}"
[dimensions.embedding_distance]
model = "hashing"
[verdict]
min_hours = 0
alpha = 0.2
"""


def written(folder, bootstrap="127.0.0.1:1"):
    """A configuration file for an upgrade of its own."""
    return FILE.format(upgrade=f"desk-{next(NUMBERS)}", folder=folder, bootstrap=bootstrap)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(tmp_path_factory):
    """An embedded store for all tests."""
    folder = tmp_path_factory.mktemp("accepting")
    async with embedded_clickhouse(folder):
        yield folder


@pytest.fixture
def config(folder):
    return config_from(tomllib.loads(written(folder)), label="test")


def made_trial(config, number):
    source = Source("c", "llm.gateway", 0, number)
    ts_ms = START_MS + number * 1000
    answers = [Answer(model, text="fine") for model in ("a-1", "b-1", "a-1")]
    next_one = CandidateAnswer("next", "sim/b-1", candidate_hash(config.candidates[0]), answers[1])
    upgrade = config.upgrade.name
    return Trial(
        trial_id(upgrade, source, ts_ms), upgrade, "sim/a-1", source, ts_ms, f"r{number}", "chat",
        Request({"messages": [{"role": "user", "content": "?"}]}), answers[0], (next_one,), answers[2],
    )  # fmt: skip


def made_comparison(config, rules, trial, differing):
    """Nothing differs but these dimensions, in every third trial."""

    def score(dimension):
        differs = dimension.name in differing and trial.source.offset % 3 == 0
        fine = ArmScore(0.0, Status.SCORED)
        candidate = ArmScore(1.0, Status.SCORED, FENCE) if differs else fine
        baseline = None if dimension.kind is Kind.DISTANCE else fine
        return DimensionScore(dimension.name, dimension.kind, 1, candidate, baseline, fine, candidate.value)

    hashed = candidate_hash(config.candidates[0])
    return Comparison(
        comparison_id(trial.trial_id, "next", hashed), "next", hashed, trial,
        tuple(score(dimension) for dimension in rules.common.dimensions),
    )  # fmt: skip


@asynccontextmanager
async def compared(config, *differing):
    """A store with comparisons that differ in these dimensions."""
    async with open_store(config) as store:
        await store.migrate()
        in_force = await InForce.settle(store, config, Rules(config))
        batch = [
            (made_comparison(config, in_force.rules, made_trial(config, number), differing), number)
            for number in range(TRIALS)
        ]
        await store.insert_comparisons(batch, in_force.epochs.epoch_of)
        await store.refresh_evidence(
            {Touched(config.upgrade.name, "next", "chat", hour_of(c.trial.ts_ms)) for c, _ in batch}
        )
        yield store


def accepted(config, dimension, signature="", feature="", by="Ada"):
    return Acceptance(
        "next", candidate_hash(config.candidates[0]), feature, dimension, signature, by, "clients strip it",
        int(time.time() * 1000),
    )  # fmt: skip


def verdict_of(report):
    feature = report.candidates[0].features[0]
    return feature.verdict, feature.why


async def test_a_review_that_somebody_accepts_by_name_becomes_a_pass_and_is_listed_in_every_report(config):
    async with compared(config, "code_fence") as store:
        before = await judged(config, store)
        assert (verdict_of(before), exit_code(before)) == ((Verdict.REVIEW, "code_fence"), 5)
        await accept(store, config, accepted(config, "code_fence", feature="chat"))
        report = await judged(config, store)
        assert (verdict_of(report), exit_code(report)) == ((Verdict.PASS, ""), 0)
        (listed,) = report_json(report)["candidates"][0]["accepted"]
        assert (listed["by"], listed["reason"], listed["dimension"]) == ("Ada", "clients strip it", "code_fence")
        # As Slack and status show it; the record of the verdicts topic carries it there.
        record = json.loads(json.dumps(report_json(report)["candidates"][0]))
        said = as_text(message("desk", "sim/a-1", verdict_from(record), Verdict.PASS))
        assert "Accepted by Ada: code_fence in chat (clients strip it)" in said
        # The evidence goes on in its epoch, and the acceptance can be taken back.
        assert {epoch.epoch for epoch in await store.epochs(config.upgrade.name)} == {1}
        await asyncio.sleep(0.002)
        await accept(store, config, accepted(config, "code_fence", feature="chat", by="Bo"), withdrawn=True)
        assert verdict_of(await judged(config, store)) == (Verdict.REVIEW, "code_fence")
        with pytest.raises(UsageError, match="code_fence in chat is not accepted for next"):
            await accept(store, config, accepted(config, "code_fence", feature="chat"), withdrawn=True)


async def test_another_candidate_under_the_same_name_has_to_be_accepted_anew(config):
    async with compared(config, "code_fence") as store:
        await accept(store, config, accepted(config, "code_fence"))
        fields = config.model_dump()
        fields["candidates"][0]["set"] = {"temperature": 1}
        changed = config_from({**fields, "tap": {"topics": ["llm.gateway"]}, "budget": {}}, label="changed")
        rules = Rules(changed).accepting(await store.acceptances(config.upgrade.name))
        assert rules.acceptances == frozenset()


async def test_an_accepted_signature_begins_an_epoch_that_is_empty_and_passes_nothing_before_it_has_evidence(config):
    async with compared(config, "code_fence", "answer_change") as store:
        assert verdict_of(await judged(config, store)) == (Verdict.FAIL, "answer_change")
        running = await InForce.settle(store, config, Rules(config))  # of a worker that runs all the time
        await accept(store, config, accepted(config, "answer_change", FENCE, feature="chat"))
        report = await judged(config, store)
        assert verdict_of(report) == (Verdict.CONTINUE, "no_rerun:answer_change")
        await running.follow(within_s=0.0)
        assert running.epochs.epoch_of("next", "chat", "answer_change") == 2
        assert running.epochs.epoch_of("next", "mail", "answer_change") == 1
        assert running.epochs.epoch_of("next", "chat", "code_fence") == 1
        (began,) = [epoch for epoch in await store.epochs(config.upgrade.name) if epoch.epoch == 2]
        assert (began.feature, began.rank, began.reason) == ("chat", 2, f"accepted: none -> {FENCE}")
        assert running.rules.of("chat").accepted == {("next", "answer_change"): {FENCE}}
        # What was scored before stays where it was.
        rows = await store.query(
            "SELECT epoch, count(), sum(candidate_score) FROM scores WHERE dimension = 'answer_change' "
            f"AND upgrade = '{config.upgrade.name}' GROUP BY epoch"
        )
        assert rows == [(1, TRIALS, len(range(0, TRIALS, 3)))]


async def test_what_cannot_be_accepted_is_refused_with_what_there_is(config):
    async with compared(config, "code_fence", "answer_change") as store:
        for asked, message_ in (
            (accepted(config, "code_fences"), "did you mean 'code_fence'"),
            (accepted(config, "code_fence", feature="chatt"), "did you mean 'chat'"),
            (accepted(config, "answer_change"), rf"blocks.*seen: {FENCE.replace('+', '.')} \(140\)"),
            (accepted(config, "code_fence", "missing:[EMAIL]"), "was redacted or cut"),
            (accepted(config, "code_fence", "fence:-"), r"has 'fence:-'; seen: fence:\+ \(140\)"),
        ):
            with pytest.raises(UsageError, match=message_):
                await accept(store, config, asked)
        assert await store.acceptances(config.upgrade.name) == ()


async def test_the_command_stores_announces_and_asks_the_judge_to_look(folder, tmp_path, caplog):
    async with embedded_broker() as bootstrap:
        (tmp_path / "shadowtap.toml").write_text(written(folder, bootstrap))
        config = load_config(tmp_path / "shadowtap.toml")
        await create_topics(config.kafka, 1)
        async with compared(config, "code_fence") as store, producer(config.kafka) as sink:
            judging = Judging(config, await InForce.settle(store, config, Rules(config)), store, sink)
            await judging.look([])
            assert verdict_of(judging.latest) == (Verdict.REVIEW, "code_fence")
            command = ["accept", "code_fence", "--by", "Ada", "--config", str(tmp_path / "shadowtap.toml"), "--reason"]
            refused = await asyncio.to_thread(CliRunner().invoke, main, [*command, " "])
            assert (refused.exit_code, "--reason: is empty" in refused.stderr) == (2, True)
            ran = await asyncio.to_thread(CliRunner().invoke, main, [*command, "clients strip it"])
            assert (ran.exit_code, ran.stdout) == (0, "accepted for next: code_fence in all features\n")
            assert [one.by for one in await store.acceptances(config.upgrade.name)] == ["Ada"]
            await judging.look([])  # a judge that runs takes it up by itself
            assert verdict_of(judging.latest) == (Verdict.PASS, "")
        async with reader(config.kafka) as consumer:
            consumer.subscribe([topics.CONTROL, topics.TOUCHED])
            found = {}
            while len(found) < 2:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found.update({record.topic: record for record in records})
        assert await order_in_force(config.kafka, config.upgrade.name) is None  # it pauses nobody
        assert "is no order" not in caplog.text
        control = json.loads(found[topics.CONTROL].value)
        assert (control["order"], control["by"], control["dimension"]) == ("accept", "Ada", "code_fence")
        assert found[topics.CONTROL].key == f"{config.upgrade.name}/accept/next//code_fence/".encode()
        assert dict(found[topics.CONTROL].headers) == {"upgrade": config.upgrade.name.encode(), "kind": b"accept"}
        assert json.loads(found[topics.TOUCHED].value)["hour"] == 0
