"""What we do otherwise than Faust: no task for what does not wait, no sleep where there is room, no turn per record."""

import asyncio
import time
from types import SimpleNamespace

import pytest
import pytest_asyncio
from mode.services import Service

from streams.faust_consumer import Quick, events


@pytest_asyncio.fixture
async def consumer():
    return Quick()


async def test_a_record_that_nobody_has_to_wait_for_takes_no_task(consumer):
    tasks = []

    async def hand_over():
        tasks.append(asyncio.current_task())
        return "done"

    found = await consumer.wait_first(hand_over(), asyncio.Event().wait())
    assert found.results == ["done"]
    assert tasks == [asyncio.current_task()]


async def test_a_record_that_waits_for_a_full_stream_is_handed_over_in_the_end(consumer):
    room, moved = asyncio.Event(), []

    async def hand_over():
        await room.wait()
        await asyncio.sleep(0)
        moved.append(1)
        return "done"

    asyncio.get_running_loop().call_later(0.05, room.set)
    found = await consumer.wait_first(hand_over(), asyncio.Event().wait())
    assert (found.results, moved) == (["done"], [1])


async def test_a_suspended_stream_ends_the_waiting_and_closes_what_handed_over(consumer):
    suspended, closed = asyncio.Event(), []

    async def hand_over():
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(1)

    asyncio.get_running_loop().call_later(0.05, suspended.set)
    await consumer.wait_first(hand_over(), suspended.wait())
    await asyncio.sleep(0.05)
    assert closed == [1]


async def test_what_handing_over_raises_is_raised(consumer):
    async def hand_over():
        raise ValueError("no such stream")

    with pytest.raises(ValueError, match="no such stream"):
        await consumer.wait_first(hand_over(), asyncio.Event().wait())


class Reader(Service):
    """As Faust reads, down to what is asked of Kafka: which partitions, and how long it may wait for them."""

    def __init__(self, active, full):
        super().__init__()
        self.active, self._buffered_partitions, self.read = set(active), set(full), []
        self.flow_active = True

    def _get_active_partitions(self):
        return self.active

    async def _wait_next_records(self, timeout):
        self.read.append((set(self.active), timeout))
        return {}, self.active


class QuickReader(Quick, Reader):
    pass


async def test_a_partition_is_read_again_soon_after_its_full_buffer_has_room():
    reader = QuickReader(active=(), full={0})
    asyncio.get_running_loop().call_later(0.1, reader.active.add, 0)
    began = time.monotonic()
    await reader._wait_next_records(1.0)
    assert time.monotonic() - began < 0.5
    assert reader.read[0][0] == {0}


async def test_a_quiet_partition_does_not_hold_up_one_whose_buffer_is_full():
    reader = QuickReader(active={1}, full={0})
    await reader._wait_next_records(1.0)
    assert reader.read == [({1}, 0.05)]


async def test_where_no_buffer_is_full_a_read_waits_as_long_as_faust_wants():
    reader = QuickReader(active={0, 1}, full=())
    await reader._wait_next_records(1.0)
    assert reader.read == [({0, 1}, 1.0)]


class Stream:
    """As a Faust stream: it gives what is first in its queue, then is asked again."""

    def __init__(self, waiting):
        flow = SimpleNamespace(is_active=lambda: True)
        self.app = SimpleNamespace(flow_control=flow, consumer_generation_id=2)
        self.channel = SimpleNamespace(queue=asyncio.Queue())
        self.turns = 0
        for event in waiting:
            self.channel.queue.put_nowait(event)

    def noack(self):
        return self

    async def events(self):
        while not self.channel.queue.empty():
            self.turns += 1
            yield self.channel.queue.get_nowait()


def event(offset, generation=2):
    return SimpleNamespace(message=SimpleNamespace(offset=offset, generation_id=generation))


async def offsets(stream):
    return [one.message.offset async for one in events(stream)]


async def test_what_waits_in_a_stream_is_taken_in_order_with_few_turns_of_faust():
    stream = Stream(map(event, range(100)))
    assert await offsets(stream) == list(range(100))
    assert 2 <= stream.turns <= 5


async def test_what_was_fetched_before_a_rebalance_is_left_out_as_faust_does():
    assert await offsets(Stream([event(0), event(7, generation=1), event(1)])) == [0, 1]


async def test_nothing_is_taken_while_faust_holds_the_streams_back():
    stream = Stream(map(event, range(5)))
    stream.app.flow_control.is_active = lambda: False
    assert await offsets(stream) == [0]


async def test_partitions_that_go_while_a_record_is_in_hand_take_theirs_with_them():
    stream, seen = Stream(map(event, range(5))), []
    async for one in events(stream):
        seen.append(one.message.offset)
        while not stream.channel.queue.empty():
            stream.channel.queue.get_nowait()
    assert seen == [0]
