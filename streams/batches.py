"""Records in batches: scoring, inserting and judging pay per batch, not per record."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from streams import metrics
from streams.lanes import Lanes, Taken


class Batches:
    """Collects taken records and works on them together; a batch is finished when its work returns.

    `work` gets at most `size` records, `within` seconds after the first of them came at the latest. One batch at a
    time: records of a batch may share rows. With `idle_s`, `work` also gets an empty batch when nothing has come for
    so long.
    """

    def __init__(
        self,
        lanes: Lanes,
        work: Callable[[Sequence[Taken]], Awaitable[None]],
        *,
        size: int,
        within: float,
        idle_s: float | None = None,
    ) -> None:
        self._lanes, self._work, self._size, self._within, self._idle_s = lanes, work, size, within, idle_s
        self._records: asyncio.Queue[Taken] = asyncio.Queue()

    def add(self, record: Taken) -> None:
        """This record belongs to the next batch."""
        self._records.put_nowait(record)

    async def run(self) -> None:
        """Work on batches for ever; an exception ends the worker."""
        try:
            while True:
                batch = await self._next()
                metrics.BATCH_RECORDS.labels(self._lanes.role).observe(len(batch))
                await self._work(batch)
                for record in batch:
                    self._lanes.finish(record)
        except asyncio.CancelledError:
            raise
        except BaseException as raised:  # noqa: BLE001 - whatever it is, the worker ends with it and loses nothing
            self._lanes.crash(raised)

    async def _next(self) -> list[Taken]:
        try:
            batch = [await asyncio.wait_for(self._records.get(), self._idle_s)]
        except TimeoutError:
            return []
        deadline = asyncio.get_running_loop().time() + self._within
        while len(batch) < self._size and not self._lanes.stopping:
            left = deadline - asyncio.get_running_loop().time()
            try:
                batch.append(await asyncio.wait_for(self._records.get(), max(0.0, left)))
            except TimeoutError:
                break
        return batch
