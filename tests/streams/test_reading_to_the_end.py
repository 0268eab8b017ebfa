"""Where a log ends is known, not guessed from silence: what was done already is found however slowly it comes."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from faust.types import TP

from schemas import topics
from schemas.errors import UnreachableError
from schemas.settings import Kafka
from streams import kafka as clients
from streams.embedded.broker import embedded_broker
from streams.following import Follower
from streams.kafka import admin, any_record, producer, reader, to_the_end
from streams.replay.look_back import look_back

PLACE = TopicPartition(topics.TRIALS, 0)
BATCHES = (20, 1, 9)


@pytest.fixture
async def filled():
    """Trials of the offsets 0 to 29, produced in batches whose ends the embedded broker reports wrongly."""
    async with embedded_broker() as bootstrap:
        where = Kafka(bootstrap=bootstrap)
        async with admin(where) as client:
            await client.create_topics([NewTopic(topics.TRIALS, 1, 1)])
        number = 0
        for size in BATCHES:
            async with producer(where) as sink:
                for _ in range(size):
                    headers = [("upgrade", b"u"), ("kind", b"trial"), ("src", b"tapped/0/%d/0" % number)]
                    await sink.send(PLACE.topic, b"{}", partition=0, headers=headers)
                    number += 1
                await sink.flush()
        yield where


@pytest.fixture
def slow(monkeypatch):
    """The first polls give nothing, as from a slow broker or beside work that blocks the event loop."""
    left, getmany = [3], AIOKafkaConsumer.getmany

    async def empty_at_first(self, *places, **how):
        left[0] -= 1
        return {} if left[0] >= 0 else await getmany(self, *places, **how)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", empty_at_first)
    return left


async def test_polls_that_give_nothing_are_not_the_end(filled, slow):
    found = await look_back(filled, "u", {TP("tapped", 0): 5}, 1, 5000)
    assert found[TP("tapped", 0)].trials == {(offset, 0) for offset in range(sum(BATCHES))}

    slow[0] = 3
    assert await any_record(filled, TP(PLACE.topic, 0), 4, 9)

    slow[0], heeded = 3, []
    await Follower(filled, PLACE.topic, heeded.extend).catch_up()
    assert [record.offset for record in heeded] == list(range(sum(BATCHES)))


async def test_reading_stops_where_it_is_told_and_a_log_that_stays_silent_is_an_error(filled, slow, monkeypatch):
    async with reader(filled) as client:
        offsets = [record.offset async for batch in to_the_end(client, PLACE, 3, 25) for record in batch]
        assert offsets == list(range(3, 25))
        slow[0] = 99
        monkeypatch.setattr(clients, "SILENT_POLLS", 4)
        with pytest.raises(UnreachableError, match=r"ends at offset 22.* gives nothing from 0"):
            await anext(to_the_end(client, PLACE, 0))
