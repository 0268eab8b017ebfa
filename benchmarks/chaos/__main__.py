"""`python -m benchmarks.chaos [ROW…]`: the table of faults on Apache Kafka, each row in full; `--list` names the rows.

Prints a Markdown table of what was counted; exit 1 where a row failed.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.chaos import rows
from benchmarks.chaos.stage import Stage, stage

Row = Callable[[Stage], Awaitable[str]]

TABLE: dict[str, Row] = {
    "killed_all_roles": lambda on: rows.killed(on, 10_000, 10, "all"),
    "killed_replay": lambda on: rows.one_role_killed(on, "replay", 3000, 4, 2.0),
    "killed_score": lambda on: rows.one_role_killed(on, "score", 3000, 4, 2.0),
    "killed_judge": lambda on: rows.one_role_killed(on, "judge", 1000, 3, 2.0),
    "rebalanced": lambda on: rows.rebalanced(on, 4000),
    "slept": lambda on: rows.slept(on, 4000, times=2),
    "broker_stopped": lambda on: rows.broker_stopped(on, 3000, 20),
    "clickhouse_away": lambda on: rows.clickhouse_away(on, 3000, 60),
    "poisonous_row": lambda on: rows.poisonous_row(on, 1000),
    "strange_records": lambda on: rows.strange_records(on, 5000),
    "mutated_values": lambda _: rows.mutated_values(200_000),
    "expired": lambda on: rows.expired(on, 1000),
    "partitions_gained_stopped": lambda on: rows.partitions_gained(on, 400, running=False),
    "partitions_gained_running": lambda on: rows.partitions_gained(on, 400, running=True),
    "two_topics": lambda on: rows.two_topics(on, 1000),
    "two_upgrades": lambda on: rows.two_upgrades(on, 1000),
    "terminated": lambda on: rows.terminated(on, 500),
    "stuck_loop": lambda on: rows.unhealthy(on, "stuck_loop"),
    "silent_consumer": lambda on: rows.unhealthy(on, "silent_consumer"),
}


async def main(names: list[str]) -> int:
    """Run the rows named, or all."""
    failed = 0
    print("| row | s | counted |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        async with stage(Path(folder)) as on:
            for name in names or TABLE:
                started = time.monotonic()
                try:
                    counted = await TABLE[name](on)
                except Exception as wrong:  # noqa: BLE001 - the other rows are of interest, too
                    counted = f"**FAILED** {type(wrong).__name__}: {wrong}".replace("\n", " ")[:2000]
                    failed += 1
                print(f"| {name} | {time.monotonic() - started:.0f} | {counted} |", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    if "--list" in sys.argv:
        sys.exit("\n".join(TABLE))
    sys.exit(asyncio.run(main(sys.argv[1:])))
