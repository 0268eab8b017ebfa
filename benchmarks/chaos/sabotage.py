"""Whether the rows can fail: `python -m benchmarks.chaos.sabotage [NAME…]` breaks the product in a copy, and its row must say NOT.

Each sabotage is one line of the product changed, and the row that is there for it, small. Exit 1 where a row held all
the same, or where the line is not there any more; `--list` names them.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos import dying, outages, tapping, upgrades
from benchmarks.chaos.__main__ import HEAD, Row, tried
from benchmarks.chaos.sick_provider import sick_provider
from benchmarks.chaos.stage import stage

HERE = Path(__file__).parents[2]
PRODUCT = ("streams", "schemas", "comparators")
PATIENCE = 0.5  # what is lost never comes: waiting as long as in the table would take an hour


@dataclass(frozen=True, slots=True)
class Sabotage:
    """In this file, `old` becomes `new`, and this row is to notice."""

    path: str
    old: str
    new: str
    row: Row


SABOTAGES: dict[str, Sabotage] = {
    "commits_what_is_not_done": Sabotage(
        "streams/lanes.py",
        "newest[tp] = generation, lane.next_offset",
        "newest[tp] = generation, lane.records[-1].end if lane.records else lane.next_offset",
        lambda on: dying.killed(on, 600, 2, "replay"),
    ),
    "forgets_trials": Sabotage(
        "streams/replay/replayer.py",
        "self._done[tp] = past.trials",
        "self._done[tp] = set()",
        lambda on: dying.killed(on, 600, 2, "replay"),
    ),
    "forgets_the_ledger": Sabotage(
        "streams/replay/replayer.py",
        "self.ledger.restore(tp, past.ledger.values())",
        "self.ledger.restore(tp, ())",
        lambda on: dying.killed(on, 600, 2),
    ),
    "ids_are_random": Sabotage(
        "schemas/trials.py",
        "return stable_id(trial, candidate, candidate_hash)",
        'return stable_id(trial, candidate, candidate_hash, __import__("os").urandom(8).hex())',
        lambda on: dying.killed(on, 1500, 3, "score"),
    ),
    "commits_what_is_not_judged": Sabotage(
        "streams/lanes.py",
        "newest[tp] = generation, lane.next_offset",
        "newest[tp] = generation, lane.records[-1].end if lane.records else lane.next_offset",
        lambda on: dying.killed(on, 600, 2, "judge"),
    ),
    "forgets_what_was_spent": Sabotage(
        "streams/replay/replayer.py",
        "self.budget.restore(tp, past.spend)",
        "pass",
        lambda on: dying.killed_capped(on, 1000, 2, "requests_per_day", 1000),
    ),
    "gives_partitions_away_undone": Sabotage(
        "streams/faust_app.py",
        "await lanes.drain(DRAIN_AT_REVOKE_S)",
        "pass",
        lambda on: dying.rebalanced(on, 800, latency_ms=300),
    ),
    "wakes_up_unawares": Sabotage(
        "streams/lanes.py",
        "return self._is_awake and time.monotonic() - self._awake_at <= self._doubt_after_s",
        "return True",
        lambda on: dying.slept(on, 4000, 4, latency_ms=200),
    ),
    "does_not_drain": Sabotage(
        "streams/worker.py",
        "DRAIN_S, STOP_S = 10.0",
        "DRAIN_S, STOP_S = 0.0",
        lambda on: dying.terminated(on, 120, latency_ms=3000),
    ),
    "does_not_see_a_stall": Sabotage(
        "streams/watchdog.py",
        "STALLED_AFTER_S = 40.0",
        "STALLED_AFTER_S = 400.0",
        lambda on: dying.unhealthy(on, "silent_consumer"),
    ),
    "does_not_see_a_stuck_loop": Sabotage(
        "streams/health.py",
        "STUCK_AFTER_S = 30.0",
        "STUCK_AFTER_S = 300.0",
        lambda on: dying.unhealthy(on, "stuck_loop"),
    ),
    "gives_up_on_clickhouse": Sabotage(
        "streams/scorer.py",
        "metrics.STORE_RETRIES.labels(what).inc()",
        "raise",
        lambda on: outages.clickhouse_away(on, 600, 9),
    ),
    "refuses_the_whole_batch": Sabotage(
        "streams/store/store.py",
        "if len(batch) == 1:\n            return [(batch[0][0], str(refused))]",
        "if batch:\n            return [(one[0], str(refused)) for one in batch]",
        lambda on: outages.poisonous_row(on, 200),
    ),
    "loses_dead_letters": Sabotage(
        "streams/replay/replayer.py",
        "await self._dead_letter(record, unreadable.reason)",
        "pass",
        lambda on: tapping.strange_records(on, 300),
    ),
    "skips_what_expired": Sabotage(
        "streams/replay/replayer.py",
        "self.ledger.expire(tp, start, end, ts_ms, self._names)",
        "pass",
        lambda on: tapping.expired(on, 200),
    ),
    "new_partitions_at_their_end": Sabotage(
        "streams/kafka.py",
        'if start == "latest" and place.topic not in known',
        'if start == "latest"',
        lambda on: tapping.partitions_gained(on, 80, running=False),
    ),
    "confuses_upgrades": Sabotage(
        "streams/stored_trials.py",
        "if dict(r.headers).get(topics.UPGRADE_HEADER) == upgrade.encode()",
        "if upgrade",
        lambda on: tapping.at_once(on, 400),
    ),
    "backfill_forgets": Sabotage(
        "streams/backfill.py",
        "replayer.leave_out(tp, places)",
        "pass",
        lambda on: tapping.at_once(on, 800),
    ),
    "waits_for_the_sick": Sabotage(
        "streams/replay/stragglers.py",
        "asked.give_up()",
        "pass",
        lambda on: sick_provider(on, 5, 25),
    ),
}


def broken(name: str, folder: Path) -> None:
    """Write a copy of the product with this sabotage.

    Raises:
        SystemExit: the line is not there.
    """
    sabotage = SABOTAGES[name]
    for package in PRODUCT:
        shutil.copytree(HERE / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / sabotage.path
    text = path.read_text()
    if text.count(sabotage.old) != 1:
        sys.exit(f"{name}: {sabotage.path} does not hold once: {sabotage.old}")
    path.write_text(text.replace(sabotage.old, sabotage.new))


async def row(name: str) -> bool:
    """Run the row of a sabotage on the product as it is imported."""
    upgrades.PATIENCE = PATIENCE
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as on:
            return await tried(name, SABOTAGES[name].row, on)


async def noticed(name: str, turn: asyncio.Semaphore) -> bool:
    """Break a copy and run the row on it; whether it failed."""
    async with turn:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            broken(name, Path(folder))
            found = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.chaos.sabotage", "--row", name,
                # without "safe path" a worker that is started by -m would import what lies in the current folder
                cwd=HERE, env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{HERE}", "PYTHONSAFEPATH": "1"},
            )  # fmt: skip
            code = await found.wait()
        if code != 1:
            print(f"{name}: its row held ({time.monotonic() - started:.0f} s)", flush=True)
        return code == 1


async def main(names: list[str]) -> int:
    """Break, run, and see the rows fail, three at a time; exit code 1 where one held."""
    print(HEAD, flush=True)
    turn, chosen = asyncio.Semaphore(3), names or list(SABOTAGES)
    found = await asyncio.gather(*(noticed(name, turn) for name in chosen))
    print(f"\n{sum(found)} of {len(chosen)} sabotages were noticed")
    return 0 if all(found) else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--list"]:
            print("\n".join(SABOTAGES))
        case ["--row", name]:
            sys.exit(0 if asyncio.run(row(name)) else 1)
        case given:
            sys.exit(asyncio.run(main(given)))
