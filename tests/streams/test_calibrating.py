"""Learning a feature's contract on the wire: observed, frozen once, used by every later worker."""

import asyncio
import time

from schemas.topics import ROLES
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.store.configured import open_store
from streams.worker import run, worker
from tests.streams.conftest import setting

HOUR_MS = 3_600_000
DIMENSIONS = {"embedding_distance": {"model": "hashing"}, "semantic_change": {"window": 100}}


async def compared(upgrade, count):
    """Run a worker of all roles until so many comparisons are stored, judged and, if complete, frozen."""
    async with worker(upgrade.config, ROLES, 6.0) as made:
        stop = asyncio.Event()
        work = asyncio.ensure_future(run(made.roles, stop))
        try:
            seen = await upgrade.wait_for("SELECT count() FROM comparisons", count, 60)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                latest = made.judging.latest
                if latest is not None and latest.coverage.get("compared", 0) >= count:
                    break
                await asyncio.sleep(0.2)
        finally:
            stop.set()
            await work
        return seen


async def test_a_contract_is_learned_frozen_and_kept_and_only_later_trials_are_held_to_it(tmp_path):
    doses = {"ticket_fields": {"code_fence": 1.0}}
    end_ms = int(time.time() * 1000)
    first = list(desk.traffic(3, {"ticket_fields": 230}, end_ms=end_ms - HOUR_MS, hours=2))
    later = list(desk.traffic(4, {"ticket_fields": 60}, end_ms=end_ms, hours=0.5))
    async with (
        embedded_broker() as bootstrap,
        setting(bootstrap, desk.desk_models(3, doses), tmp_path, dimensions=DIMENSIONS) as upgrade,
    ):
        await upgrade.tap(first)
        assert await compared(upgrade, 230) == 230
        async with open_store(upgrade.config) as store:
            frozen = await store.calibrations("desk")
            observed = await upgrade.count("SELECT count() FROM observations WHERE dimension = 'contract_violation'")
            texts = await upgrade.count("SELECT countIf(observation LIKE '%Dear%') FROM observations")
        assert [(one.learner.feature, one.learner.dimension, one.trials) for one in frozen] == [
            ("ticket_fields", "contract_violation", 200),
            ("ticket_fields", "semantic_change", 100),
            ("ticket_fields", "style_shift", 64),
        ]
        assert texts == 0
        assert 200 <= observed <= 230  # a batch is written whole, and none after the window is full
        await upgrade.tap(later)
        assert await compared(upgrade, 290) == 290
        async with open_store(upgrade.config) as store:
            assert await store.calibrations("desk") == frozen
            rows = await store.query(
                "SELECT ts > fromUnixTimestamp64Milli(toInt64("
                f"{end_ms - HOUR_MS})), status, reason, epoch, count(), sum(d) FROM scores "
                "WHERE dimension = 'contract_violation' GROUP BY ALL ORDER BY ALL"
            )
            others = await store.query(
                "SELECT dimension, status, epoch, count(), countIf(d IS NULL) FROM scores "
                f"WHERE dimension IN ('semantic_change', 'style_shift') AND ts > fromUnixTimestamp64Milli(toInt64("
                f"{end_ms - HOUR_MS})) GROUP BY ALL ORDER BY ALL"
            )
            ranks = await store.query(
                "SELECT feature, rank, position(identity, {identity}) > 0 FROM epochs "
                "WHERE dimension = 'contract_violation' ORDER BY epoch".replace("{identity}", f"'{frozen[0].identity}'")
            )
    assert [row for row in rows if row[0]] == [(1, "scored", "fence:+", 2, 60, 60.0)]
    assert others == [("semantic_change", "scored", 2, 60, 0), ("style_shift", "scored", 2, 60, 0)]
    assert {row[1:3] for row in rows if not row[0]} == {("skipped", "calibrating")}
    assert ranks == [("", 1, 0), ("ticket_fields", 1, 1)]
