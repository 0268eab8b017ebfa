"""One of two providers in every kind of trouble: each exchange has an outcome, and the other's candidate goes on."""

import asyncio
import time
from dataclasses import replace

from benchmarks.chaos.counted import Counted, must
from benchmarks.chaos.processes import Process, resident_mb
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.upgrades import Upgrade
from streams.embedded import support_desk as desk
from streams.embedded.faults import Faults
from streams.embedded.provider import SimulatedProvider, simulated_provider

IN_FLIGHT, LATENCY_MS = 8, 100.0  # of each provider: 80 answers a second at most
WELL = Faults(latency_ms=LATENCY_MS, latency_sigma=0.0)
TROUBLES = {
    "30 % errors": replace(WELL, server_error=0.3),
    "429 storm": replace(WELL, too_many=0.9, retry_after_s=1.0),
    "cut": replace(WELL, cut=1.0),
    "garbage": replace(WELL, garbage=1.0),
    "100 MB": replace(WELL, huge=1.0, huge_characters=100_000_000),
    "hangs": replace(WELL, latency_ms=600_000.0),
}
AWAY = "away"
KEPT = 0.5  # of the other's rate, at least
GROWN_MB = 60.0  # at most, over what the worker takes while all is well


async def sick_provider(stage: Stage, seconds: float, away_s: float) -> Counted:
    """So many seconds of each kind of trouble, then nobody answers for `away_s`."""
    candidates = [
        {"name": "b", "pin": desk.CANDIDATE, "pinned": True},
        {"name": "w", "pin": f"weak/{desk.VERSION_B}", "pinned": True},
    ]
    sampling = {"candidate": 1.0, "rerun": 0.0, "adapt": False}
    async with (
        stage.upgrade(candidates=candidates, sampling=sampling) as up,
        simulated_provider(desk.desk_models(8, {}), replace(WELL)) as weak,
    ):
        up.provider.faults = replace(WELL)
        of = {"max_in_flight": IN_FLIGHT, "patience_s": 30, "timeout_s": 20}
        up.changed(
            providers={"sim": {"base_url": up.provider.base_url, **of}, "weak": {"base_url": weak.base_url, **of}}
        )
        await up.tap(round((seconds * (len(TROUBLES) + 1) + away_s) * 1.1 * IN_FLIGHT * 1000 / LATENCY_MS))
        worker = await up.start("replay", apart=True)
        await up.start("score")
        await up.asked(20 * IN_FLIGHT)
        well, megabytes = await _watched(up.provider, worker, seconds)
        kept, most = {}, {}
        for kind, faults in {**TROUBLES, AWAY: replace(WELL, away=True)}.items():
            weak.faults = replace(faults)
            rate, most[kind] = await _watched(up.provider, worker, away_s if kind == AWAY else seconds)
            kept[kind] = rate / well
        weak.faults = replace(WELL)
        await up.until(lambda: _is_whole(up), 300, "whole ledger of both candidates")
        shed = await _checked(up)
        await up.stop()
        told = ", ".join(f"{kind} {share:.2f}" for kind, share in kept.items())
        must(min(kept.values()) >= KEPT, f"rates kept: {told}")
        grown = max(most.values()) - megabytes
        must(grown < GROWN_MB, f"memory grown from {megabytes:.0f} MB to {most}")
        return up.counted.saying(
            f"two candidates, {shed} of the weak one shed, all others replayed; the other kept of its {well:.0f}/s: {told}; "
            f"worker {megabytes:.0f} MB, {grown:+.0f} MB at most"
        )


async def _watched(provider: SimulatedProvider, worker: Process, seconds: float) -> tuple[float, float]:
    """Answers per second, and the largest memory of the worker in MB."""
    started, before, most = time.monotonic(), provider.calls.statuses.get(200, 0), 0.0
    while time.monotonic() < started + seconds:
        await asyncio.sleep(0.5)
        most = max(most, resident_mb(worker))
    return (provider.calls.statuses.get(200, 0) - before) / (time.monotonic() - started), most


async def _is_whole(up: Upgrade) -> bool:
    return await up.number("SELECT sum(exchanges) FROM coverage WHERE $U") >= 2 * up.owed


async def _checked(up: Upgrade) -> int:
    """Compare all counts; returns how many exchanges of the weak candidate were shed."""
    must(await up.ledger() == {"replayed": up.owed}, f"the well candidate's ledger: {await up.ledger()}")
    outcomes = await up.ledger("w")
    must(outcomes.keys() <= {"replayed", "shed"}, f"the weak candidate's ledger: {outcomes}")
    must(sum(outcomes.values()) == up.owed, f"the weak candidate's ledger adds up to {outcomes} of {up.owed}")
    owed = up.owed + outcomes.get("replayed", 0)
    await up.until(lambda: up.at_least(owed), 60, f"{owed} comparisons")
    compared = await up.compared()
    distinct = await up.number("SELECT uniqExact(topic, partition, offset, item, candidate) FROM comparisons WHERE $U")
    asked = up.provider.calls.asked.values()  # of the well one
    up.counted = Counted(up.owed, compared, owed - distinct, compared - distinct, sum(asked) - len(asked), ())
    must(compared == distinct == owed, f"{compared} comparisons, {distinct} different ones of {owed}")
    must(set(asked) == {1}, "the well provider was asked something twice")
    return outcomes.get("shed", 0)
