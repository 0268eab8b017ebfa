"""Workers that are killed, moved, put to sleep, asked to end, or broken inside."""

import asyncio
import json
import random
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.chaos.counted import Counted, must
from benchmarks.chaos.processes import Process
from benchmarks.chaos.stage import SESSION_S, Stage
from benchmarks.chaos.upgrades import Upgrade
from schemas.prices import Price
from schemas.topics import ROLES
from streams.embedded.broker import free_port
from streams.embedded.provider import Model

ASKING = {"all", "replay"}  # roles that ask providers
PRICE = {"input": 1000.0, "output": 1000.0, "max_output_tokens": 20}  # USD per million: about 0.13 USD for a request
DRAINED_S = 10.0


async def killed(
    stage: Stage, exchanges: int, kills: int, victim: str = "all", *, seed: int = 11, latency_ms: float = 100
) -> Counted:
    """A worker of one role killed with SIGKILL at random, the other roles beside it."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        for role in () if victim == "all" else ("replay", "score", "judge"):
            if role != victim:
                await up.start(role)
        await _kills(up, victim, 2 * exchanges if victim in ASKING else exchanges, kills, random.Random(seed))
        await up.settles(120 + exchanges / 20, judged=True)
        await up.stop()
        return up.counted.saying(f"{kills} kills, role {victim}")


async def _kills(up: Upgrade, victim: str, steps: int, kills: int, rng: random.Random) -> Process:
    """Start the victim, kill it at random places among so many steps, and start it again; returns the last one.

    A kill counts only where something was in flight: it waits for that, and says so where there was nothing after all.
    """
    process = await up.start(victim, apart=True)
    step = steps // (kills + 1)
    for kill in range(kills):
        at = min(kill * step + rng.randrange(step // 2, step), steps - 40)
        if victim in ASKING:
            await up.asked(at)
            await up.until(lambda: up.provider.calls.in_flight > 0, 60, "request in flight to kill at")
            await up.signalled(process, signal.SIGKILL)
            flying = len(up.faults[-1])
        else:
            behind = _waiting_trials if victim == "score" else Upgrade.unjudged
            await up.until(lambda at=at: up.at_least(at), 120, f"{at} comparisons")  # type: ignore[misc]
            await up.until(lambda behind=behind: _is_behind(up, behind), 60, f"work left for {victim}")  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            await process.wait()
            flying = await behind(up)
            up.behind.append(flying)
        must(flying > 0, f"{up.name}: nothing was in flight at kill {kill + 1}, so it shows nothing")
        process = await up.start(victim, apart=True)
    return process


async def _is_behind(up: Upgrade, behind: Any) -> bool:
    return bool(await behind(up) > 0)


async def _waiting_trials(up: Upgrade) -> int:
    """Trials in the topic that are not in ClickHouse."""
    return len(await up.kept()) - await up.compared()


@dataclass
class Billed:
    """A model that writes bills: what a provider may charge, whether or not its answer arrives."""

    model: Model
    bills: list[float] = field(default_factory=list)  # USD

    def answer(self, request_body: Mapping[str, Any], headers: Mapping[str, str], rng: random.Random) -> dict[str, Any]:
        """The model's answer."""
        answer = self.model.answer(request_body, headers, rng)
        price = Price(PRICE["input"], PRICE["output"], source="chaos")
        used = answer["usage"]
        self.bills.append((used["prompt_tokens"] * price.input + used["completion_tokens"] * price.output) / 1e6)
        return answer


async def killed_capped(stage: Stage, exchanges: int, kills: int, cap: str, amount: float) -> Counted:
    """Kills while a cap is being spent: it holds over all of them, and what it leaves out is `over_budget`."""
    config = {"budget": {cap: amount, "pace": "none"}}
    async with stage.upgrade(**config) as up:
        pins = (up.fields["upgrade"]["current"], up.fields["candidates"][0]["pin"])
        few = {**up.fields["worker"], "replays_in_work": 16}  # a kill costs the most that those in work may cost
        up.changed(prices=dict.fromkeys(pins, PRICE), worker=few)
        bills: list[float] = []
        up.provider.models = {name: Billed(model, bills) for name, model in up.provider.models.items()}
        up.provider.faults.latency_ms = 100
        await up.tap(exchanges)
        await up.start("score")
        likely = amount if cap.startswith("requests") else amount / 0.13
        await _kills(up, "replay", int(likely * 0.4), kills, random.Random(17))
        before = len(up.provider.calls)
        await up.until(up.whole, 120 + exchanges / 20, "whole ledger")
        ledger = await up.ledger()
        must(ledger.keys() == {"replayed", "over_budget"}, f"{up.name}: the ledger says {ledger}")
        await up.settles(60, **ledger)
        await up.stop()
        spent = len(up.provider.calls) if cap.startswith("requests") else sum(bills)
        must(spent <= amount + 1e-9, f"{up.name}: {cap} = {amount} and {spent:.2f} were spent")
        # A kill costs what was reserved and not sent, so not all can be spent; but the asking has to go on after it.
        must(len(up.provider.calls) > before, f"{up.name}: nothing was asked after the last kill")
        return up.counted.saying(
            f"{kills} kills; {cap} = {amount:g}, {spent:.6g} spent, {ledger['over_budget']} over_budget"
        )


async def rebalanced(stage: Stage, exchanges: int, latency_ms: float = 100) -> Counted:
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
        return up.counted.saying("1, 2, 3, 2, 1 workers")


async def slept(stage: Stage, exchanges: int, times: int = 1, latency_ms: float = 60) -> Counted:
    """A worker stopped by SIGSTOP beyond its session, another takes over, and it wakes."""
    async with stage.upgrade() as up:
        up.provider.faults.latency_ms = latency_ms
        await up.tap(exchanges)
        await up.start("score")
        sleeper = await up.start("replay", apart=True)  # alone until it sleeps: what is in flight then is its own
        for time_number in range(times):
            await up.asked(2 * exchanges * (time_number + 1) // (times + 2))
            await up.until(lambda: up.provider.calls.in_flight > 0, 60, "request in flight to stop at")
            await up.signalled(sleeper, signal.SIGSTOP)
            if time_number == 0:
                await up.start("replay")
            await asyncio.sleep(SESSION_S + 4)
            await up.signalled(sleeper, signal.SIGCONT)
        must(bool(up.faults[0]), f"{up.name}: nothing was in flight at the stop, so it shows nothing")
        await up.settles(120 + exchanges / 20)
        await up.stop()
        return up.counted.saying(f"{times} times SIGSTOP, {SESSION_S + 4} s of a session of {SESSION_S} s, SIGCONT")


async def terminated(stage: Stage, in_flight: int, latency_ms: float = 6000) -> Counted:
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
        must(took < DRAINED_S, f"draining took {took:.1f} s")
        kept, asked = await up.kept(), {request for request, _ in up.provider.calls.asked}
        must(kept == asked, f"{len(asked - kept)} were asked and have no trial")
        committed = await up.committed()
        must(committed > 0, "nothing was committed")
        up.provider.faults.latency_ms = 5
        await up.start("replay")
        await up.start("score")
        await up.settles(120 + in_flight / 5)
        await up.stop()
        return up.counted.saying(
            f"SIGTERM with {on_wire} requests on the wire: exit 0 after {took:.1f} s, {len(kept)} trials kept, {committed} committed"
        )


async def unhealthy(stage: Stage, fault: str, within_s: float = 60.0) -> Counted:
    """A worker whose event loop is stuck, or whose consumer has silently stopped, says so; the next one loses nothing."""
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
        await up.signalled(broken, signal.SIGKILL)
        for role in set(ROLES) - {"alert"}:
            await up.start(role)
        await up.settles(90)
        await up.stop()
        return up.counted.saying(f"/healthz fails after {took:.0f} s: {json.loads(said[1])['why']}")


def get(url: str) -> tuple[int, str]:
    """Status and body, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
