"""How fast a replay worker is, and what it takes: `python -m benchmarks.throughput [speed|in_flight|memory|scoring]`.

speed      tap → trial against a bare aiokafka + aiohttp loop with the same delivery guarantee and concurrency, both
           asking the same instant provider of their own process on Apache Kafka, in turns
in_flight  1,000 replays in flight: cores and memory
memory     resident memory over 200,000 exchanges: the second half must not grow
scoring    resident memory of a scoring worker with the embedding model
"""

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import NewTopic

from benchmarks.chaos.processes import resident_mb
from benchmarks.chaos.stage import PARTITIONS, Stage, stage
from benchmarks.chaos.upgrades import Upgrade
from streams.embedded import support_desk as desk
from streams.embedded.broker import free_port
from streams.kafka import admin, producer

CONCURRENCY = 64
BODY = orjson.dumps(
    {
        "id": "c", "object": "chat.completion", "created": 0, "model": desk.VERSION_B,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "shipping"}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102},
    }
)  # fmt: skip
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Provider(asyncio.Protocol):
    """Answers every POST with the same bytes after `wait_s`: as little work as HTTP allows."""

    wait_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            if self.wait_s:
                asyncio.get_running_loop().call_later(self.wait_s, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve(port: int, wait_s: float) -> None:
    Provider.wait_s = wait_s
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


async def bare(bootstrap: str, topic: str, out: str, url: str, count: int) -> None:
    """The least that can be called the same: bounded, in-order commits, each answer durable before its offset is."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=f"bare-{time.time_ns()}", enable_auto_commit=False,
        auto_offset_reset="earliest", max_partition_fetch_bytes=16 << 20,
    )  # fmt: skip
    sink = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, compression_type="lz4")
    await consumer.start()
    await sink.start()
    slots, done = asyncio.Semaphore(CONCURRENCY), asyncio.Event()
    lanes: defaultdict[TopicPartition, deque[int]] = defaultdict(deque)
    finished: defaultdict[TopicPartition, set[int]] = defaultdict(set)
    marks: dict[TopicPartition, int] = {}
    seen, began = 0, 0.0

    async def work(session: aiohttp.ClientSession, place: TopicPartition, record: object) -> None:
        nonlocal seen, began
        exchange = orjson.loads(record.value)
        body = {**exchange["request"], "model": desk.VERSION_B}
        async with session.post(f"{url}/chat/completions", data=orjson.dumps(body)) as response:
            answer = orjson.loads(await response.read())
        trial = orjson.dumps({"exchange": exchange, "answer": answer})
        await sink.send_and_wait(out, trial, key=record.key, partition=record.partition)
        finished[place].add(record.offset)
        while lanes[place] and lanes[place][0] in finished[place]:
            finished[place].discard(marked := lanes[place].popleft())
            marks[place] = marked + 1
        slots.release()
        seen += 1
        began = began or time.perf_counter()
        if seen == count:
            done.set()

    async def commits() -> None:
        while True:
            await asyncio.sleep(1)
            moved = {place: OffsetAndMetadata(mark, "") for place, mark in marks.items()}
            marks.clear()
            if moved:
                await consumer.commit(moved)

    tasks = {asyncio.ensure_future(commits())}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        while not done.is_set():
            for place, records in (await consumer.getmany(timeout_ms=200, max_records=256)).items():
                for record in records:
                    await slots.acquire()
                    lanes[place].append(record.offset)
                    task = asyncio.ensure_future(work(session, place, record))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        print((count - 1) / (time.perf_counter() - began), time.process_time(), flush=True)
    os._exit(0)


@asynccontextmanager
async def instant_provider(wait_s: float = 0.0) -> AsyncIterator[str]:
    """The provider in a process of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.throughput", "serve", str(port), str(wait_s)
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def replaying(
    on: Stage, url: str, exchanges: int, in_flight: int, in_work: int | None = None
) -> AsyncIterator[tuple[Upgrade, str]]:
    """An upgrade with so many exchanges tapped and no reruns, and the address of its (not yet started) worker."""
    async with on.upgrade(sampling={"candidate": 1.0, "rerun": 0.0}) as up:
        up.changed(
            providers={"sim": {"base_url": url, "max_in_flight": in_flight}},
            worker={"session_s": 30, "replays_in_work": in_work or in_flight},
        )
        await fill(up, exchanges)
        yield up, f"127.0.0.1:{free_port()}"


async def fill(up: Upgrade, exchanges: int) -> None:
    """Tap exchanges without keeping anything of them here."""
    some = list(desk.traffic(8, {"triage": 2000}, end_ms=int(time.time() * 1000)))
    async with producer(up.config.kafka) as sink:
        for number in range(exchanges):
            one = some[number % len(some)]
            value = one.value.replace(one.key, b"x%d" % number)
            await sink.send(up.config.tap.topics[0], value, partition=number % PARTITIONS, headers=list(one.headers))
        await sink.flush()


def metric(address: str, name: str) -> float:
    """The sum of a metric's samples, 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            lines: Iterable[str] = answer.read().decode().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


async def replayed(address: str) -> float:
    return await asyncio.to_thread(metric, address, "shadowtap_outcomes_total")


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def speed(on: Stage, exchanges: int = 24_000, rounds: int = 3) -> None:
    """Exchanges per second and processor time per exchange, ours and bare in turns."""
    ratios, lines = [], []
    async with instant_provider() as url:
        for _ in range(rounds):
            async with replaying(on, url, exchanges, CONCURRENCY) as (up, address):
                process = await up.start("replay", listen=address)
                looks = [look async for look in _looks(process, address, exchanges)]
                (began, used, first), (ended, used_then, last) = looks[0], looks[-1]
                ours, ours_us = (last - first) / (ended - began), (used_then - used) / (last - first) * 1e6
                await up.stop()
                out_topic = up.config.tap.topics[0] + "-out"
                async with admin(up.config.kafka) as client:
                    await client.create_topics([NewTopic(out_topic, PARTITIONS, 1)])
                out = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "benchmarks.throughput", "bare", on.bootstrap, up.config.tap.topics[0],
                    out_topic, url, str(exchanges), stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                said = (await out.communicate())[0].split()
                lines.append(
                    f"ours {ours:.0f}/s, {ours_us:.0f} us; bare {float(said[0]):.0f}/s, {float(said[1]) / exchanges * 1e6:.0f} us"
                )
                ratios.append(ours / float(said[0]))
                print(f"  {lines[-1]}: ratio {ratios[-1]:.2f}", flush=True)
    print(
        f"tap to trial, {CONCURRENCY} in flight: median ratio to the bare loop {statistics.median(ratios):.2f} (wanted 0.5)"
    )


async def _looks(
    process: asyncio.subprocess.Process, address: str, exchanges: int
) -> AsyncIterator[tuple[float, float, float]]:
    """Time, processor time and exchanges replayed, from the first exchange on until just before the last."""
    while (now := await replayed(address)) < exchanges:
        if now:
            yield time.perf_counter(), cpu_s(process.pid), now
        await asyncio.sleep(0.2)


async def in_flight(on: Stage, wait_s: float = 5.0, seconds: float = 20.0) -> None:
    """1,000 replays in flight in one worker: cores and memory."""
    # A quarter more in work than on the wire: the next is ready when an answer has come.
    async with instant_provider(wait_s) as url, replaying(on, url, 12_000, 1000, 1250) as (up, address):
        process = await up.start("replay", listen=address)
        while await asyncio.to_thread(metric, address, "shadowtap_provider_in_flight_requests") < 950:
            await asyncio.sleep(0.2)
        began, used, before = time.perf_counter(), cpu_s(process.pid), await replayed(address)
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        cores, rate = (cpu_s(process.pid) - used) / took, (await replayed(address) - before) / took
        now = await asyncio.to_thread(metric, address, "shadowtap_provider_in_flight_requests")
        print(
            f"{now:.0f} in flight, {rate:.0f}/s: {cores:.2f} cores (wanted < 1), {resident_mb(process):.0f} MB (wanted < 600)"
        )


async def memory(on: Stage, exchanges: int = 200_000) -> None:
    """Resident memory of a replay worker, at every tenth of the way."""
    async with instant_provider() as url, replaying(on, url, exchanges, CONCURRENCY) as (up, address):
        process = await up.start("replay", listen=address)
        seen = []
        for tenth in range(1, 11):
            while await replayed(address) < exchanges * tenth / 10:
                await asyncio.sleep(0.5)
            seen.append(resident_mb(process))
            print(f"  {exchanges * tenth // 10} exchanges: {seen[-1]:.0f} MB", flush=True)
        print(
            f"replay worker: {seen[4]:.0f} MB at half, {seen[9]:.0f} MB at the end, {max(seen):.0f} MB at most (wanted < 300, no growth)"
        )


async def scoring(on: Stage, exchanges: int = 3000) -> None:
    """Resident memory of a scoring worker with the embedding model."""
    async with instant_provider() as url, replaying(on, url, exchanges, CONCURRENCY) as (up, address):
        up.changed(dimensions={})
        replay = await up.start("replay", listen=address)
        scorer = await up.start("score")
        most, began = 0.0, time.perf_counter()
        while (compared := await up.compared()) < exchanges and time.perf_counter() - began < 400:
            most = max(most, resident_mb(scorer))
            await asyncio.sleep(0.5)
        print(
            f"scoring worker, {compared} compared: {most:.0f} MB at most (wanted < 1500); replay worker {resident_mb(replay):.0f} MB"
        )


async def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as on:
            for name in names or ["speed", "in_flight", "scoring", "memory"]:
                await globals()[name](on)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or [""]
    if command == "serve":
        asyncio.run(serve(int(arguments[0]), float(arguments[1])))
    elif command == "bare":
        asyncio.run(bare(*arguments[:4], int(arguments[4])))
    else:
        asyncio.run(main([command, *arguments] if command else []))
