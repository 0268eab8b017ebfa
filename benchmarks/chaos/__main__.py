"""`python -m benchmarks.chaos [ROW…]`: the table of faults, each row in full; `--list` names the rows.

Rows that leave idle time run beside others (`TOGETHER`); one that breaks a shared part, or is measured by a rate, runs
alone. Prints a Markdown table as it goes; exit 1 where a row failed, 2 for a name that is no row.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from benchmarks.chaos import dying, outages, tapping
from benchmarks.chaos.counted import Counted
from benchmarks.chaos.sick_provider import sick_provider
from benchmarks.chaos.stage import Stage, stage

Row = Callable[[Stage], Awaitable[Counted]]

KAFKA: dict[str, Row] = {
    "killed_all_roles": lambda on: dying.killed(on, 10_000, 10),
    "killed_replay": lambda on: dying.killed(on, 10_000, 10, "replay"),
    "killed_score": lambda on: dying.killed(on, 10_000, 10, "score"),
    "killed_judge": lambda on: dying.killed(on, 10_000, 10, "judge"),
    "killed_capped_requests": lambda on: dying.killed_capped(on, 3000, 4, "requests_per_day", 3000),
    "killed_capped_usd": lambda on: dying.killed_capped(on, 3000, 4, "usd_total", 390.0),
    "rebalanced": lambda on: dying.rebalanced(on, 4000),
    "slept": lambda on: dying.slept(on, 4000, times=2),
    "broker_stopped": lambda on: outages.broker_stopped(on, 3000, 20),
    "clickhouse_away": lambda on: outages.clickhouse_away(on, 3000, 60),
    "poisonous_row": lambda on: outages.poisonous_row(on, 1000),
    "sick_provider": lambda on: sick_provider(on, 12, 60),
    "strange_records": lambda on: tapping.strange_records(on, 200_000, share=0.03),
    "expired": lambda on: tapping.expired(on, 1000),
    "partitions_gained_stopped": lambda on: tapping.partitions_gained(on, 400, running=False),
    "partitions_gained_running": lambda on: tapping.partitions_gained(on, 400, running=True),
    "two_topics": lambda on: tapping.two_topics(on, 1000),
    "at_once": lambda on: tapping.at_once(on, 2000),
    "terminated": lambda on: dying.terminated(on, 500),
    "stuck_loop": lambda on: dying.unhealthy(on, "stuck_loop"),
    "silent_consumer": lambda on: dying.unhealthy(on, "silent_consumer"),
}
EMBEDDED: dict[str, Row] = {  # what the embedded broker can: no restart, no retention, no new partitions, no true ends
    "embedded_killed": lambda on: dying.killed(on, 1000, 3),
    "embedded_killed_capped": lambda on: dying.killed_capped(on, 1000, 2, "requests_per_day", 1000),
    "embedded_rebalanced": lambda on: dying.rebalanced(on, 1000),
    "embedded_slept": lambda on: dying.slept(on, 1000),
    "embedded_clickhouse_away": lambda on: outages.clickhouse_away(on, 600, 15),
    "embedded_poisonous_row": lambda on: outages.poisonous_row(on, 200),
    "embedded_strange_records": lambda on: tapping.strange_records(on, 1000),
    "embedded_two_topics": lambda on: tapping.two_topics(on, 300),
    "embedded_at_once": lambda on: tapping.at_once(on, 400, backfilled=False),
    "embedded_terminated": lambda on: dying.terminated(on, 200, 4000),
}
TOGETHER: tuple[tuple[str, ...], ...] = (
    ("killed_all_roles",),
    ("killed_replay", "stuck_loop"),
    ("killed_score", "silent_consumer"),
    ("killed_judge", "clickhouse_away"),
    ("killed_capped_requests", "killed_capped_usd"),
    ("slept", "poisonous_row"),
    ("rebalanced", "partitions_gained_running"),
    ("expired", "two_topics"),
    ("partitions_gained_stopped",),
    ("at_once",),
    ("terminated",),
    ("broker_stopped",),
    ("sick_provider",),
    ("strange_records",),
    ("embedded_killed", "embedded_slept"),
    ("embedded_killed_capped", "embedded_clickhouse_away"),
    ("embedded_rebalanced", "embedded_poisonous_row"),
    ("embedded_strange_records", "embedded_two_topics"),
    ("embedded_at_once", "embedded_terminated"),
)
HEAD = "| row | exchanges | compared | lost | double | asked again | in flight | s | | |\n|---|---|---|---|---|---|---|---|---|---|"


async def tried(name: str, row: Row, on: Stage) -> bool:
    """Run a row and print its line; whether it held."""
    started = time.monotonic()
    try:
        counted, held, note = await row(on), True, ""
    except Exception as wrong:  # noqa: BLE001 - the other rows are of interest, too
        counted, held = Counted(), False
        note = f"{type(wrong).__name__}: {wrong}".replace("\n", " ").replace("|", "/")[:2000]
    took = f"{time.monotonic() - started:.0f}"
    if held:
        flying = ", ".join(map(str, counted.in_flight)) or "-"
        numbers = [counted.exchanges, counted.compared, counted.lost, counted.double, counted.again, flying, took, "ok"]
    else:
        numbers = ["?"] * 6 + [took, "**NOT**"]
    print(f"| {name} | {' | '.join(map(str, numbers))} | {counted.note or note} |", flush=True)
    return held


async def together(rows: dict[str, Row], chosen: Collection[str], *, embedded: bool = False) -> list[bool]:
    """Run the chosen of these rows on one stage; whether each held."""
    groups = [names for group in TOGETHER if (names := [one for one in group if one in rows and one in chosen])]
    held: list[bool] = []
    if groups:
        with tempfile.TemporaryDirectory() as folder:
            async with stage(Path(folder), embedded=embedded) as on:
                for group in groups:
                    held += await asyncio.gather(*(tried(name, rows[name], on) for name in group))
    return held


async def main(names: Collection[str]) -> int:
    """Run the rows named, or all."""
    chosen = names or (*KAFKA, *EMBEDDED)
    unknown = set(chosen) - KAFKA.keys() - EMBEDDED.keys()
    if unknown:
        print(f"no such row: {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    started = time.monotonic()
    print(HEAD, flush=True)
    held = await together(KAFKA, chosen) + await together(EMBEDDED, chosen, embedded=True)
    print(f"\n{sum(held)} of {len(held)} rows held, {(time.monotonic() - started) / 60:.1f} minutes")
    return 0 if all(held) else 1


if __name__ == "__main__":
    if "--list" in sys.argv:
        print("\n".join((*KAFKA, *EMBEDDED)))
        sys.exit(0)
    sys.exit(asyncio.run(main(sys.argv[1:])))
