"""The first offset that a partition still has: says of missing offsets whether retention took them."""

import asyncio
import time
from collections import defaultdict

import faust
from faust.types import TP


class LogStarts:
    """Asks the app's consumer. Questions that come while one is on its way share the next answer."""

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._known: dict[TP, tuple[float, int]] = {}  # when it was asked, and what was said
        self._asking: defaultdict[TP, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, tp: TP) -> int:
        """The first offset, as of now or later."""
        noticed = time.monotonic()
        async with self._asking[tp]:
            if self._known.get(tp, (-1.0, 0))[0] < noticed:
                asked = time.monotonic()
                self._known[tp] = asked, (await self._app.consumer.earliest_offsets(tp))[tp]
            return self._known[tp][1]
