"""`check` and `init --from` look at a real topic: what would become of it, what to mend, what it will take."""

import asyncio
import json
import random
import time

import pytest
from aiokafka.admin import NewTopic
from click.testing import CliRunner

from schemas import topics
from schemas.config import config_from, load_config
from schemas.errors import ConfigError, ShadowtapError
from schemas.settings import Kafka, Tap
from streams.checking import check
from streams.cli import main
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.embedded.provider import simulated_provider
from streams.kafka import admin, create_topics, producer
from streams.looking import REPLAYABLE, look
from streams.planning import plan
from streams.proposing import propose
from streams.rules import Rules
from streams.topic_checks import check_own_topics, check_tapped_topics
from tests.streams.conftest import needs_kafka

CURRENT, NEXT, OTHER = "gpt-4o-2024-05-13", "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"
HOURS = 12


@pytest.fixture
async def kafka():
    async with embedded_broker() as bootstrap:
        yield Kafka(bootstrap=bootstrap)


def gateway_records(now_ms):
    """What a gateway of some company logs: an alias asked, a pin served, the feature in the metadata, some rubbish."""
    rng = random.Random(1)
    for exchange in desk.traffic(4, {"triage": 300, "summaries": 60}, end_ms=now_ms, hours=HOURS):
        record = json.loads(exchange.value)
        record["request"] |= {"model": "support-prod", "metadata": {"feature": record.pop("feature")}}
        record["response"]["model"] = CURRENT
        del record["headers"]
        kind = rng.choices(("fine", "other", "half", "stateful", "own", "rubbish"), (85, 5, 3, 3, 3, 1))[0]
        if kind == "other":
            record["request"]["model"] = record["response"]["model"] = OTHER
        elif kind == "half":
            del record["request"]
        elif kind == "stateful":
            record["request"]["previous_response_id"] = "resp_1"
        elif kind == "own":
            record["headers"], record["response"]["model"] = {"x-shadowtap-request": "r1"}, NEXT
        yield kind, exchange.ts_ms, b"rubbish" if kind == "rubbish" else json.dumps(record).encode()


async def fill(kafka, topic, records, partitions=2):
    async with admin(kafka) as client:
        await client.create_topics([NewTopic(topic, partitions, 1)])
    async with producer(kafka) as sink:
        for number, (ts_ms, value) in enumerate(records):
            await sink.send(topic, value, partition=number % partitions, timestamp_ms=ts_ms)
        await sink.flush()


def settings(kafka, **changes):
    return {
        "upgrade": {"name": "u", "current": f"openai/{CURRENT}"},
        "candidates": [{"pin": f"openai/{NEXT}"}],
        "tap": {"topics": ["llm.gateway"]},
        "kafka": {"bootstrap": kafka.bootstrap},
        "providers": {"openai": {"base_url": "http://127.0.0.1:9/v1"}},
        "budget": {"requests_per_day": 100_000},
        **changes,
    }


async def test_a_look_says_what_would_become_of_each_record_and_a_plan_what_it_takes(kafka):
    made = list(gateway_records(int(time.time() * 1000)))
    await fill(kafka, "llm.gateway", [(ts_ms, value) for _, ts_ms, value in made])
    kinds = [kind for kind, _, _ in made]
    config = config_from(settings(kafka, sampling={"adapt": False}))
    found = await look(config.tapped_kafka, config.tap, 1000, config.match_names, candidates=[NEXT])
    assert dict(found.outcomes) == {
        REPLAYABLE: kinds.count("fine"),
        "out_of_scope": kinds.count("other"),
        "unreplayable: no_request": kinds.count("half"),
        "unreplayable: stateful:previous_response_id": kinds.count("stateful"),
        "own_traffic": kinds.count("own"),
        "dead_letter: not_json": kinds.count("rubbish"),
    }
    assert found.hours == pytest.approx(HOURS, abs=0.3)
    assert found.candidates_seen == 0
    assert found.counted == kinds.count("fine")
    assert {name: seen.exchanges for name, seen in found.features.items()}.keys() == {"triage", "summaries"}
    per_day = kinds.count("fine") * 24 / HOURS
    free = plan(config, Rules(config), found)
    assert (free.asked, free.calls_per_day) == (1.0, pytest.approx(1.1 * per_day, rel=0.1))
    tokens = [seen.usage for seen in found.features.values() for _ in range(seen.exchanges)]
    cost = sum((0.1 * (5 * u.input_tokens + 15 * u.output_tokens) + 2.5 * u.input_tokens + 10 * u.output_tokens) / 1e6
               for u in tokens) * 24 / HOURS  # fmt: skip
    assert free.usd_per_day == pytest.approx(cost, rel=0.1)
    tight = config_from(settings(kafka, budget={"usd_per_day": cost / 4}, sampling={"rerun": 0.5, "adapt": False}))
    capped = plan(tight, Rules(tight), found)
    assert 0.05 < capped.asked < 0.25
    assert capped.usd_per_day == pytest.approx(cost / 4, rel=0.01)
    unpriced = config_from(settings(kafka, candidates=[{"pin": "openai/gpt-9-2030-01-01"}]))
    told = plan(unpriced, Rules(unpriced), found)
    assert (told.usd_per_day, told.unpriced) == (None, ("openai/gpt-9-2030-01-01",))
    triage, summaries = capped.features
    assert (triage.feature, summaries.feature) == ("triage", "summaries")
    assert summaries.passes.hours > triage.passes.hours > 24
    assert summaries.needs_rerun is None  # not even all of them within 48 hours
    adapting = config_from(settings(kafka))
    raised = plan(adapting, Rules(adapting), found)
    assert all(feature.rerun > 0.9 for feature in raised.features)  # as the replay role would
    assert raised.features[0].passes.hours < free.features[0].passes.hours / 2


async def test_init_from_a_topic_fills_the_file_and_check_goes_on_from_there(kafka, tmp_path):
    await fill(kafka, "llm.gateway", [(t, value) for _, t, value in gateway_records(int(time.time() * 1000))])
    file = tmp_path / "shadowtap.toml"

    async def run(*arguments):
        return await asyncio.to_thread(CliRunner().invoke, main, [*arguments, "--config", str(file)])

    said = await run("init", "--from", f"{kafka.bootstrap}/llm.gateway")
    assert said.exit_code == 0, said.output
    assert f"current pin   openai/{CURRENT}" in said.output
    assert "features      triage, summaries" in said.output
    with pytest.raises(ConfigError, match="THE-VERSION-THAT-IS-TO-FOLLOW"):
        load_config(file)
    file.write_text(
        file.read_text().replace("THE-VERSION-THAT-IS-TO-FOLLOW", NEXT).replace("api.openai.com", "localhost")
    )
    config = load_config(file)
    assert config.upgrade.current == f"openai/{CURRENT}"
    assert config.tap.topics == ("llm.gateway",)
    assert config.match_names == {CURRENT}
    assert set(config.features) == {"triage", "summaries"}
    assert config.kafka.bootstrap == kafka.bootstrap
    said = await run("check", "--format", "json")
    told = json.loads(said.output)
    assert said.exit_code in (2, 4)
    assert "shadowtap migrate" in next(f["trouble"] for f in told["findings"] if f["what"] == "own topics")
    assert told["tapped"]["features"]["triage"]["exchanges"] > 200
    assert told["plan"]["usd_per_day"] > 0
    said = await run("check")
    for words in ("can be replayed", "replays of ours, recognised", "to PASS", "USD", "a day:"):
        assert words in said.output
    assert "replays of ours are not among them" not in said.output
    said = await run("init", "--from", f"{kafka.bootstrap}/llm.gateway")
    assert (said.exit_code, "is there already" in said.output) == (2, True)


async def test_home_grown_records_get_a_mapping_and_a_feature_rule(kafka):
    call = {"prompt": "Hello, what is…?", "answer": "It is.", "model": "house-7"}
    records = [
        (
            10**12 + n,
            json.dumps({"call": {**call, "id": f"c{n}"}, "caller": {"team": ("billing", "search")[n % 2]}}).encode(),
        )
        for n in range(100)
    ]
    await fill(kafka, "acme", records)
    found = await propose(kafka, "acme", 1000)
    assert found.mapping == {
        "request": "$.call.prompt", "text": "$.call.answer", "id": "$.call.id", "model": "$.call.model",
    }  # fmt: skip
    assert (found.pin, found.match) == (None, ("house-7",))
    assert found.rules == ("$.caller.team",)
    assert sorted(found.features) == [("billing", 50), ("search", 50)]
    assert found.tapped.replayable == 100
    tap = Tap(topics=("acme",), feature=found.rules, format="mapping", mapping=found.mapping)
    assert (await look(kafka, tap, 10, frozenset("*"))).features.keys() == {"billing", "search"}


@pytest.mark.kafka
@needs_kafka
async def test_topics_that_would_lose_something_are_named_with_what_to_do():
    from tests.kafka.broker import kafka_broker

    async with kafka_broker() as broker:
        kafka = Kafka(bootstrap=broker.bootstrap)
        config = config_from(settings(kafka))
        with pytest.raises(ShadowtapError, match=r"has no llm\.gateway.*Describe"):
            await check_tapped_topics(config)
        async with admin(kafka) as client:
            await client.create_topics(
                [
                    NewTopic("llm.gateway", 3, 1),
                    NewTopic(topics.CONTROL, 1, 1),
                    NewTopic(
                        topics.TRIALS, 2, 1, topic_configs={"retention.ms": "3600000", "max.message.bytes": "1000000"}
                    ),
                ]
            )
        with pytest.raises(ShadowtapError, match=r"has no shadowtap\.touched\.v1.*shadowtap migrate"):
            await check_own_topics(config, 3)
        await create_topics(kafka, 3)
        assert await check_tapped_topics(config) == {"llm.gateway": 3}
        with pytest.raises(ShadowtapError) as wrong:
            await check_own_topics(config, 3)
        for words in (
            "shadowtap.control.v1 is not compacted",
            "shadowtap.trials.v1 keeps records for 1 hours: set retention.ms to at least 172800000",
            "has 2 partitions and the largest tapped topic 3",
            "set max.message.bytes=",
        ):
            assert words in str(wrong.value)


async def test_a_pin_that_the_provider_does_not_list_is_told():
    async with simulated_provider(desk.desk_models(1)) as provider:
        changes = {
            "upgrade": {"name": "u", "current": desk.CURRENT, "pinned": True},
            "candidates": [{"pin": f"{desk.PROVIDER}/misspelt-2026-01-01", "pinned": True}],
            "providers": {desk.PROVIDER: {"base_url": provider.base_url}},
        }
        config = config_from(settings(Kafka(bootstrap="127.0.0.1:9"), **changes))
        found = {one.what: one async for one in check(config, 1)}[f"provider {desk.PROVIDER}"]
    assert not found.trouble  # a gateway may serve what it does not list
    assert found.said.endswith("answers (200), but does not list misspelt-2026-01-01: is that the name?")
