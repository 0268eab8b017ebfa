"""The table of faults: a function per row, sizes as arguments, so that the short form is the same code.

Each returns one line of what was counted; `RowError` says which count was wrong. What every row checks at its end
stands in `stage.py`, `Upgrade.check`: nothing lost, nothing double, the ledger adds up, nothing paid twice.
"""

import asyncio
import json
import random
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete

from benchmarks.chaos.stage import PARTITIONS, SESSION_S, Process, Stage, Upgrade, must
from schemas import topics
from schemas.exchanges import Source
from schemas.settings import Tap
from streams.embedded import support_desk as desk
from streams.embedded.broker import free_port
from streams.kafka import admin, reader
from streams.tap.decode import Undecodable, decode

DAY_MS = 86_400_000


async def killed(stage: Stage, exchanges: int, kills: int, *roles: str, seed: int = 11, latency_ms: float = 40) -> str:
    """Workers killed with SIGKILL at random, one after the other; a process per role."""
    rng = random.Random(seed)
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        processes = [await up.start(role, apart=True) for role in roles]
        step = 2 * exchanges // (kills + 1)
        for kill in range(kills):
            await up.asked(min(kill * step + rng.randrange(step // 2, step), 2 * exchanges - 40))
            victim = rng.randrange(len(roles))
            await up.signalled(processes[victim], signal.SIGKILL)
            processes[victim] = await up.start(roles[victim], apart=True)
        await up.settles(120 + exchanges / 20)
        await up.stop()
        return f"{kills} kills of {'/'.join(roles)}: {exchanges} compared; in flight at the kills {up.in_flight()}, asked again {up.check_paid()} arms"


async def one_role_killed(stage: Stage, role: str, exchanges: int, kills: int, pause_s: float) -> str:
    """One role killed again and again while the others run."""
    rng = random.Random(12)
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = 40
        await up.tap(exchanges)
        for other in {"replay", "score", "judge"} - {role}:
            await up.start(other)
        victim = await up.start(role, apart=True)
        for _ in range(kills):
            await asyncio.sleep(pause_s + rng.random() * pause_s)
            await up.signalled(victim, signal.SIGKILL)
            victim = await up.start(role, apart=True)
        await up.settles(120 + exchanges / 20)
        await up.stop()
        return f"{kills} kills of {role}: {exchanges} compared; in flight at the kills {up.in_flight()}, asked again {up.check_paid()} arms"


async def rebalanced(stage: Stage, exchanges: int, latency_ms: float = 100) -> str:
    """One worker, two, three, then one: partitions move under load and nothing is asked twice."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.start("score")
        running = [await up.start("replay")]
        for share in (1, 3):
            await up.asked(2 * exchanges * share // 8)
            running.append(await up.start("replay"))
        for share, leaver in ((5, running[0]), (6, running[2])):
            await up.asked(2 * exchanges * share // 8)
            await up.end(leaver)
        await up.settles(120 + exchanges / 20)
        await up.stop()
        return f"1, 2, 3, 2, 1 workers: {exchanges} compared, asked again {up.check_paid()} arms"


async def slept(stage: Stage, exchanges: int, times: int = 1, latency_ms: float = 60) -> str:
    """A worker stopped by SIGSTOP beyond its session, another takes over, and it wakes."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.start("score")
        sleeper = await up.start("replay", apart=True)
        await up.start("replay")
        for time_number in range(times):
            await up.asked(2 * exchanges * (time_number + 1) // (times + 2))
            await up.signalled(sleeper, signal.SIGSTOP)
            await asyncio.sleep(SESSION_S + 4)
            await up.signalled(sleeper, signal.SIGCONT)
        await up.settles(120 + exchanges / 20)
        await up.stop()
        return f"{times} sleeps beyond the session: {exchanges} compared; in flight {up.in_flight()}, asked again {up.check_paid()} arms"


async def broker_stopped(
    stage: Stage, exchanges: int, seconds: float, number: int = signal.SIGTERM, latency_ms: float = 60
) -> str:
    """The broker is gone for a while; the same processes go on."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.start()
        await up.asked(exchanges // 2)
        await asyncio.to_thread(stage.broker.stop, number)
        await asyncio.sleep(seconds)
        await stage.broker.start()
        await up.settles(180 + exchanges / 20)
        must(len(up.processes) == 1 and up.processes[0].returncode is None, "the worker did not survive the broker")
        await up.stop()
        return f"broker away {seconds:.0f} s: {exchanges} compared, asked again {up.check_paid()} arms"


async def clickhouse_away(stage: Stage, exchanges: int, seconds: float) -> str:
    """ClickHouse is gone, then refuses inserts, then is slow; memory stays flat and everything arrives."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = 20
        await up.tap(exchanges)
        scorer = await up.start("score")
        await up.start("replay")
        await up.until(lambda: up.at_least(exchanges // 10), 90, "first comparisons")
        stage.proxy.is_away = True
        try:
            await asyncio.sleep(seconds / 3)
            before = resident_mb(scorer)
            await asyncio.sleep(seconds * 2 / 3)
            after = resident_mb(scorer)
            stage.proxy.is_away, stage.proxy.refuses_inserts = False, True
            await asyncio.sleep(seconds / 3)
            stage.proxy.refuses_inserts, stage.proxy.wait_s = False, 0.5
            await asyncio.sleep(seconds / 6)
        finally:
            stage.proxy.is_away = stage.proxy.refuses_inserts = False
            stage.proxy.wait_s = 0.0
        must(after - before < 40, f"the scorer grew from {before:.0f} to {after:.0f} MB while ClickHouse was away")
        await up.settles(180 + exchanges / 20)
        await up.stop()
        return f"ClickHouse away {seconds:.0f} s, refusing {seconds / 3:.0f} s, slow {seconds / 6:.0f} s: {exchanges} compared, scorer {before:.0f} -> {after:.0f} MB"


async def poisonous_row(stage: Stage, exchanges: int) -> str:
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
        return f"1 poisonous of {exchanges}: {exchanges - 1} compared, that one dead-lettered"


async def strange_records(stage: Stage, mutated: int, large_mb: float = 5) -> str:
    """Large, empty, unreadable, compressed every way, dated a day off, and mutated: an outcome each."""
    rng = random.Random(5)
    now = int(time.time() * 1000)
    async with stage.upgrade() as up:
        plain = list(desk.traffic(21, {"triage": 40}, end_ms=now))
        large = json.loads(plain[0].value)
        large["request"]["messages"][-1]["content"] += "ä" * int(large_mb * (1 << 19))
        surrogate = plain[1].value.replace(b"Ticket", b"Ti\\ud83dcket")
        records = [
            (plain[0].key, json.dumps(large, ensure_ascii=False).encode(), plain[0].headers, now),
            (plain[1].key, surrogate, plain[1].headers, now),
            (b"tombstone", None, (), now),
            (b"empty", b"", (), now),
            (b"utf8", b'{"a": "\xff\xfe"}', (), now),
            (plain[2].key, plain[2].value, plain[2].headers, now - DAY_MS),
            (plain[3].key, plain[3].value, plain[3].headers, now + DAY_MS),
            *(mutation(rng, one, now) for one in [rng.choice(plain) for _ in range(mutated)]),
        ]
        await up.put(records)
        for codec, one in zip(("gzip", "lz4", "snappy", "zstd"), plain[10:], strict=False):
            await up.put([(one.key, one.value, one.headers, now)], codec=codec)
        await up.start("replay")
        await up.start("score")
        await up.until(up.whole, 120 + mutated / 50, "whole ledger")
        ledger = await up.ledger()
        await up.settles(120 + mutated / 50, **ledger)
        must(ledger["replayed"] >= 8 and ledger["dead_letter"] >= 3, f"{ledger}")
        must(len(await dead_letters(up)) == ledger["dead_letter"], "dead letters and ledger differ")
        await up.stop()
        return f"{up.owed} strange records: {ledger}"


async def expired(stage: Stage, exchanges: int) -> str:
    """Retention overtakes a stopped worker, and one that sleeps: what is gone is in the ledger."""
    async with stage.upgrade() as up:
        await up.tap(exchanges)
        replay = await up.start("replay")
        await up.asked(2 * exchanges)
        await up.end(replay)
        await up.tap(exchanges, seed=31)
        ends = {
            TopicPartition(up.config.tap.topics[0], n): (exchanges // PARTITIONS) * 3 // 2 for n in range(PARTITIONS)
        }
        async with admin(up.config.kafka) as client:
            await client.delete_records({place: RecordsToDelete(offset) for place, offset in ends.items()})
        gone = sum(ends.values()) - exchanges
        await up.start("replay")
        await up.start("score")
        await up.settles(90 + exchanges / 10, replayed=2 * exchanges - gone, expired=gone)
        await up.stop()
        return (
            f"{gone} of {2 * exchanges} deleted before they were read: expired {gone}, {2 * exchanges - gone} compared"
        )


async def partitions_gained(stage: Stage, exchanges: int, *, running: bool) -> str:
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
        return f"{PARTITIONS} -> {2 * PARTITIONS} partitions, {'running' if running else 'stopped'}: {up.owed} compared, asked again {up.check_paid()} arms"


async def two_topics(stage: Stage, exchanges: int, latency_ms: float = 40) -> str:
    """Two tapped topics with different partition counts, and a kill: trials of both share partitions."""
    async with stage.upgrade(partitions=(PARTITIONS, PARTITIONS - 1)) as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.tap(exchanges, seed=33, partitions=PARTITIONS - 1, topic=1)
        replay = await up.start("replay", apart=True)
        await up.start("score")
        await up.asked(2 * exchanges)
        await up.signalled(replay, signal.SIGKILL)
        await up.start("replay")
        await up.settles(90 + exchanges / 10)
        await up.stop()
        return f"{PARTITIONS} and {PARTITIONS - 1} partitions, 1 kill: {up.owed} compared, in flight {up.in_flight()}, asked again {up.check_paid()} arms"


async def two_upgrades(stage: Stage, exchanges: int) -> str:
    """Two upgrades over the same topic at once: each its own trials, none confused."""
    async with stage.upgrade() as up, stage.over(up.config.tap.topics, f"{up.name}-other") as other:
        await up.tap(exchanges)
        other.place_of, other.owed = up.place_of, up.owed
        for one in (up, other):
            await one.start()
        for one in (up, other):
            await one.settles(120 + exchanges / 10)
            await one.stop()
        return f"2 upgrades over {exchanges}: {exchanges} compared each, asked again {up.check_paid() + other.check_paid()} arms"


async def terminated(stage: Stage, in_flight: int, latency_ms: float = 6000) -> str:
    """SIGTERM with many replays in flight: drained, committed, exit 0; the next worker asks only what was not asked."""
    async with stage.upgrade(providers={"sim": {"base_url": "$URL", "max_in_flight": 2 * in_flight}}) as up:
        up.provider.faults.latency_ms, up.provider.faults.latency_sigma = latency_ms, 0.1
        await up.tap(4 * in_flight)
        worker = await up.start("replay")
        await up.until(
            lambda: up.provider.calls.in_flight >= 2 * in_flight, 60, f"{2 * in_flight} requests on the wire"
        )
        on_wire, started = up.provider.calls.in_flight, time.monotonic()
        await up.end(worker)
        took = time.monotonic() - started
        must(took < 12, f"draining took {took:.1f} s")
        kept, asked = await up.kept(), {request for request, _ in up.provider.calls.asked}
        must(kept == asked, f"{len(asked - kept)} were asked and have no trial")
        committed = await up.committed()
        up.provider.faults.latency_ms = 5
        await up.start("replay")
        await up.start("score")
        await up.settles(120 + in_flight / 5)
        await up.stop()
        return f"SIGTERM with {on_wire} requests on the wire: exit 0 after {took:.1f} s, {len(kept)} trials kept, {committed} committed, asked again {up.check_paid()} arms"


async def unhealthy(stage: Stage, fault: str, within_s: float = 60.0) -> str:
    """A worker whose event loop is stuck, or whose consumer has silently stopped, says so on /healthz."""
    async with stage.upgrade() as up:
        await up.tap(40)
        port = free_port()
        with (stage.folder / f"{up.name}-{fault}.log").open("wb") as log:
            broken = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.chaos.broken_worker", str(up.path), str(port), fault, stdout=log, stderr=log
            )  # fmt: skip
        up.processes.append(broken)
        await up.asked(20)
        health = f"http://127.0.0.1:{port}/healthz"
        must((await asyncio.to_thread(get, health))[0] == 200, "not healthy at first")
        await asyncio.sleep(3)
        await up.tap(40, seed=34)
        started = time.monotonic()
        while (said := await asyncio.to_thread(get, health))[0] == 200:
            must(time.monotonic() - started < within_s, f"{fault}: still healthy after {within_s} s")
            await asyncio.sleep(0.5)
        took = time.monotonic() - started
        ready = await asyncio.to_thread(get, health.replace("healthz", "readyz"))
        must(ready[0] == 503 and bool(json.loads(ready[1])["why"]), f"ready says {ready}")
        broken.kill()
        return f"{fault}: /healthz fails after {took:.0f} s: {json.loads(said[1])['why']}"


def get(url: str) -> tuple[int, str]:
    """Status and body, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


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


def resident_mb(process: Process) -> float:
    """Resident memory of a process."""
    fields = Path(f"/proc/{process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6


async def dead_letters(up: Upgrade) -> list[dict[str, object]]:
    """The dead letters of an upgrade."""
    async with reader(up.config.kafka) as client:
        place = TopicPartition(topics.DEAD_LETTERS, 0)
        client.assign([place])
        await client.seek_to_beginning(place)
        found = []
        while batches := await client.getmany(timeout_ms=500):
            found += [json.loads(record.value) for records in batches.values() for record in records]
    return [letter for letter in found if letter["upgrade"] == up.name]


async def mutated_values(count: int) -> str:
    """Mutated records through decoding alone: exchanges or `Undecodable`, never anything else."""
    rng = random.Random(6)
    tap = Tap(topics=("t",))
    plain = list(desk.traffic(22, {"triage": 200}, end_ms=int(time.time() * 1000)))
    ends: Counter[str] = Counter()
    for number in range(count):
        _, value, headers, ts_ms = mutation(rng, rng.choice(plain), 0)
        try:
            exchanges = decode(value, headers, ts_ms, Source("default", "t", 0, number), tap)
        except Undecodable as unreadable:
            ends[unreadable.reason] += 1
        else:
            ends["exchange"] += len(exchanges)
    must(sum(ends.values()) >= count, f"{ends}")
    return f"{count} mutated values decoded: {dict(ends.most_common())}"
