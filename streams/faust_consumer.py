"""Faust's consumer without what costs faust-streaming 0.15.3 time in vain.

Tasks: `wait_first` runs the handing over of a record to its stream as a task, beside three more that wait for the end
of the consumer. Handing over hardly ever waits for anything, so here it is begun without a task, and becomes one where
it does wait (as "eager tasks" of Python 3.12 do).

Sleep: partitions whose stream's buffer is full are not read from until there is room. Faust notices the room up to a
second late: it sleeps while all are full, and where some are not, it waits for those alone, be they as quiet as can be.
So at most a buffer's records pass in a second. Here it looks often while any is full.

Streams: Faust's iterator turns the event loop once for each record, and looks at much besides. Here records that wait
already are taken after one another.

Statistics of every single record: nobody reads them.
"""

import types
from collections.abc import AsyncIterator, Coroutine, Generator
from time import monotonic
from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode.services import Service, WaitResults

_LOOKS, _LOOK_S = 20, 0.05  # for room in a buffer that was full
_AT_ONCE = 32  # records, until Faust's iterator has its turn: it watches whether a stream moves
_RECORD_AND_SUSPENSION = 2  # the awaitables of the one call that is made for every record


class Quick(Service):  # type: ignore[misc] # mode ships no types
    """What a Faust consumer does otherwise."""

    async def wait_first(self, *waits: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - Faust's
        """As Faust's: the results of what ended first."""
        if len(waits) != _RECORD_AND_SUSPENSION or not isinstance(waits[0], Coroutine):
            return await super().wait_first(*waits, timeout=timeout)
        handing_over, suspension = waits
        try:
            waiting_for = handing_over.send(None)
        except StopIteration as done:
            suspension.close()
            return WaitResults([handing_over], [done.value], stopped=False)
        except BaseException:
            suspension.close()
            raise
        return await super().wait_first(_rest(handing_over, waiting_for), suspension, timeout=timeout)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        """As Faust's, but no sleep, and no wait for quiet partitions, while there is room again for a busy one."""
        looks = _LOOKS if self._buffered_partitions and self.flow_active else 0
        while looks and not self._get_active_partitions():
            await self.sleep(_LOOK_S)
            looks -= 1
        return await super()._wait_next_records(_LOOK_S if self._buffered_partitions else timeout)


class BeatingThread(AIOKafkaConsumerThread):  # type: ignore[misc] # Faust ships no types
    """Faust's thread of the consumer, which can be told to send heartbeats."""

    async def beat(self) -> None:
        """Send heartbeats from now on.

        aiokafka begins with them when the handler of an assignment is done, so that one that takes longer than the
        session loses what was assigned, again and again.
        """
        self._ensure_consumer()._coordinator._start_heartbeat_task()  # noqa: SLF001 - no public way; does nothing twice


class QuickConsumer(Quick, Consumer):  # type: ignore[misc] # Faust ships no types
    """Faust's consumer, quicker, and a member of its group for as long as it takes partitions over."""

    def _new_consumer_thread(self) -> BeatingThread:
        return BeatingThread(self, loop=self.loop, beacon=self.beacon)

    async def stay_member(self) -> None:
        """Be a member from now on; for handlers of an assignment."""
        await self._thread.call_thread(self._thread.beat)


class QuickTransport(Transport):  # type: ignore[misc] # the same
    """Faust's transport with this consumer."""

    Consumer = QuickConsumer


class NoStatistics(faust.Monitor):  # type: ignore[misc] # the same
    """Faust's monitor without the figures it keeps of every single record; ours are in `metrics`."""

    def on_message_in(self, *_: Any) -> None:
        """A record came."""

    def on_stream_event_in(self, tp: TP, *_: Any) -> None:
        """A record is given to the agent; when, is what Faust's own watch over stalled streams needs."""
        self.stream_inbound_time[tp] = monotonic()

    def on_stream_event_out(self, *_: Any) -> None:
        """The agent is done with it."""


async def events(stream: Any) -> AsyncIterator[Any]:
    """The events of a Faust stream, without its own acknowledgement."""
    unacknowledged = stream.noack()
    app = stream.app
    async for first in unacknowledged.events():
        yield first
        waiting = unacknowledged.channel.queue
        for _ in range(_AT_ONCE):
            if waiting.empty():
                break
            event = waiting.get_nowait()
            if app.flow_control.is_active() and event.message.generation_id == app.consumer_generation_id:
                yield event  # others are from before a rebalance, and come again; Faust leaves them out too


async def _rest(begun: Coroutine[Any, Any, Any], waiting_for: Any) -> Any:
    """The rest of a coroutine that was begun outside a task, and waits for this future."""
    return await _resumed(begun, waiting_for)


@types.coroutine
def _resumed(begun: Coroutine[Any, Any, Any], waiting_for: Any) -> Generator[Any, Any, Any]:
    try:
        yield waiting_for
    except BaseException as raised:
        begun.throw(raised)  # which ends it: what hands records over waits for nothing while it is being cancelled
        raise
    return (yield from begun)  # not await, which refuses what is begun
