"""Pause and resume through the control topic: on every worker, over restarts."""

import asyncio
import time

import pytest
from click.testing import CliRunner

from schemas import topics
from schemas.control import ControlRecord, Order, control_bytes, control_from_bytes
from streams.control import Control, controlled, give, order_in_force
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.kafka import create_topics, producer
from streams.worker import run, worker
from tests.streams.conftest import setting

UPGRADE = "desk"


async def test_a_pause_stops_every_worker_within_a_second_and_holds_over_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr("streams.worker.DRAIN_S", 0.5)  # what waits for a resume is not worth waiting for
    async with (
        embedded_broker() as bootstrap,
        setting(bootstrap, desk.desk_models(3, {}), tmp_path) as upgrade,
    ):
        upgrade.provider.faults.latency_ms = 100
        sent = await upgrade.tap(desk.traffic(3, {"triage": 400}, end_ms=int(time.time() * 1000)))
        calls = upgrade.provider.calls

        async def more_than(count, within_s=40):
            deadline = time.monotonic() + within_s
            while len(calls) <= count and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            assert len(calls) > count

        stop = asyncio.Event()
        async with worker(upgrade.config, ("replay",), 6.0) as made:
            work = asyncio.ensure_future(run(made.roles, stop))
            await more_than(50)
            await give(upgrade.config.kafka, UPGRADE, Order.PAUSE, "ada", "the provider is angry")
            await asyncio.sleep(1.0)
            after_a_second = len(calls)
            assert after_a_second < 2 * sent
            await asyncio.sleep(2.0)
            assert len(calls) == after_a_second
            stop.set()
            await work
        assert len(calls) == after_a_second
        order = await order_in_force(upgrade.config.kafka, UPGRADE)
        assert (order.order, order.by, order.why) == (Order.PAUSE, "ada", "the provider is angry")
        stop = asyncio.Event()
        async with worker(upgrade.config, ("replay",), 6.0) as made:
            work = asyncio.ensure_future(run(made.roles, stop))
            deadline = time.monotonic() + 30
            while not made.roles[0].lanes.in_work and time.monotonic() < deadline:  # it has taken records
                await asyncio.sleep(0.1)
            assert made.roles[0].lanes.in_work
            await asyncio.sleep(1.0)
            assert len(calls) == after_a_second
            await give(upgrade.config.kafka, UPGRADE, Order.RESUME, "ada", "it calmed down")
            await more_than(after_a_second, within_s=5)
            stop.set()
            await work


class Client:
    def __init__(self):
        self.said = []

    def stop(self):
        self.said.append("stop")

    def go_on(self):
        self.said.append("go on")

    def resume(self):
        self.said.append("resume")


@pytest.fixture
async def kafka(tmp_path):
    from schemas.settings import Kafka

    async with embedded_broker() as bootstrap:
        kafka = Kafka(bootstrap=bootstrap)
        await create_topics(kafka, 1)
        yield kafka


async def test_only_the_last_order_of_the_own_upgrade_is_carried_out(kafka):
    await give(kafka, UPGRADE, Order.RESUME, "ada", "1")
    await give(kafka, UPGRADE, Order.PAUSE, "ada", "2")
    await give(kafka, "another", Order.RESUME, "ada", "3")
    async with producer(kafka) as sink:
        await sink.send_and_wait(topics.CONTROL, b"garbage", partition=0)
    client = Client()
    async with controlled(kafka, UPGRADE, [client]) as control:
        assert client.said == ["stop"]  # never resumed, not even for a moment
        assert control.trouble == "paused by ada: 2"
        await give(kafka, UPGRADE, Order.RESUME, "bob", "4")
        deadline = time.monotonic() + 5
        while client.said[-1] == "stop" and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert client.said == ["stop", "resume", "go on"]
        assert control.trouble is None


async def test_the_commands_say_who_and_why(kafka, tmp_path):
    from streams.cli import main

    file = tmp_path / "shadowtap.toml"
    file.write_text(
        f"""
[upgrade]
name = "desk"
current = "openai/gpt-4o-2024-05-13"
[[candidates]]
pin = "openai/gpt-4o-2024-08-06"
[tap]
topics = ["t"]
[kafka]
bootstrap = "{kafka.bootstrap}"
"""
    )
    said = await asyncio.to_thread(
        CliRunner().invoke, main, ["pause", "--config", str(file), "--by", "ada", "--why", "too dear"]
    )
    assert (said.exit_code, "Paused desk" in said.output) == (0, True), said.output
    order = await order_in_force(kafka, UPGRADE)
    assert (order.order, order.by, order.why) == (Order.PAUSE, "ada", "too dear")
    said = await asyncio.to_thread(CliRunner().invoke, main, ["resume", "--config", str(file), "--why", "paid"])
    assert said.exit_code == 0, said.output
    assert (await order_in_force(kafka, UPGRADE)).order is Order.RESUME


def test_an_order_is_read_as_it_was_written():
    order = ControlRecord("u", Order.PAUSE, "ada", "why", 5)
    assert control_from_bytes(control_bytes(order)) == order
    assert Control("u", ()).trouble is None
    with pytest.raises(ValueError, match="without"):
        control_from_bytes(b"{}")
