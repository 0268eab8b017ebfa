"""A worker that breaks: `python -m benchmarks.chaos.broken_worker CONFIG PORT stuck_loop|silent_consumer`."""

import asyncio
import sys
import time

from schemas.config import load_config
from streams.health import Health, seen_from_outside
from streams.worker import reached, run


async def main(path: str, port: str, fault: str) -> None:
    health, stop = Health(), asyncio.Event()
    async with (
        seen_from_outside(health, f"127.0.0.1:{port}"),
        reached(load_config(path), ("replay",), health, stop) as made,
    ):
        work = asyncio.ensure_future(run(made.roles, stop))
        while sum(made.replayer.outcomes.values()) < 40:
            await asyncio.sleep(0.1)
        if fault == "stuck_loop":
            time.sleep(600)  # noqa: ASYNC251 - this is the fault
        consumer = made.roles[0].app.consumer._thread._consumer  # noqa: SLF001 - broken on purpose
        while True:  # it is never asked to fetch again, as after a poll interval that was exceeded
            consumer.pause(*consumer.assignment())
            await asyncio.sleep(0.01)
            if work.done():
                return


asyncio.run(main(*sys.argv[1:]))
