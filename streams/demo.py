"""The demo: the main job on this machine, with embedded parts, and traffic whose drift is known or recorded trials."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiokafka.admin import NewTopic

from schemas import json_text
from schemas.config import Config, config_from
from schemas.errors import UsageError
from schemas.topics import ROLES
from schemas.verdicts import CandidateVerdict, Report, Verdict
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse
from streams.embedded.provider import Model, simulated_provider
from streams.embedded.recorded import recorded_models, recorded_traffic, rerun_share
from streams.embedded.tapped import TappedExchange
from streams.judging import judged
from streams.kafka import admin, create_topics, producer
from streams.store.configured import open_store
from streams.trial_files import read_trial_lines
from streams.worker import Worker, run, worker

TOPIC = "llm.gateway"
PARTITIONS = 4
WEBHOOK = "SHADOWTAP_DEMO_SLACK_WEBHOOK"
PROVIDER = "sim"
LOOK_EVERY_S = 0.5
SHORT_SESSION_S = 6.0  # the embedded broker lets a new worker wait for about a session


@dataclass(frozen=True)
class Scenario:
    """What a demo shows: models, traffic, and the settings that go with them."""

    name: str
    current: str
    candidates: Mapping[str, str]  # name to pin
    models: Mapping[str, Model]
    traffic: list[TappedExchange]
    rerun: float = 1.0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Progress:
    """What a live view shows."""

    expected: int
    started: float
    outcomes: Mapping[str, int] = field(default_factory=dict)
    compared: int = 0
    report: Report | None = None
    asked: int = 0
    slack: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Comparisons per second since the start."""
        return self.compared / max(0.001, time.monotonic() - self.started)


def demo_config(scenario: Scenario, bootstrap: str, provider_url: str, data: Path) -> Config:
    """The configuration of a demo run: everything on this machine, texts kept."""
    return config_from(
        {
            "upgrade": {"name": scenario.name, "current": scenario.current, "pinned": True},
            "candidates": [{"name": name, "pin": pin, "pinned": True} for name, pin in scenario.candidates.items()],
            "tap": {"topics": [TOPIC], "match": ["*"], "start": "earliest"},
            "kafka": {"bootstrap": bootstrap},
            "sampling": {"candidate": 1.0, "rerun": scenario.rerun, "adapt": False},
            "providers": {provider_of(scenario): {"base_url": provider_url, "max_in_flight": 64}},
            "clickhouse": {"url": f"embedded:{data}", "store_text": "full"},
            "slack": {"webhook_env": WEBHOOK},
            **scenario.settings,
        },
        label="demo",
    )


def provider_of(scenario: Scenario) -> str:
    """The provider part of the pins."""
    return scenario.current.split("/", 1)[0]


@asynccontextmanager
async def running_demo(scenario: Scenario, data: Path) -> AsyncIterator[tuple[Config, Progress, asyncio.Task[None]]]:
    """Start everything and let it run; the task ends when every exchange is compared and judged."""
    async with (
        embedded_broker() as bootstrap,
        embedded_clickhouse(data),
        simulated_provider(scenario.models) as provider,
        _slack() as (address, messages),
    ):
        os.environ[WEBHOOK] = address
        config = demo_config(scenario, bootstrap, provider.base_url, data)
        async with open_store(config) as store:
            await store.migrate()
        async with admin(config.kafka) as client:
            await client.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
        await create_topics(config.kafka, PARTITIONS)
        progress = Progress(len(scenario.traffic), time.monotonic(), slack=messages)
        async with worker(config, ROLES, SHORT_SESSION_S) as made:
            stop = asyncio.Event()
            work = asyncio.ensure_future(run(made.roles, stop))
            feed = asyncio.ensure_future(_produce(config, scenario.traffic))
            watch = asyncio.ensure_future(_watch(config, made, progress, work))
            try:
                yield config, progress, watch
            finally:
                watch.cancel()
                feed.cancel()
                stop.set()
                await work


async def _watch(config: Config, made: Worker, progress: Progress, work: "asyncio.Task[int]") -> None:
    """Follow the run until everything is compared, judged and told."""
    if made.judging is None or made.replayer is None:
        raise ValueError("a demo runs all roles")
    owed = progress.expected * len(config.candidates)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if work.done():
            raise RuntimeError("the worker ended before the demo did")
        progress.outcomes = dict(made.replayer.outcomes)
        progress.asked = sum(client.asked for client in made.replayer.providers.values())
        report = made.judging.latest
        if report is not None:
            progress.report = report
            progress.compared = sum(candidate.compared for candidate in report.candidates)
            if progress.compared >= owed and report.coverage.get("consumed", 0) >= owed and _told(report, progress):
                return


def _told(report: Report, progress: Progress) -> bool:
    owed = sum(is_told(candidate) for candidate in report.candidates)
    return len(progress.slack) >= owed


def is_told(candidate: CandidateVerdict) -> bool:
    """Whether a verdict calls for a Slack message."""
    return candidate.verdict in (Verdict.FAIL, Verdict.PASS, Verdict.REVIEW)


async def _produce(config: Config, traffic: Iterable[TappedExchange]) -> None:
    async with producer(config.kafka) as sink:
        for number, exchange in enumerate(traffic):
            await sink.send(
                TOPIC, exchange.value, key=exchange.key, partition=number % PARTITIONS,
                timestamp_ms=exchange.ts_ms, headers=list(exchange.headers),
            )  # fmt: skip
        await sink.flush()


@asynccontextmanager
async def _slack() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """An incoming webhook on this machine that keeps what it is sent."""
    messages: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        messages.append(json_text.loads(await request.read()))
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/webhook", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/webhook", messages
    finally:
        await runner.cleanup()


async def final_report(config: Config, *, ended: bool) -> Report:
    """What the store says when all is done; `ended` is the end of a file: what has no verdict then never gets one."""
    async with open_store(config) as store:
        return await judged(config, store, ended=ended)


def support_desk(seed: int) -> Scenario:
    """Generated traffic of a support desk, whose next version drifts where `DEMO_DOSES` says so."""
    return Scenario(
        name="desk-2026-10",
        current=desk.CURRENT,
        candidates={desk.VERSION_B: desk.CANDIDATE},
        models=dict(desk.desk_models(seed)),
        traffic=list(desk.traffic(seed, end_ms=int(time.time() * 1000))),
        settings={"dimensions": desk.DEMO_DIMENSIONS},
    )


def recorded(path: Path, settings: Mapping[str, Any] | None = None) -> Scenario:
    """Trials of a file as traffic, with models that answer what was recorded.

    Raises:
        UsageError: no such file, a line that is no trial, or no trial at all.
    """
    lines = list(read_trial_lines(path))
    if not lines:
        raise UsageError(f"{path}: no trial in it")
    return Scenario(
        name=path.name.split(".")[0],
        current=lines[0].baseline.model,
        candidates={name: answer.model for name, answer in lines[0].candidates.items()},
        models=recorded_models(lines),
        traffic=list(recorded_traffic(lines)),
        rerun=rerun_share(lines),
        settings={"verdict": {"min_hours": 0}, **(settings or {})},
    )
