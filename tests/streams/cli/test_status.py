"""What `shadowtap status` says of a run that has no verdict yet, on a real store and a real broker."""

import asyncio
import json

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata
from click.testing import CliRunner

from comparators.scoring import score_trials
from schemas import topics
from schemas.config import load_config
from schemas.topics import consumer_group
from schemas.touched import Touched
from streams.calibrating import InForce
from streams.cli import main
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse
from streams.embedded.support_desk import CANDIDATE, CURRENT, VERSION_B
from streams.embedded.support_desk_trials import UPGRADE, desk_trials
from streams.kafka import create_topics, producer, reader
from streams.rules import Rules
from streams.store.comparisons import hour_of
from streams.store.configured import open_store

FILE = f"""
[upgrade]
name = "{UPGRADE}"
current = "{CURRENT}"
pinned = true
[[candidates]]
name = "{VERSION_B}"
pin = "{CANDIDATE}"
pinned = true
[tap]
topics = ["llm.gateway"]
[kafka]
bootstrap = "BOOTSTRAP"
[clickhouse]
url = "embedded:FOLDER"
[dimensions.embedding_distance]
model = "hashing"
"""


async def stored(config, trials):
    """Compare these trials, as the score role and the judge would."""
    async with open_store(config) as store:
        await store.migrate()
        in_force = await InForce.settle(store, config, Rules(config))
        batch = [(c, place) for place, c in enumerate(score_trials(trials, in_force.rules.of))]
        await store.insert_comparisons(batch, in_force.epochs.epoch_of)
        await store.refresh_evidence(
            {Touched(UPGRADE, c.candidate, c.trial.feature, hour_of(c.trial.ts_ms)) for c, _ in batch}
        )


async def left_waiting(config, records, taken):
    """A judge that took some of so many touched records."""
    place = TopicPartition(topics.TOUCHED, 0)
    await create_topics(config.kafka, 1)
    async with producer(config.kafka) as sink:
        for _ in range(records):
            await sink.send_and_wait(topics.TOUCHED, b"{}", partition=0)
    async with reader(config.kafka, consumer_group(UPGRADE, "judge")) as client:
        client.assign([place])
        await client.commit({place: OffsetAndMetadata(taken, "")})


@pytest.mark.asyncio
async def test_it_says_when_there_will_be_a_verdict_what_waits_and_what_was_spent(tmp_path):
    async with embedded_broker() as bootstrap, embedded_clickhouse(tmp_path / "store"):
        file = tmp_path / "shadowtap.toml"
        text = FILE.replace("FOLDER", str(tmp_path / "store"))
        file.write_text(text.replace("BOOTSTRAP", bootstrap))
        config = load_config(file)
        await stored(config, list(desk_trials(1, {"triage": 120}, {"triage": {}})))
        await left_waiting(config, records=5, taken=2)

        async def run(*more):
            return await asyncio.to_thread(CliRunner().invoke, main, ["status", "--config", str(file), *more])

        table, as_json = await run(), await run("--format", "json")
        file.write_text(text.replace("BOOTSTRAP", "127.0.0.1:1"))
        alone = await run()
    assert (table.exit_code, as_json.exit_code, alone.exit_code) == (3, 3, 3)
    shown = " ".join(table.stdout.split())
    assert "PASS after " in shown
    assert "more exchanges (" in shown
    assert "still learning what is usual here: contract_violation, semantic_change" in shown
    assert "records that wait: replay never ran, score never ran, judge 3, alert never ran" in shown
    assert "asked of providers: 0 requests, 0.00 USD" in shown
    told = json.loads(as_json.stdout)
    assert told["lag"] == {"replay": None, "score": None, "judge": 3, "alert": None}
    assert told["spend"]["requests"] == 0
    feature = told["candidates"][0]["features"][0]
    assert feature["forecast"]["to"] == "PASS"
    assert feature["forecast"]["earliest"] <= feature["forecast"]["trials"] <= feature["forecast"]["latest"]
    assert {"worse", "better", "rate_in_traffic", "log_e_replay"} <= feature["dimensions"][0].keys()
    assert "note: the lag is unknown: " in alone.stderr
    assert "records that wait" not in alone.stdout
