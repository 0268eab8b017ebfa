"""Taking partitions over may take longer than a session; a worker that is at it stays a member of its group."""

import asyncio

from aiokafka.admin import NewTopic

from schemas.settings import Kafka
from streams.faust_app import agent, create_app, keep_lanes
from streams.kafka import admin
from streams.lanes import Lanes
from tests.streams.conftest import needs_kafka

SESSION_S = 6.0  # the shortest that Kafka allows by default


@needs_kafka
async def test_a_take_over_that_is_longer_than_the_session_is_done_once(kafka):
    settings = Kafka(bootstrap=kafka.bootstrap)
    async with admin(settings) as client:
        await client.create_topics([NewTopic("slow", 1, 1)])
    app = create_app(settings, "slow", "replay", SESSION_S)
    lanes = Lanes(app, slots=1, session_s=SESSION_S)
    taken_over = []

    async def look_back(positions):
        taken_over.append(set(positions))
        await asyncio.sleep(SESSION_S + 3)

    @agent(app, lanes, "slow")
    async def nothing(records):
        async for _ in records:
            pass

    keep_lanes(app, lanes, settings, look_back)
    app.finalize()
    await app.start()
    try:
        async with asyncio.timeout(40):
            await lanes.ready.wait()
        await asyncio.sleep(3)
        assert len(taken_over) == 1
        assert lanes.ready.is_set()
    finally:
        await app.stop()
