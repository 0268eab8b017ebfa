"""Follows a small topic of one partition from its beginning, for whoever must know its latest state before starting."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import UnreachableError
from schemas.settings import Kafka
from streams.kafka import reader, to_the_end

log = logging.getLogger(__name__)

LOOK_MS = 200  # how long one look at the topic waits for news
AGAIN_S = 1.0


@dataclass
class Follower:
    """`heed` is called with new records, oldest first, each once."""

    kafka: Kafka
    topic: str
    heed: Callable[[Sequence[ConsumerRecord]], None]
    next_offset: int = 0

    async def catch_up(self) -> None:
        """Read what the topic holds.

        Raises:
            UnreachableError: Kafka does not answer.
        """
        async with reader(self.kafka) as client:
            async for news in to_the_end(client, TopicPartition(self.topic, 0), self.next_offset):
                self._note(news)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Catch up, then follow for the length of the block, also over outages of Kafka.

        Raises:
            UnreachableError: Kafka does not answer.
        """
        await self.catch_up()
        task = asyncio.ensure_future(self._follow())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        while True:
            try:
                async with reader(self.kafka) as client:
                    await self._read(client)
            except (KafkaError, UnreachableError, OSError) as away:
                log.warning("%s cannot be read, until then its state stays: %s", self.topic, away)
                await asyncio.sleep(AGAIN_S)

    async def _read(self, client: AIOKafkaConsumer) -> None:
        place = TopicPartition(self.topic, 0)
        client.assign([place])
        client.seek(place, self.next_offset)
        while True:
            news = (await client.getmany(place, timeout_ms=LOOK_MS)).get(place, ())
            if news:
                self._note(news)

    def _note(self, news: Sequence[ConsumerRecord]) -> None:
        self.next_offset = news[-1].offset + 1
        self.heed(news)
