"""A candidate over a past window of the tapped topic, beside a live run; on Apache Kafka, whose ends can be trusted."""

import time

import pytest

from schemas.config import config_from
from schemas.outcomes import Outcome
from streams.backfill import Window, backfill, look_past, merged
from streams.embedded import support_desk as desk
from streams.kafka import seed_positions
from streams.replay.budget import today
from streams.store.configured import open_store
from streams.worker import worker
from tests.streams.conftest import TOPIC, needs_kafka, setting
from tests.streams.test_pipeline import COMPARED, run_until

HOUR_MS = 3_600_000


@pytest.mark.kafka
@needs_kafka
async def test_a_backfill_asks_what_nobody_asked_and_pays_once(kafka, tmp_path, monkeypatch):
    now = int(time.time() * 1000)
    always = Window(0, now + HOUR_MS)
    async with setting(kafka.bootstrap, desk.desk_models(8, {}), tmp_path) as upgrade:
        past = await upgrade.tap(desk.traffic(8, {"triage": 90}, end_ms=now - 10 * HOUR_MS))
        live = upgrade.config.model_copy(update={"tap": upgrade.config.tap.model_copy(update={"start": "latest"})})
        await seed_positions(live.kafka, "shadowtap.desk.replay", [TOPIC], "latest")
        present = await upgrade.tap(desk.traffic(9, {"triage": 30}, end_ms=now))

        # A cap ends it early, before the first exchange that it does not allow; nothing is written off.
        first = await backfill(live, "b", always, requests=40)
        assert (first.ended_by, first.requests) == (Outcome.OVER_BUDGET, 40)
        assert len(upgrade.provider.calls) == 40

        # Repeated, it goes on where it ended; what the live run asks meanwhile is left to it.
        async def live_run_goes_on(*whose):
            found = await look_past(*whose)
            async with worker(live, ("replay", "score"), 6.0) as made:
                assert await run_until(made, lambda: made.replayer.outcomes["replayed"] >= present) == 0
            return found

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr("streams.backfill.look_past", live_run_goes_on)
            second = await backfill(live, "b", always)
        assert (second.ended_by, second.records + first.records) == (None, past)
        third = await backfill(live, "b", always)
        assert (third.records, third.requests, third.skipped) == (0, 0, past + present)
        assert len(upgrade.provider.calls) == 2 * (past + present)
        assert set(upgrade.provider.calls.asked.values()) == {1}

        # Another candidate, over everything: each exchange once, and no rerun is paid again.
        other = {"name": "c", "pin": desk.CANDIDATE, "pinned": True, "set": {"temperature": 0.5}}
        both = config_from({**upgrade.fields, "candidates": [*upgrade.fields["candidates"], other]}, label="test")
        done = await backfill(both, "c", always)
        assert (done.records, done.requests) == (past + present, past + present)

        async with worker(both, ("score",), 6.0) as made:
            assert await run_until(made, lambda: made.scorer.scored >= past + 2 * present) == 0
        owed = 2 * (past + present)
        assert await upgrade.wait_for(COMPARED, owed, 30) == owed
        assert await upgrade.count("SELECT uniqExact(comparison_id) FROM comparisons") == owed
        assert await upgrade.count("SELECT countIf(has_rerun) FROM comparisons") == owed
        assert await upgrade.count("SELECT sum(exchanges) FROM coverage WHERE outcome = 'replayed'") == owed
        assert await upgrade.count("SELECT sum(exchanges) FROM coverage") == owed
        async with open_store(both) as store:  # what backfills asked is on the bill
            spent = await store.spent("desk", today())
        assert (spent.requests, spent.requests_today) == (len(upgrade.provider.calls),) * 2


def test_ranges_that_touch_are_one():
    assert merged([(4, 6), (0, 2), (2, 4), (8, 9), (8, 12)]) == [(0, 6), (8, 12)]
