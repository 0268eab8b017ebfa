"""One upgrade on the stage: its workers, what was in flight when something was done to them, and the counts at the end."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from benchmarks.chaos.counted import Counted, must
from benchmarks.chaos.processes import Process, TaskWorker
from schemas import topics
from schemas.config import Config, config_from
from schemas.topics import consumer_group
from streams.embedded import support_desk as desk
from streams.embedded.provider import SimulatedProvider
from streams.kafka import partitions, producer, reader, to_the_end
from streams.store import Store

Arm = tuple[str, str]  # request id and arm

PATIENCE = 1.0  # times as long as a row would wait
AT_ONCE = 20_000  # records on their way to the tapped topic


@dataclass
class Upgrade:
    """One upgrade. `faults` are, for each, the arms that were asked and whose trial was not yet in the topic.

    `behind` is the same for a role that asks nobody: how many trials or scores its victim had not worked on.
    """

    folder: Path
    store: Store
    fields: dict[str, Any]
    provider: SimulatedProvider
    in_process: bool = False
    processes: list[Process] = field(default_factory=list)
    faults: list[set[Arm]] = field(default_factory=list)
    behind: list[int] = field(default_factory=list)
    place_of: dict[str, str] = field(default_factory=dict)  # topic/partition/offset to request id
    owed: int = 0
    counted: Counted = field(default_factory=Counted)
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
        return self.folder / f"{self.name}.toml"

    def changed(self, **tables: Any) -> "Upgrade":
        """With other settings, also in its file."""
        self.fields.update(tables)
        self.path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in self.fields.items()))
        return self

    async def tap(
        self, exchanges: int, seed: int = 8, partitions: int = 4, topic: int = 0, ago_ms: int = 0
    ) -> set[str]:
        """Put so many exchanges on a tapped topic; returns their request ids."""
        traffic = list(desk.traffic(seed, {"triage": exchanges}, end_ms=int(time.time() * 1000) - ago_ms))
        await self.put([(e.key, e.value, e.headers, e.ts_ms) for e in traffic], partitions, topic)
        return {exchange.key.decode() for exchange in traffic}

    async def put(
        self, records: Iterable[tuple[Any, ...]], partitions: int = 4, topic: int = 0, codec: str | None = None
    ) -> None:
        """Put records (key, value, headers, ts_ms) on a tapped topic, spread over its partitions."""
        name = self.config.tap.topics[topic]
        waiting = list(enumerate(records))
        async with producer(self.config.kafka, codec) as sink:
            for start in range(0, len(waiting), AT_ONCE):
                sends = [
                    (key, await sink.send(name, value, key=key, partition=n % partitions, timestamp_ms=ts_ms, headers=list(headers)))
                    for n, (key, value, headers, ts_ms) in waiting[start : start + AT_ONCE]
                ]  # fmt: skip
                for key, sent in sends:
                    at = await sent
                    self.place_of[f"{name}/{at.partition}/{at.offset}"] = (key or b"").decode()
                    self.owed += 1

    async def start(self, role: str = "all", *, apart: bool = False, listen: str = "") -> Process:
        """Start a worker: a process, or a task of this one where that will do (`apart`: it will not)."""
        if self.in_process and not apart:
            process: Process = TaskWorker(self.config, role)
            self.processes.append(process)
            return process
        return await self.ran("worker", "--role", role, "--listen", listen, "--log-level", "WARNING")

    async def ran(self, command: str, *options: str) -> asyncio.subprocess.Process:
        """Start a command of shadowtap on this upgrade as a process; what it says goes to `said`."""
        program = str(Path(sys.executable).with_name("shadowtap"))
        with (self.folder / f"{self.name}-{len(self.processes)}-{command}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                program, command, "--config", str(self.path), *options, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    async def end(self, process: Process) -> None:
        """SIGTERM, and exit code 0."""
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 30)
        must(code == 0, f"{self.name}: exit code {code}; {self.said()}")

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
        within_s *= PATIENCE
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

    async def signalled(self, process: Process, number: int, among: Collection[str] | None = None) -> None:
        """Send a worker that asks a signal, and note what was in flight (`among` these requests, which are its own)."""
        process.send_signal(number)
        if number == signal.SIGKILL:
            await process.wait()
        await asyncio.sleep(0.3)  # requests on the wire still arrive
        kept = await self.kept()
        self.faults.append(
            {
                (request, arm)
                for request, arm in self.provider.calls.asked
                if request not in kept and (among is None or request in among)
            }
        )

    async def kept(self) -> set[str]:
        """Request ids whose trial is in the topic."""
        async with reader(self.config.kafka) as client:
            count = (await partitions(self.config.kafka, [topics.TRIALS]))[topics.TRIALS]
            for place in (TopicPartition(topics.TRIALS, number) for number in range(count)):
                async for records in to_the_end(client, place, self._read_to.get(place, 0)):
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
        return int((await self.store.query(sql.replace("$U", f"upgrade = '{self.name}'")))[0][0] or 0)

    async def compared(self) -> int:
        return await self.number("SELECT count() FROM comparisons WHERE $U")

    async def unjudged(self) -> int:
        """Scores that are not in the evidence yet; below 0 where evidence counts some twice."""
        return await self.number("SELECT count() FROM scores WHERE $U") - await self.number(
            "SELECT sum(scored + skipped + failed) FROM evidence WHERE $U"
        )

    async def ledger(self, candidate: str = "b") -> dict[str, int]:
        """Outcome to exchanges, as the ledger has it."""
        sql = f"SELECT outcome, sum(exchanges) FROM coverage WHERE upgrade = '{self.name}' AND candidate = '{candidate}' GROUP BY outcome"
        return {str(outcome): int(count) for outcome, count in await self.store.query(sql)}

    async def state(self) -> str:
        return f"{await self.compared()} compared, ledger {await self.ledger()}, {len(self.provider.calls)} requests, {self.owed} tapped"

    def said(self) -> str:
        """The last lines of the logs."""
        logs = sorted(self.folder.glob(f"{self.name}-*.log"))
        return " | ".join(log.read_text(errors="replace")[-600:] for log in logs)

    async def settles(self, within_s: float, *, judged: bool = False, **outcomes: int) -> None:
        """Wait until everything tapped is in the ledger and compared (and judged), then compare all counts.

        `outcomes` are what the ledger must say, where not everything is `replayed`; `compared` may be less than that.
        """
        expected = outcomes or {"replayed": self.owed}
        comparisons = expected.pop("compared", expected.get("replayed", 0))

        async def there() -> bool:
            return await self.at_least(comparisons) and await self.whole()

        await self.until(there, within_s, "whole ledger")
        if judged:
            await self.until(self._all_judged, 60, f"evidence of all scores ({await self.unjudged()} are not in it)")
        await self.check(comparisons, expected)

    async def _all_judged(self) -> bool:
        return await self.unjudged() == 0

    async def check(self, replayed: int, outcomes: Mapping[str, int]) -> None:
        """Nothing lost, nothing double, nothing paid twice but what was in flight at a fault."""
        compared = await self.compared()
        distinct = await self.number("SELECT uniqExact(topic, partition, offset, item) FROM comparisons WHERE $U")
        # A trial that is scored again after a new epoch began counts once in each: evidence of epochs never adds up.
        doubles = await self.number("SELECT count() - uniqExact(comparison_id, dimension, epoch) FROM scores WHERE $U")
        ledger = await self.ledger()
        flying = (*(len(arms) for arms in self.faults), *self.behind)
        again = sum(times - 1 for times in self.provider.calls.asked.values())
        self.counted = Counted(self.owed, compared, replayed - distinct, compared - distinct + doubles, again, flying)
        must(compared == replayed, f"{self.name}: {compared} comparisons of {replayed}")
        must(distinct == replayed, f"{self.name}: {distinct} different exchanges of {replayed}")
        must(doubles == 0, f"{self.name}: {doubles} scores are double")
        must(ledger == outcomes, f"{self.name}: the ledger says {ledger}, not {outcomes}")
        must(
            sum(ledger.values()) == self.owed,
            f"{self.name}: the ledger adds up to {sum(ledger.values())} of {self.owed}",
        )
        self.check_paid()

    def check_paid(self) -> None:
        """Each arm was asked once, and once more for each fault that it was in flight at."""
        for asked, times in self.provider.calls.asked.items():
            allowed = 1 + sum(asked in in_flight for in_flight in self.faults)
            must(times <= allowed, f"{self.name}: {asked} was asked {times} times, {allowed} are explained")

    async def stop(self, within_s: float = 25.0) -> None:
        """SIGTERM to all workers: each drains, commits and ends with 0."""
        running = [process for process in self.processes if process.returncode is None]
        for process in running:
            process.terminate()
        try:
            async with asyncio.timeout(within_s):
                codes = [await process.wait() for process in running]
        except TimeoutError:
            must(holds=False, what=f"{self.name}: a worker did not end within {within_s} s; {self.said()}")
        must(set(codes) <= {0}, f"{self.name}: exit codes {codes}; {self.said()}")


def toml(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value)
