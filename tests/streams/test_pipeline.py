"""The whole way of an event on real parts: Kafka → HTTP → Faust → ClickHouse → verdict → Slack."""

import asyncio
import json
import time

import pytest
from aiohttp import web

from schemas.topics import ROLES
from schemas.verdicts import Verdict
from streams.embedded import support_desk as desk
from streams.worker import run, worker
from tests.streams.conftest import setting

COMPARED = "SELECT count() FROM comparisons"


async def run_until(made, ready, within_s=90):
    """Run a worker until `ready()` holds, then stop it; returns its exit code."""
    stop = asyncio.Event()
    work = asyncio.ensure_future(run(made.roles, stop))
    deadline = time.monotonic() + within_s
    try:
        while not ready() and time.monotonic() < deadline and not work.done():
            await asyncio.sleep(0.2)
    finally:
        stop.set()
        code = await work
    assert ready(), "the worker did not get there in time"
    return code


async def test_drift_goes_all_the_way_from_kafka_to_a_slack_message(bootstrap, tmp_path, monkeypatch):
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
    models = desk.desk_models(3, {"triage": {"answer_change": 0.5}})
    try:
        async with setting(bootstrap, models, tmp_path, slack={"webhook_env": "TEST_WEBHOOK"}) as upgrade:
            sent = await upgrade.tap(desk.traffic(3, {"triage": 250}, end_ms=int(time.time() * 1000)))
            async with worker(upgrade.config, ROLES, 6.0) as made:

                def told():
                    latest = made.judging.latest
                    return bool(messages) and latest is not None and latest.coverage.get("compared") == sent

                assert await run_until(made, told) == 0
            latest = made.judging.latest
            assert latest.candidates[0].verdict is Verdict.FAIL
            failed = {d.dimension for d in latest.candidates[0].features[0].dimensions if d.verdict is Verdict.FAIL}
            assert "answer_change" in failed
            assert dict(latest.coverage) == {"consumed": sent, "compared": sent, "replayed": sent}
            assert await upgrade.count(COMPARED) == sent
            assert await upgrade.count("SELECT sum(exchanges) FROM coverage") == sent
            assert set(upgrade.provider.calls.asked.values()) == {1}
            assert len(upgrade.provider.calls) == 2 * sent
    finally:
        await runner.cleanup()
    assert len(messages) == 1
    text = json.dumps(messages[0])
    assert messages[0]["text"].startswith("No user has seen these answers")
    assert "answer_change" in text
    assert "Sehr geehrte" not in text
    assert "ticket" not in text.replace("ticket_fields", "").lower() or "Dear" not in text


async def test_every_tapped_record_has_exactly_one_outcome(bootstrap, tmp_path):
    async with setting(bootstrap, desk.desk_models(5, {}), tmp_path) as upgrade:
        traffic = list(desk.traffic(5, {"triage": 20}, end_ms=int(time.time() * 1000)))
        bad = [traffic[0]._replace(value=value) for value in (b"", b"no json", b"\xff\xfe", b'{"a": 1}')]
        other = [t._replace(value=t.value.replace(desk.VERSION_A.encode(), b"another-2026-01-01")) for t in traffic[:5]]
        own = [t._replace(headers=(*t.headers, ("x-shadowtap-request", b"r"))) for t in traffic[:3]]
        await upgrade.tap([*traffic, *bad, *other, *own])
        owed = len(traffic) + len(bad) + len(other) + len(own)
        async with worker(upgrade.config, ("replay", "score"), 6.0) as made:
            await run_until(made, lambda: sum(made.replayer.outcomes.values()) >= owed and made.scorer.scored >= 20)
        async with worker(upgrade.config, ("score",), 6.0) as made:  # the last ledger record was written at the stop
            stop = asyncio.Event()
            work = asyncio.ensure_future(run(made.roles, stop))
            assert await upgrade.wait_for("SELECT sum(exchanges) FROM coverage", owed, 30) == owed
            stop.set()
            assert await work == 0
        counts = {
            outcome: await upgrade.count(f"SELECT sum(exchanges) FROM coverage WHERE outcome = '{outcome}'")
            for outcome in ("replayed", "dead_letter", "out_of_scope", "own_traffic")
        }
    assert counts == {"replayed": 20, "dead_letter": 4, "out_of_scope": 5, "own_traffic": 3}


async def test_asking_stops_at_the_daily_budget_and_the_tap_goes_on(bootstrap, tmp_path):
    budget = {"requests_per_day": 20, "pace": "none"}
    async with setting(bootstrap, desk.desk_models(6, {}), tmp_path, budget=budget) as upgrade:
        await upgrade.tap(desk.traffic(6, {"triage": 60}, end_ms=int(time.time() * 1000)))
        async with worker(upgrade.config, ("replay",), 6.0) as made:
            await run_until(made, lambda: sum(made.replayer.outcomes.values()) >= 60)
            assert made.replayer.outcomes["over_budget"] == 60 - made.replayer.outcomes["replayed"]
        async with worker(upgrade.config, ("replay",), 6.0) as made:  # a restart does not bring the budget back
            await upgrade.tap(desk.traffic(7, {"triage": 8}, end_ms=int(time.time() * 1000)))
            await run_until(made, lambda: sum(made.replayer.outcomes.values()) >= 8)
        assert len(upgrade.provider.calls) <= 20


@pytest.mark.parametrize("bootstrap", ["embedded"], indirect=True)  # what differs by broker is shown above
async def test_dollars_are_counted_from_the_price_table_and_end_the_asking_for_good(bootstrap, tmp_path):
    prices = {"sim/*": {"input": 2.5, "cached_input": 1.25, "output": 10, "max_output_tokens": 200}}
    budget = {"usd_total": 0.06, "pace": "none"}
    spent = "SELECT round(1e6 * sum(spent_usd)) FROM exchanges"
    async with setting(bootstrap, desk.desk_models(6, {}), tmp_path, budget=budget, prices=prices) as upgrade:
        for day in (6, 7):  # the second worker finds what the first has spent
            before = await upgrade.count("SELECT sum(exchanges) FROM coverage")
            await upgrade.tap(desk.traffic(day, {"triage": 120}, end_ms=int(time.time() * 1000)))
            async with worker(upgrade.config, ("replay", "score"), 6.0) as made:
                stop = asyncio.Event()
                work = asyncio.ensure_future(run(made.roles, stop))
                await upgrade.wait_for("SELECT sum(exchanges) FROM coverage", before + 120, 60)
                stop.set()
                assert await work == 0
        compared, over = await upgrade.count(COMPARED), made.replayer.outcomes["over_budget"]
        assert 20 < compared < 120
        assert over > 60
        assert await upgrade.count("SELECT count() FROM comparisons WHERE candidate_cost_usd > 0") == compared
        assert await upgrade.count("SELECT count() FROM comparisons WHERE baseline_cost_usd > 0") == compared
        assert 0.04e6 < await upgrade.count(spent) <= 0.06e6
        assert await upgrade.count("SELECT round(1e6 * sum(usd)) FROM spend") == await upgrade.count(spent)
