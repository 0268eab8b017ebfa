"""A provider in trouble, on the real pipeline: every exchange has an outcome, and the others' candidates go on."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web

from schemas.alerts import AlertState
from schemas.control import Order
from streams.control import give
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.embedded.faults import Faults
from streams.embedded.provider import simulated_provider
from streams.store.configured import open_store
from streams.worker import run, worker
from tests.streams.conftest import setting

HEALTHY = Faults(latency_ms=100, latency_sigma=0.0)
IN_FLIGHT = 4  # of each provider: at 100 ms, 40 answers a second at most
SICK = {
    "30 % errors": Faults(latency_ms=100, server_error=0.3),
    "429 storm": Faults(latency_ms=100, too_many=0.9, retry_after_s=0.3),
    "away": Faults(away=True),
    "broken answers": Faults(latency_ms=100, cut=0.4, garbage=0.4, huge=0.2, huge_characters=100_000_000),
    "no access": Faults(unauthorized=True),
}


@asynccontextmanager
async def two_providers(folder, exchanges, **changes):
    """An upgrade with a candidate at each of two providers, of which `weak` may fall sick; nothing runs yet."""
    models = desk.desk_models(3, {})
    async with simulated_provider(models, replace(HEALTHY)) as weak, embedded_broker() as bootstrap:
        limits = {"max_in_flight": IN_FLIGHT}
        async with setting(
            bootstrap,
            models,
            folder,
            candidates=[
                {"name": "well", "pin": desk.CANDIDATE, "pinned": True},
                {"name": "weak", "pin": f"weak/{desk.VERSION_B}", "pinned": True},
            ],
            sampling={"candidate": 1.0, "rerun": 0.0},
            worker={"replays_in_work": 40},
            **changes,
        ) as upgrade:
            upgrade.provider.faults = replace(HEALTHY)
            upgrade.fields["providers"] = {
                "sim": {"base_url": upgrade.provider.base_url, **limits},
                "weak": {"base_url": weak.base_url, "patience_s": 20, **limits},
            }
            upgrade.config = type(upgrade.config).model_validate(upgrade.fields)
            await upgrade.tap(desk.traffic(3, {"triage": exchanges}, end_ms=int(time.time() * 1000)))
            yield upgrade, weak


def answered(provider):
    return provider.calls.statuses.get(200, 0)


async def rate(provider, at_least):
    """Answers a second; of up to three seconds the best, for this machine may stand still for one of them."""
    best = 0.0
    for _ in range(3):
        before, since = answered(provider), time.monotonic()
        await asyncio.sleep(1.0)
        best = max(best, (answered(provider) - before) / (time.monotonic() - since))
        if best > at_least:
            break
    return best


async def test_a_sick_provider_leaves_the_others_their_rate_and_every_exchange_an_outcome(tmp_path):
    exchanges = 480
    async with two_providers(tmp_path, exchanges) as (upgrade, weak), worker(upgrade.config, ("replay",), 6.0) as made:
        stop = asyncio.Event()
        work = asyncio.ensure_future(run(made.roles, stop))
        try:
            while answered(upgrade.provider) < 50:
                await asyncio.sleep(0.05)
            healthy = await rate(upgrade.provider, 15)
            kept = {}
            for kind, faults in SICK.items():
                weak.faults = replace(faults)
                await asyncio.sleep(0.8)
                kept[kind] = await rate(upgrade.provider, 0.5 * healthy) / healthy
            weak.faults = replace(HEALTHY)
            for client in made.replayer.providers.values():
                client.resume()
            await until(lambda: sum(made.replayer.outcomes.values()) >= 2 * exchanges, 60)
        finally:
            stop.set()
            assert await work == 0
        assert healthy > 15
        assert min(kept.values()) > 0.5, kept
        assert sum(made.replayer.outcomes.values()) == 2 * exchanges
        assert made.replayer.outcomes.keys() == {"replayed", "shed"}
        assert made.replayer.outcomes["replayed"] >= exchanges  # of the well one, all
        assert set(upgrade.provider.calls.asked.values()) == {1}


async def test_no_access_is_told_once_nothing_is_lost_and_resume_goes_on(tmp_path, monkeypatch):
    messages = []

    async def receive(request):
        messages.append(await request.json())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("TEST_WEBHOOK", f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
    exchanges = 12
    async with two_providers(tmp_path, exchanges, slack={"webhook_env": "TEST_WEBHOOK"}) as (upgrade, weak):
        weak.faults.unauthorized = upgrade.provider.faults.unauthorized = True
        async with worker(upgrade.config, ("replay", "alert"), 6.0) as made:
            stop = asyncio.Event()
            work = asyncio.ensure_future(run(made.roles, stop))
            try:
                await until(lambda: len(messages) == 2, 60)
                asked = len(weak.calls), len(upgrade.provider.calls)
                assert made.replayer.outcomes == {}
                assert "refuses us (http_401)" in made.health.obstacles()["provider weak"]
                weak.faults.unauthorized = upgrade.provider.faults.unauthorized = False
                await give(upgrade.config.kafka, upgrade.config.upgrade.name, Order.RESUME, "test", "a new key")
                await until(lambda: made.replayer.outcomes.get("replayed") == 2 * exchanges, 30)
            finally:
                stop.set()
                assert await work == 0
        assert max(asked) <= IN_FLIGHT
        assert {message["text"].split(": ")[-1] for message in messages} == {
            "sim refuses us (http_401)",
            "weak refuses us (http_401)",
        }
        async with open_store(upgrade.config) as store:
            assert {alert.state for alert in await store.alerts("desk")} == {AlertState.SENT}
    await runner.cleanup()


async def until(holds, within_s):
    deadline = time.monotonic() + within_s
    while not holds() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert holds()
