"""The parts that faults are tried on: a broker, a store behind a proxy, and upgrades with workers that are processes."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from benchmarks.chaos.proxy import Proxy, clickhouse_proxy
from schemas import topics
from schemas.config import Config, config_from
from schemas.topics import ROLES, consumer_group
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse
from streams.embedded.provider import SimulatedProvider, simulated_provider
from streams.kafka import admin, create_topics, producer, reader
from streams.store import Store
from streams.worker import run, worker
from tests.kafka.broker import Broker, kafka_broker

PARTITIONS = 4
SESSION_S = 6
PASSWORD = "CHAOS_CLICKHOUSE_PASSWORD"


class RowError(AssertionError):
    """A fault did harm; the message says which count is wrong."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise RowError(what)


@dataclass
class Stage:
    """Parts that rows share. `broker` is None where it is the embedded one, which cannot be stopped and started."""

    folder: Path
    bootstrap: str
    broker: Broker | None
    proxy: Proxy
    store: Store  # past the proxy
    user: str
    in_process: bool = False
    count: int = 0

    @asynccontextmanager
    async def upgrade(self, partitions: Sequence[int] = (PARTITIONS,), **changes: Any) -> AsyncIterator["Upgrade"]:
        """A new upgrade over a new tapped topic (or several, with these partition counts), all exchanges asked twice."""
        self.count += 1
        name = f"u{self.count}"
        tapped = [f"tap-{name}-{number}" for number in range(len(partitions))]
        async with admin(config_from(self._fields(name, tapped, "http://127.0.0.1:1/v1", {})).kafka) as client:
            await client.create_topics(
                [
                    NewTopic(
                        topic,
                        count,
                        1,
                        topic_configs={
                            "max.message.bytes": str(16 << 20),
                            "message.timestamp.after.max.ms": str(10**12),
                        },
                    )
                    for topic, count in zip(tapped, partitions, strict=True)
                ]
            )
        async with self.over(tapped, name, **changes) as made:
            yield made

    @asynccontextmanager
    async def over(self, tapped: Sequence[str], name: str, **changes: Any) -> AsyncIterator["Upgrade"]:
        """An upgrade over topics that are there."""
        async with simulated_provider(desk.desk_models(8, {})) as provider:
            fields = self._fields(name, tapped, provider.base_url, changes)
            for settings in fields["providers"].values():
                settings["base_url"] = provider.base_url
            made = Upgrade(self, fields, provider).changed()
            try:
                yield made
            finally:
                for process in made.processes:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()

    def _fields(self, name: str, tapped: Sequence[str], base_url: str, changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "upgrade": {"name": name, "current": desk.CURRENT, "pinned": True},
            "candidates": [{"name": "b", "pin": desk.CANDIDATE, "pinned": True}],
            "tap": {"topics": list(tapped), "match": [desk.VERSION_A], "start": "earliest"},
            "kafka": {"bootstrap": self.bootstrap},
            "sampling": {"candidate": 1.0, "rerun": 1.0, "adapt": False},
            "providers": {"sim": {"base_url": base_url, "max_in_flight": 32}},
            "clickhouse": {"url": self.proxy.url, "user": self.user, "password_env": PASSWORD, "store_text": "full"},
            "dimensions": {"embedding_distance": {"model": "hashing"}},
            "worker": {"session_s": SESSION_S, "wait_s": 120},
            **changes,
        }


@asynccontextmanager
async def stage(folder: Path, *, embedded: bool = False, in_process: bool = False) -> AsyncIterator[Stage]:
    """Start everything that rows share."""
    async with AsyncExitStack() as stack:
        broker = None if embedded else await stack.enter_async_context(kafka_broker())
        bootstrap = broker.bootstrap if broker else await stack.enter_async_context(embedded_broker())
        server = await stack.enter_async_context(embedded_clickhouse(folder / "store"))
        os.environ[PASSWORD] = server.password
        proxy = await stack.enter_async_context(clickhouse_proxy(server.url))
        store = await stack.enter_async_context(Store.open(server.url, user=server.user, password=server.password))
        await store.migrate()
        made = Stage(folder, bootstrap, broker, proxy, store, server.user, in_process)
        await create_topics(config_from(made._fields("u", ["t"], "http://127.0.0.1:1/v1", {})).kafka, PARTITIONS)
        yield made


class TaskWorker:
    """A worker in this process that is handled like a process."""

    def __init__(self, config: Config, role: str) -> None:
        self._stop = asyncio.Event()
        self._work = asyncio.ensure_future(self._run(config, ROLES if role == "all" else (role,)))

    @property
    def pid(self) -> int:
        return os.getpid()

    @property
    def returncode(self) -> int | None:
        return self._work.result() if self._work.done() else None

    def terminate(self) -> None:
        self._stop.set()

    def kill(self) -> None:
        self._stop.set()

    async def wait(self) -> int:
        return await self._work

    async def _run(self, config: Config, roles: Sequence[str]) -> int:
        async with worker(config, roles) as made:
            return await run(made.roles, self._stop)


Process = asyncio.subprocess.Process | TaskWorker


@dataclass
class Upgrade:
    """One upgrade on the stage, its workers, and what was in flight when something was done to them."""

    stage: Stage
    fields: dict[str, Any]
    provider: SimulatedProvider
    processes: list[Process] = field(default_factory=list)
    faults: list[set[str]] = field(default_factory=list)  # requests asked and not yet in the trials topic, per fault
    place_of: dict[str, str] = field(default_factory=dict)  # topic/partition/offset to request id
    owed: int = 0
    _kept: set[str] = field(default_factory=set)
    _read_to: dict[TopicPartition, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.fields["upgrade"]["name"])

    @property
    def config(self) -> Config:
        return config_from(self.fields)

    @property
    def path(self) -> Path:
        return self.stage.folder / f"{self.name}.toml"

    def changed(self, **tables: Any) -> "Upgrade":
        """With other settings, also in its file."""
        self.fields.update(tables)
        self.path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in self.fields.items()))
        return self

    async def tap(self, exchanges: int, seed: int = 8, partitions: int = PARTITIONS, topic: int = 0) -> None:
        """Put so many exchanges on a tapped topic."""
        traffic = desk.traffic(seed, {"triage": exchanges}, end_ms=int(time.time() * 1000))
        await self.put([(e.key, e.value, e.headers, e.ts_ms) for e in traffic], partitions, topic)

    async def put(
        self, records: Iterable[tuple[Any, ...]], partitions: int = PARTITIONS, topic: int = 0, codec: str | None = None
    ) -> None:
        """Put records (key, value, headers, ts_ms) on a tapped topic, spread over its partitions."""
        name = self.config.tap.topics[topic]
        async with producer(self.config.kafka, codec) as sink:
            sends = [
                (key, await sink.send(name, value, key=key, partition=n % partitions, timestamp_ms=ts_ms, headers=list(headers)))
                for n, (key, value, headers, ts_ms) in enumerate(records)
            ]  # fmt: skip
            for key, sent in sends:
                at = await sent
                self.place_of[f"{name}/{at.partition}/{at.offset}"] = (key or b"").decode()
                self.owed += 1

    async def start(self, role: str = "all", *, apart: bool = False, listen: str = "") -> "Process":
        """Start a worker: a process, or a task of this one where that will do (`apart`: it will not)."""
        process: Process
        if self.stage.in_process and not apart:
            process = TaskWorker(self.config, role)
        else:
            program = str(Path(sys.executable).with_name("shadowtap"))
            with (self.stage.folder / f"{self.name}-{len(self.processes)}-{role}.log").open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    program, "worker", "--config", str(self.path), "--role", role,
                    "--listen", listen, "--log-level", "WARNING", stdout=log, stderr=log,
                )  # fmt: skip
        self.processes.append(process)
        return process

    async def end(self, process: Process) -> None:
        """SIGTERM, and exit code 0."""
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 30)
        must(code == 0, f"{self.name}: exit code {code}; {self.said()}")

    def in_flight(self) -> list[int]:
        """How many requests were asked and not yet kept at each fault."""
        return [len(requests) for requests in self.faults]

    async def committed(self) -> int:
        """Tapped records before the committed positions."""
        places = {TopicPartition(topic, int(number)) for topic, number, _ in (p.rsplit("/", 2) for p in self.place_of)}
        async with reader(self.config.kafka, consumer_group(self.name, "replay")) as client:
            client.assign(list(places))
            return sum([await client.committed(place) or 0 for place in places])

    async def seeded(self) -> bool:
        """Whether start positions are committed."""
        place = TopicPartition(self.config.tap.topics[0], 0)
        async with reader(self.config.kafka, consumer_group(self.name, "replay")) as client:
            client.assign([place])
            return await client.committed(place) is not None

    async def at_least(self, compared: int) -> bool:
        return await self.compared() >= compared

    async def whole(self) -> bool:
        return sum((await self.ledger()).values()) >= self.owed

    async def asked(self, at_least: int, within_s: float = 150.0) -> None:
        """Wait until the provider was asked so often."""
        await self.until(lambda: len(self.provider.calls) >= at_least, within_s, f"{at_least} requests")

    async def until(self, holds: Any, within_s: float, what: str) -> None:
        """Wait until something holds (a function, or one that is awaited)."""
        deadline = time.monotonic() + within_s
        while True:
            held = holds()
            if await held if asyncio.iscoroutine(held) else held:
                return
            must(time.monotonic() < deadline, f"{self.name}: no {what} within {within_s:.0f} s; {await self.state()}")
            for process in self.processes:
                must(
                    process.returncode in {None, 0, -9},
                    f"{self.name}: a worker ended with {process.returncode}; {self.said()}",
                )
            await asyncio.sleep(0.1)

    async def signalled(self, process: Process, number: int) -> None:
        """Send a worker a signal, and note what was in flight."""
        process.send_signal(number)
        if number == signal.SIGKILL:
            await process.wait()
        await asyncio.sleep(0.3)  # requests on the wire still arrive
        kept = await self.kept()
        self.faults.append({request for request, _ in self.provider.calls.asked} - kept)

    async def kept(self) -> set[str]:
        """Request ids whose trial is in the topic."""
        async with reader(self.config.kafka) as client:
            places = [TopicPartition(topics.TRIALS, number) for number in range(PARTITIONS)]
            client.assign(places)
            ends = await client.end_offsets(places)
            for place in places:
                client.seek(place, self._read_to.get(place, 0))
            while any([await client.position(place) < ends[place] for place in places]):
                for place, records in (await client.getmany(timeout_ms=300)).items():
                    self._read_to[place] = records[-1].offset + 1
                    self._kept |= {self._request(dict(record.headers)) for record in records} - {None}
        return self._kept

    def _request(self, headers: Mapping[str, bytes]) -> str | None:
        """The request id of a trial of this upgrade."""
        if headers[topics.UPGRADE_HEADER] != self.name.encode() or headers[topics.KIND_HEADER] != b"trial":
            return None
        return self.place_of[headers[topics.SOURCE_HEADER].decode().rpartition("/")[0]]

    async def number(self, sql: str) -> int:
        """One number from ClickHouse, of this upgrade."""
        return int((await self.stage.store.query(sql.replace("$U", f"upgrade = '{self.name}'")))[0][0] or 0)

    async def compared(self) -> int:
        return await self.number("SELECT count() FROM comparisons WHERE $U")

    async def ledger(self) -> dict[str, int]:
        """Outcome to exchanges, as the ledger has it."""
        sql = f"SELECT outcome, sum(exchanges) FROM coverage WHERE upgrade = '{self.name}' AND candidate = 'b' GROUP BY outcome"
        return {str(outcome): int(count) for outcome, count in await self.stage.store.query(sql)}

    async def state(self) -> str:
        return f"{await self.compared()} compared, ledger {await self.ledger()}, {len(self.provider.calls)} requests, {self.owed} tapped"

    def said(self) -> str:
        """The last lines of the workers' logs."""
        logs = sorted(self.stage.folder.glob(f"{self.name}-*.log"))
        return " | ".join(log.read_text(errors="replace")[-600:] for log in logs)

    async def settles(self, within_s: float, **outcomes: int) -> None:
        """Wait until everything tapped is in the ledger and compared, then compare all counts.

        `outcomes` are what the ledger must say, where not everything is `replayed`; `compared` may be less than that.
        """
        expected = outcomes or {"replayed": self.owed}
        comparisons = expected.pop("compared", expected.get("replayed", 0))

        async def there() -> bool:
            return await self.at_least(comparisons) and await self.whole()

        await self.until(there, within_s, "whole ledger")
        await self.check(comparisons, expected)

    async def check(self, replayed: int, outcomes: Mapping[str, int]) -> None:
        """Nothing lost, nothing double, nothing paid twice but what was in flight at a fault."""
        compared = await self.compared()
        must(compared == replayed, f"{self.name}: {compared} comparisons of {replayed}")
        distinct = await self.number("SELECT uniqExact(topic, partition, offset, item) FROM comparisons WHERE $U")
        must(distinct == replayed, f"{self.name}: {distinct} different exchanges of {replayed}")
        # A trial that is scored again after a new epoch began counts once in each: evidence of epochs never adds up.
        doubles = await self.number("SELECT count() - uniqExact(comparison_id, dimension, epoch) FROM scores WHERE $U")
        must(doubles == 0, f"{self.name}: {doubles} scores are double")
        ledger = await self.ledger()
        must(ledger == outcomes, f"{self.name}: the ledger says {ledger}, not {outcomes}")
        must(
            sum(ledger.values()) == self.owed,
            f"{self.name}: the ledger adds up to {sum(ledger.values())} of {self.owed}",
        )
        self.check_paid()

    def check_paid(self) -> int:
        """Each arm was asked once, and once more for each fault that it was in flight at; returns how many were asked again."""
        again = 0
        for (request, arm), times in self.provider.calls.asked.items():
            allowed = 1 + sum(request in in_flight for in_flight in self.faults)
            must(times <= allowed, f"{self.name}: {request} {arm} was asked {times} times, {allowed} are explained")
            again += times - 1
        return again

    async def stop(self, within_s: float = 25.0) -> None:
        """SIGTERM to all workers: each drains, commits and ends with 0."""
        running = [process for process in self.processes if process.returncode is None]
        for process in running:
            process.terminate()
        try:
            async with asyncio.timeout(within_s):
                codes = [await process.wait() for process in running]
        except TimeoutError:
            raise RowError(f"{self.name}: a worker did not end within {within_s} s; {self.said()}") from None
        must(set(codes) <= {0}, f"{self.name}: exit codes {codes}; {self.said()}")


def toml(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value)
