"""Records finish out of order, positions move in order: a lane per partition with its own watermark.

Why not Faust's own acknowledgement: in faust-streaming 0.15.3 it commits past records that are still being worked on,
throws its pending list away before a rebalance is announced, and crawls on topics with offset gaps. So streams are
read with `noack()`, and what is committed is the watermark kept here: the first offset that is not finished.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import faust
from faust.types import TP

from streams import metrics

log = logging.getLogger(__name__)

START_TOGETHER, START_WITHIN_S = 64, 0.003  # records; how long the first of them waits for others


_Key = tuple[tuple[str, int, int], bool]  # place of a record, and whether it is a gap


@dataclass(eq=False, slots=True)
class Taken:
    """A record in work. `result` is what the work gave; `on_passed` gets it when the watermark passes the record.

    `end` is the offset after it. A gap in the offsets is a record, too, `is_gap`: without value, as long as the gap.
    """

    tp: TP
    generation: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    ts_ms: int
    end: int
    is_gap: bool = False
    finished: bool = False
    result: Any = None

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition, offset."""
        return self.tp.topic, self.tp.partition, self.offset

    def header(self, name: str) -> str | None:
        """The first header of this name, as text."""
        return next((v.decode("utf-8", "replace") for k, v in self.headers if k == name and v is not None), None)


class Abandoned(Exception):  # noqa: N818 - an outcome of work, not an error
    """The record is not ours any more, so no more is paid for it; whoever owns it next begins anew."""


@dataclass(slots=True)
class Claim:
    """Whether a record is still ours to pay for. `is_begun` is set by whoever begins to pay."""

    lanes: "Lanes"
    record: Taken
    is_begun: bool = False

    @property
    def is_lost(self) -> bool:
        """It is somebody else's, or will be: we stop, or partitions are being taken away.

        What is begun is brought to its end as long as draining takes: half a trial would be paid for nothing.
        """
        if self.is_begun:
            return not self.lanes.keeps(self.record)
        return self.lanes.stopping or not (self.lanes.ready.is_set() and self.lanes.keeps(self.record))

    @property
    def is_sure(self) -> bool:
        """It is ours: not lost, and we have not slept so long that we may have been thrown out unawares."""
        return not self.is_lost and self.lanes.is_awake


@dataclass(slots=True)
class _Lane:
    """The records of one partition and generation, oldest first."""

    next_offset: int  # first offset not finished: what may be committed
    records: deque[Taken] = field(default_factory=deque)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    passed_ms: int = 0  # event time of the record the watermark passed last


class Lanes:
    """Takes records from a Faust stream, bounds what is in work, and commits in order.

    At most `slots` records are in work at once, and none whose offset lies `window` or more beyond the first
    unfinished one of its partition; both hold the stream back, which is all the backpressure there is. `ready` is
    cleared between losing and getting partitions; `is_held_back` while a taken record waits for others, `held_by` with
    it where the window of this partition is full. `on_passed` is called for each record, in order, when the watermark
    passes it; `before_commit` is awaited with (partition, mark) before the mark is committed, and must make durable
    what committing promises. Where offsets are missing, `explain` is the work on the gap: compaction and markers of
    transactions leave some, and so does retention that overtakes us.

    Faust can leave one, too: what it had fetched before a rebalance it may hand out after it, and then skips all that
    lies between the committed position and there. So where the first record of a partition is not the expected one,
    `any_record` is asked whether (partition, start, end) holds one, and if so the consumer is sent back.
    """

    def __init__(
        self,
        app: faust.App,
        *,
        slots: int,
        role: str = "replay",
        window: int = 5000,
        session_s: float = 30.0,
        on_passed: Callable[[Taken], None] | None = None,
        before_commit: Callable[[TP, int], Awaitable[None]] | None = None,
        explain: Callable[[Taken], Awaitable[Any]] | None = None,
        any_record: Callable[[TP, int, int], Awaitable[bool]] | None = None,
    ) -> None:
        self.window, self.slots = window, slots
        self.role = role
        self.ready = asyncio.Event()
        self.ready.set()
        self.stopping = False
        self.is_held_back = False
        self.held_by: TP | None = None
        self.in_work: set[Taken] = set()
        metrics.IN_FLIGHT.labels(role).set_function(lambda: float(len(self.in_work)))
        self._app = app
        self._slots = asyncio.Semaphore(slots)
        self._lanes: dict[tuple[TP, int], _Lane] = {}
        self._committed: dict[TP, int] = {}
        self._running: dict[_Key, asyncio.Task[Any]] = {}
        self._to_start: list[tuple[Taken, Callable[[], Awaitable[Any]]]] = []
        self._crashing: set[asyncio.Task[None]] = set()
        self._committing = asyncio.Lock()
        self._lost_at = 0.0
        self._doubt_after_s = session_s / 2
        self._awake_at = time.monotonic()
        self._is_awake = True
        self._sure_at = self._awake_at
        self._on_passed = on_passed
        self._before_commit = before_commit
        self._explain, self._any_record = explain, any_record
        self._next: dict[TP, int] = {}  # the offset that should come next

    async def take(self, events: AsyncIterator[Any]) -> AsyncIterator[Taken]:
        """The records of a stream's events, each counted as unfinished before anything is awaited."""
        async for event in events:
            if await self._is_too_far(event.message):
                continue
            record = self._add(event)
            self.is_held_back = True
            await self.ready.wait()
            lane = self._lanes.get((record.tp, record.generation))
            while lane is not None and record.offset - lane.next_offset >= self.window and not self.stopping:
                self.held_by = record.tp
                lane.moved.clear()
                await lane.moved.wait()
            self.held_by = None
            await self._slots.acquire()
            self.is_held_back = False
            if self.stopping or (record.tp, record.generation) not in self._lanes:
                self._slots.release()  # stays unfinished: whoever owns the partition next gets it again
                continue
            self.in_work.add(record)
            yield record

    def start(self, record: Taken, work: Callable[[], Awaitable[Any]]) -> None:
        """Work on a taken record in a task of its own and finish it with the result; an exception ends the worker.

        If the same record is in work already (it came again after a rebalance), that work is awaited instead.
        Work that begins together runs the same code one after the other while the processor has it at hand, which a
        replay worker gains a sixth of its time by.
        """
        self._to_start.append((record, work))
        if len(self._to_start) >= min(START_TOGETHER, self.slots):
            self._start_all()
        elif len(self._to_start) == 1:
            asyncio.get_running_loop().call_later(START_WITHIN_S, self._start_all)

    def _start_all(self) -> None:
        starting, self._to_start = self._to_start, []
        for record, work in starting:
            self._start(record, work)

    def _start(self, record: Taken, work: Callable[[], Awaitable[Any]]) -> None:
        key = record.place, record.is_gap
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.ensure_future(work())
        task.add_done_callback(partial(self._worked, record, work, key))

    def finish(self, record: Taken, result: Any = None) -> None:
        """The record has an outcome that is durable; the watermark may pass it."""
        if record.finished:
            return
        record.finished, record.result = True, result
        self.in_work.discard(record)
        if not record.is_gap:
            self._slots.release()
        lane = self._lanes.get((record.tp, record.generation))
        if lane is None:
            return  # the partition went to somebody else meanwhile
        while lane.records and lane.records[0].finished:
            passed = lane.records.popleft()
            lane.next_offset, lane.passed_ms = passed.end, max(lane.passed_ms, passed.ts_ms)
            if self._on_passed is not None:
                self._on_passed(passed)
        lane.moved.set()

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - bounds the wait, does not cancel the work
        """Wait up to `timeout` seconds for the records in work; returns how many stay unfinished."""
        deadline = asyncio.get_running_loop().time() + timeout
        while self.in_work and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - new work may still start
            await asyncio.sleep(0.02)
        return sum(len(lane.records) for lane in self._lanes.values())

    async def commit(self, tps: Collection[TP] | None = None) -> None:
        """Commit the watermarks (of `tps`, or of all) that have moved."""
        async with self._committing:
            assigned = self._app.consumer.assignment()  # Faust drops others silently and says it committed
            marks = {
                tp: mark
                for tp, mark in self.marks().items()
                if tp in assigned and (tps is None or tp in tps) and mark > self._committed.get(tp, -1)
            }
            if not marks:
                return
            with metrics.COMMIT_SECONDS.labels(self.role).time():
                if self._before_commit is not None:
                    for tp, mark in marks.items():
                        await self._before_commit(tp, mark)
                if await self._app.consumer._commit(marks):  # noqa: SLF001 - the one private call; see the module's reason
                    self._committed.update(marks)

    async def commit_every(self, seconds: float) -> None:
        """Commit for ever, at this interval; after a long sleep find out first whether we still belong to the group."""
        while True:
            await asyncio.sleep(seconds)
            if time.monotonic() - self._awake_at > self._doubt_after_s:
                self._is_awake = False
            self._awake_at = time.monotonic()
            self._is_awake = self._is_awake or await self._is_member()
            if self._is_awake:
                await self.commit()
                self._sure_at = time.monotonic()

    @property
    def is_awake(self) -> bool:
        """Whether we have not just woken from a sleep in which others may have got our partitions."""
        return self._is_awake and time.monotonic() - self._awake_at <= self._doubt_after_s

    def doubt_s(self) -> float:
        """For how long we have not known whether our partitions are still ours, seconds; nothing is begun meanwhile."""
        return 0.0 if self.is_awake else time.monotonic() - self._sure_at

    async def _is_member(self) -> bool:
        """Ask by committing again what is committed: Kafka refuses that from a worker it has thrown out."""
        assigned = self._app.consumer.assignment()
        marks = {tp: mark for tp, mark in self._committed.items() if tp in assigned}
        return not marks or bool(await self._app.consumer._commit(marks))  # noqa: SLF001 - as above

    def keeps(self, record: Taken) -> bool:
        """Whether the record's partition is ours, be it that we are losing it just now."""
        return (record.tp, record.generation) in self._lanes

    def drop(self, tps: Collection[TP]) -> None:
        """Forget partitions that are no longer ours."""
        for key in [key for key in self._lanes if key[0] in tps]:
            self._lanes.pop(key).moved.set()
        for tp in tps:
            self._committed.pop(tp, None)
            self._next.pop(tp, None)

    def expect(self, positions: Mapping[TP, int]) -> None:
        """These offsets should come first from partitions that are newly ours."""
        self._next.update(positions)

    def marks(self) -> dict[TP, int]:
        """The first unfinished offset of each partition that gave a record."""
        newest: dict[TP, tuple[int, int]] = {}
        for (tp, generation), lane in self._lanes.items():
            if tp not in newest or generation > newest[tp][0]:
                newest[tp] = generation, lane.next_offset
        return {tp: mark for tp, (_, mark) in newest.items()}

    def oldest_ms(self, tp: TP) -> int | None:
        """Event time of the partition's oldest unfinished record, of the last finished one where none is known."""
        lanes = [lane for (place, _), lane in self._lanes.items() if place == tp]
        waiting = [lane.records[0].ts_ms for lane in lanes if lane.records]
        return min(waiting, default=None) or max((lane.passed_ms for lane in lanes), default=0) or None

    def taking_over_s(self) -> float:
        """For how long partitions have been on their way from one worker to another, seconds; 0 where none are."""
        return 0.0 if self.ready.is_set() else time.monotonic() - self._lost_at

    def losing(self) -> None:
        """Partitions are being taken away: nothing is started until others have come."""
        self.ready.clear()
        self._lost_at = time.monotonic()

    def won(self) -> None:
        """Partitions are ours, and all that is known of them: go on."""
        self._is_awake = True
        self._awake_at = self._sure_at = time.monotonic()
        self.ready.set()

    def crash(self, reason: BaseException) -> None:
        """End the worker: nothing that raised may be skipped in silence."""
        crashing = asyncio.ensure_future(self._app.crash(reason))
        self._crashing.add(crashing)
        crashing.add_done_callback(self._crashing.discard)

    async def _is_too_far(self, message: Any) -> bool:
        """Whether records before this first one of its partition were skipped; then it and they come again."""
        if (message.tp, message.generation_id) in self._lanes or self._any_record is None:
            return False
        await self.ready.wait()
        expected = self._next.get(message.tp, message.offset)
        if message.offset <= expected or not await self._any_record(message.tp, expected, message.offset):
            return False
        log.warning("%s: got offset %d after a rebalance, goes back to %d", message.tp, message.offset, expected)
        await self._app.consumer.seek(message.tp, expected)
        self._app.consumer._read_offset[message.tp] = expected - 1  # noqa: SLF001 - Faust's seek forgets this one
        return True

    def _add(self, event: Any) -> Taken:
        message = event.message
        record = Taken(
            tp=message.tp,
            generation=message.generation_id,
            offset=message.offset,
            key=message.key,
            value=message.value,
            headers=tuple(message.headers or ()),
            ts_ms=round(message.timestamp * 1000),
            end=message.offset + 1,
        )
        first = min(self._next.get(record.tp, record.offset), record.offset)
        lane = self._lanes.setdefault((record.tp, record.generation), _Lane(first))
        if first < record.offset and self._explain is not None:
            gap = Taken(record.tp, record.generation, first, None, None, (), record.ts_ms, record.offset, is_gap=True)
            lane.records.append(gap)
            self.in_work.add(gap)
            self.start(gap, partial(self._explain, gap))
        self._next[record.tp] = record.end
        lane.records.append(record)
        metrics.of(metrics.RECORDS_TAKEN, self.role, record.tp.topic).inc()
        self._committed.setdefault(record.tp, first)  # where we start is where we were
        return record

    def _worked(self, record: Taken, work: Callable[[], Awaitable[Any]], key: _Key, task: asyncio.Task[Any]) -> None:
        """The work on a record has ended, one way or another."""
        if self._running.get(key) is task:
            del self._running[key]
        if task.cancelled():
            return  # the event loop ends
        raised = task.exception()
        if raised is None:
            self.finish(record, task.result())
        elif not isinstance(raised, Abandoned):
            self.crash(raised)
        elif self.keeps(record) and self.ready.is_set() and not self.stopping:
            self.start(record, work)  # what was abandoned was work on the same record as it came before
        elif record in self.in_work:
            self.in_work.discard(record)
            self._slots.release()
