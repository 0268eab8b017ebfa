"""What the tapped topic may hold and do: strange records, retention, new partitions, two topics, several runs at once."""

import asyncio
import json
import random
import signal
import time

from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete

from benchmarks.chaos.counted import Counted, added, must
from benchmarks.chaos.outages import dead_letters
from benchmarks.chaos.stage import PARTITIONS, Stage
from benchmarks.chaos.upgrades import Upgrade
from streams.embedded import support_desk as desk
from streams.kafka import admin

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CODECS = ("gzip", "lz4", "snappy", "zstd")


async def strange_records(stage: Stage, mutated: int, large_mb: float = 5, share: float = 1.0) -> Counted:
    """Large, empty, unreadable, compressed every way, dated a day off, and mutated: an outcome each.

    `share` of those that can be replayed are asked, the others end as `sampled_out`.
    """
    rng = random.Random(5)
    now = int(time.time() * 1000)
    async with stage.upgrade(sampling={"candidate": share, "rerun": 1.0, "adapt": False}) as up:
        plain = list(desk.traffic(21, {"triage": 40}, end_ms=now))
        large = json.loads(plain[0].value)
        large["request"]["messages"][-1]["content"] += "ä" * int(large_mb * (1 << 19))
        surrogate = plain[1].value.replace(b"Ticket", b"Ti\\ud83dcket")
        await up.put(
            [
                (plain[0].key, json.dumps(large, ensure_ascii=False).encode(), plain[0].headers, now),
                (plain[1].key, surrogate, plain[1].headers, now),
                (b"tombstone", None, (), now),
                (b"empty", b"", (), now),
                (b"utf8", b'{"a": "\xff\xfe"}', (), now),
                (plain[2].key, plain[2].value, plain[2].headers, now - DAY_MS),
                (plain[3].key, plain[3].value, plain[3].headers, now + DAY_MS),
            ]
        )
        for codec, one in zip(CODECS, plain[10:], strict=False):
            await up.put([(one.key, one.value, one.headers, now)], codec=codec)
        await up.put(mutation(rng, rng.choice(plain), now) for _ in range(mutated))
        started = time.monotonic()
        await up.start("replay")
        await up.start("score")
        await up.until(up.whole, 120 + mutated / 50, "whole ledger")
        took = time.monotonic() - started
        ledger = await up.ledger()
        await up.settles(120 + mutated / 50, **ledger)
        must(ledger["replayed"] >= 8 * share and ledger["dead_letter"] >= 3, f"{ledger}")
        letters = {(letter["partition"], letter["offset"]) for letter in await dead_letters(up)}
        must(len(letters) == ledger["dead_letter"], f"{len(letters)} dead letters, the ledger says {ledger}")
        await up.stop()
        return up.counted.saying(f"{mutated} mutated and 11 strange ones in {took:.0f} s: {told(ledger)}")


async def expired(stage: Stage, exchanges: int) -> Counted:
    """Retention overtakes a stopped worker: what is gone is in the ledger."""
    async with stage.upgrade() as up:
        await up.tap(exchanges)
        replay = await up.start("replay")
        await up.asked(2 * exchanges)
        await up.end(replay)
        await up.tap(exchanges, seed=31)
        topic, first = up.config.tap.topics[0], (exchanges // PARTITIONS) * 3 // 2
        ends = {TopicPartition(topic, n): first for n in range(PARTITIONS)}
        async with admin(up.config.kafka) as client:
            await client.delete_records({place: RecordsToDelete(offset) for place, offset in ends.items()})
        gone = sum(ends.values()) - exchanges
        await up.start("replay")
        await up.start("score")
        await up.settles(90 + exchanges / 10, replayed=2 * exchanges - gone, expired=gone)
        await up.stop()
        return up.counted.saying(f"{gone} deleted before they were read: {gone} expired")


async def partitions_gained(stage: Stage, exchanges: int, *, running: bool) -> Counted:
    """The tapped topic gains partitions while a worker runs, or while none does; with start = "latest"."""
    async with stage.upgrade() as up:
        up.changed(tap={**up.fields["tap"], "start": "latest"})
        worker = await up.start("replay")
        await up.start("score")
        await up.until(up.seeded, 60, "start position")
        await up.tap(exchanges)
        await up.asked(2 * exchanges)
        if not running:
            await up.end(worker)
        async with admin(up.config.kafka) as client:
            await client.create_partitions({up.config.tap.topics[0]: NewPartitions(2 * PARTITIONS)})
        await asyncio.sleep(1)
        await up.tap(exchanges, seed=32, partitions=2 * PARTITIONS)
        if not running:
            await up.start("replay")
        await up.settles(180 + exchanges / 10)
        await up.stop()
        return up.counted.saying(
            f"{PARTITIONS} -> {2 * PARTITIONS} partitions, worker {'running' if running else 'stopped'}"
        )


async def two_topics(stage: Stage, exchanges: int, latency_ms: float = 100) -> Counted:
    """Two tapped topics with different partition counts, and a kill: trials of both share partitions."""
    async with stage.upgrade(partitions=(PARTITIONS, PARTITIONS - 1)) as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.tap(exchanges, seed=33, partitions=PARTITIONS - 1, topic=1)
        replay = await up.start("replay", apart=True)
        await up.start("score")
        await up.asked(2 * exchanges)
        await up.signalled(replay, signal.SIGKILL)
        must(bool(up.faults[0]), f"{up.name}: nothing was in flight at the kill, so it shows nothing")
        await up.start("replay")
        await up.settles(90 + exchanges / 10)
        await up.stop()
        return up.counted.saying(f"{PARTITIONS} and {PARTITIONS - 1} partitions, 1 kill")


async def at_once(stage: Stage, exchanges: int, latency_ms: float = 60, *, backfilled: bool = True) -> Counted:
    """A live run from now on, a backfill of what was before (killed once), and a second upgrade, over one topic.

    Without `backfilled`, for a broker whose ends cannot be trusted, the live run begins at the beginning.
    """
    begin = {"start": "latest" if backfilled else "earliest"}
    async with stage.upgrade() as up, stage.over(up.config.tap.topics, f"{up.name}-other") as other:
        up.changed(tap={**up.fields["tap"], **begin})
        up.provider.faults.latency_ms = other.provider.faults.latency_ms = latency_ms
        past = await up.tap(exchanges // 2, ago_ms=2 * HOUR_MS)
        await up.start("replay")
        await up.start("score")
        await up.until(up.seeded, 60, "start position")
        await other.start()
        await up.tap(exchanges // 2, seed=35)
        await other.asked(exchanges // 8)  # so that a backfill that took the other's trials for its own would skip some
        other.place_of, other.owed = up.place_of, up.owed
        note = "2 upgrades"
        if backfilled:
            note += "; " + await _backfilled(up, past)
        for one in (up, other):
            await one.settles(120 + exchanges / 10)
            answered = {request for request, _ in one.provider.calls.asked}
            must(answered == set(up.place_of.values()), f"{one.name}: {len(answered)} exchanges were asked")
        both = f"upgrade IN ('{up.name}', '{other.name}')"
        shared = await up.number(
            f"SELECT count() FROM (SELECT trial_id FROM comparisons WHERE {both} GROUP BY trial_id HAVING count() > 1)"
        )
        must(shared == 0, f"{shared} trials are in both upgrades")
        for one in (up, other):
            await one.stop()
        return added((up.counted, other.counted), note)


async def _backfilled(up: Upgrade, past: set[str]) -> str:
    """Backfill the past: killed midway, repeated, and once more, when there is nothing left to pay."""
    begin = "2000-01-01T00:00"
    asked = len(up.provider.calls)
    first = await up.ran("backfill", "--from", begin)

    def is_midway() -> bool:  # in the third of four partitions, so that trials are durable that no ledger counts
        return sum(request in past for request, _ in up.provider.calls.asked) > len(past) * 5 // 8

    await up.until(is_midway, 60, f"backfill midway ({asked} requests before it)")
    await up.signalled(first, signal.SIGKILL, among=past)
    must(bool(up.faults[-1]), f"{up.name}: nothing was in flight as the backfill was killed, so it shows nothing")
    for _ in range(2):
        again = await up.ran("backfill", "--from", begin)
        code = await asyncio.wait_for(again.wait(), 120)
        must(code == 0, f"{up.name}: backfill ended with {code}; {up.said()}")
    said = max(up.folder.glob(f"{up.name}-*-backfill.log")).read_text()
    must("; 0 requests" in said, f"{up.name}: the third backfill says {said}")
    return f"live, backfill of {len(past)} (killed once, repeated twice)"


def mutation(rng: random.Random, exchange: desk.TappedExchange, now: int) -> tuple[bytes, bytes, tuple[()], int]:
    """A record with some bytes changed, cut out or doubled."""
    identity = f"m{rng.getrandbits(64):x}".encode()
    value = bytearray(exchange.value.replace(exchange.key, identity))
    for _ in range(rng.randrange(1, 4)):
        at, width = rng.randrange(len(value)), rng.randrange(1, 20)
        match rng.randrange(4):
            case 0:
                value[at] = rng.randrange(256)
            case 1:
                del value[at : at + width]
            case 2:
                value[at:at] = value[at : at + width]
            case _:
                value[at:at] = rng.choice((b'"', b"{", b"]", b"null", b"\\u0000", b"1e999", b"[[[["))
        value = value or bytearray(b"x")
    return identity, bytes(value), (), now


def told(ledger: dict[str, int]) -> str:
    """Outcomes in a few words."""
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(ledger.items(), key=lambda one: -one[1]))
