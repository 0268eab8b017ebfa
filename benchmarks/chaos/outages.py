"""Parts that are away, slow, or refuse: the broker, ClickHouse, one row of a batch."""

import asyncio
import json
import signal
import time

from aiokafka import TopicPartition

from benchmarks.chaos.counted import Counted, must
from benchmarks.chaos.processes import resident_mb
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.upgrades import Upgrade
from schemas import topics
from streams.embedded import support_desk as desk
from streams.kafka import reader, to_the_end

GROWN_MB = 40.0  # at most, while nothing can be inserted


async def broker_stopped(
    stage: Stage, exchanges: int, seconds: float, number: int = signal.SIGTERM, latency_ms: float = 60
) -> Counted:
    """The broker is gone for a while; the same process goes on, without a human."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.start()
        await up.asked(exchanges // 2)
        must(stage.broker is not None, "the embedded broker cannot be stopped and started")
        await asyncio.to_thread(stage.broker.stop, number)
        flying = up.provider.calls.in_flight
        await asyncio.sleep(seconds)
        await stage.broker.start()
        await up.settles(180 + exchanges / 20)
        must(len(up.processes) == 1 and up.processes[0].returncode is None, "the worker did not survive the broker")
        await up.stop()
        return up.counted.saying(f"away {seconds:.0f} s with {flying} requests on the wire; the same process")


async def clickhouse_away(stage: Stage, exchanges: int, seconds: float, latency_ms: float = 20) -> Counted:
    """ClickHouse is gone, then refuses inserts, then is slow; memory stays flat and everything arrives."""
    async with stage.broken_store() as (proxy, settings), stage.upgrade(clickhouse=settings) as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        scorer = await up.start("score")
        await up.start("replay")
        await up.until(lambda: up.at_least(exchanges // 10), 90, "first comparisons")
        proxy.is_away = True
        await asyncio.sleep(seconds / 3)
        before = resident_mb(scorer)
        await asyncio.sleep(seconds * 2 / 3)
        after = resident_mb(scorer)
        waiting = len(await up.kept()) - await up.compared()
        must(waiting > 0, f"{up.name}: all was in ClickHouse before it went away, so it shows nothing")
        proxy.is_away, proxy.refuses_inserts = False, True
        await asyncio.sleep(seconds / 3)
        proxy.refuses_inserts, proxy.wait_s = False, 0.5
        await asyncio.sleep(seconds / 6)
        proxy.wait_s = 0.0
        must(
            after - before < GROWN_MB, f"the scorer grew from {before:.0f} to {after:.0f} MB while ClickHouse was away"
        )
        await up.settles(180 + exchanges / 20)
        await up.stop()
        return up.counted.saying(
            f"away {seconds:.0f} s with {waiting} trials waiting, refusing {seconds / 3:.0f} s, slow {seconds / 6:.0f} s; scorer {before:.0f} -> {after:.0f} MB"
        )


async def poisonous_row(stage: Stage, exchanges: int) -> Counted:
    """One row that ClickHouse can never take: it alone is dead-lettered."""
    async with stage.upgrade() as up:
        await up.tap(exchanges - 1)
        poison = next(iter(desk.traffic(99, {"triage": 1}, end_ms=int(time.time() * 1000))))
        body = json.loads(poison.value)
        body["response"]["usage"] = {"prompt_tokens": 1, "completion_tokens": 2**63 + 5}
        await up.put([(poison.key, json.dumps(body).encode(), poison.headers, poison.ts_ms)])
        await up.start("replay")
        await up.start("score")
        await up.settles(90 + exchanges / 20, compared=exchanges - 1, replayed=exchanges)
        letters = await dead_letters(up)
        must([letter["role"] for letter in letters] == ["score"], f"dead letters: {letters}")
        must(
            up.place_of["{topic}/{partition}/{offset}".format(**letters[0])] == poison.key.decode(),
            f"not the poison: {letters}",
        )
        await up.stop()
        return up.counted.saying("1 poisonous, dead-lettered alone")


async def dead_letters(up: Upgrade) -> list[dict[str, object]]:
    """The dead letters of an upgrade."""
    async with reader(up.config.kafka) as client:
        read = to_the_end(client, TopicPartition(topics.DEAD_LETTERS, 0), 0)
        found = [json.loads(record.value) async for records in read for record in records]
    return [letter for letter in found if letter["upgrade"] == up.name]
