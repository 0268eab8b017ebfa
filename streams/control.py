"""Pause and resume: the last order of an upgrade in the control topic, obeyed by every worker that asks providers.

A worker reads the whole (compacted) topic before it asks anything, and follows it from then on, so a pause holds over
restarts. While paused nothing is sent. Exchanges wait for a minute; in a longer pause they are `shed` as they pass, so
that the tap goes on and its position never falls behind for a pause.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas import topics
from schemas.control import ControlRecord, Order, control_bytes, control_from_bytes, control_key
from schemas.errors import UnreachableError
from schemas.settings import Kafka
from streams import metrics
from streams.kafka import producer, reader
from streams.replay.client import ProviderClient

log = logging.getLogger(__name__)

LOOK_MS = 200  # how long one look at the topic waits for news
END_MS = 500  # nothing more within this time is the end of the topic
AGAIN_S = 1.0

_PLACE = TopicPartition(topics.CONTROL, 0)


@dataclass
class Control:
    """The order in force, carried out at all clients; `order` is None where nobody ever gave one."""

    upgrade: str
    clients: Collection[ProviderClient]
    order: ControlRecord | None = None
    next_offset: int = 0

    @property
    def trouble(self) -> str | None:
        """Why nothing is asked, if so."""
        if self.order is None or self.order.order is not Order.PAUSE:
            return None
        return f"paused by {self.order.by}: {self.order.why}"

    def obey(self, order: ControlRecord) -> None:
        """Carry it out."""
        self.order = order
        is_pause = order.order is Order.PAUSE
        for client in self.clients:
            if is_pause:
                client.stop()
            else:
                client.resume()
                client.go_on()
        metrics.PAUSED.set(is_pause)
        log.warning("provider calls %sd by %s: %s", order.order, order.by, order.why)


@asynccontextmanager
async def controlled(kafka: Kafka, upgrade: str, clients: Collection[ProviderClient]) -> AsyncIterator[Control]:
    """Carry out what was ordered, then follow the topic for the length of the block.

    Raises:
        UnreachableError: Kafka does not answer.
    """
    control = Control(upgrade, clients)
    async with reader(kafka) as client:
        await _read(client, control, END_MS)
    following = asyncio.ensure_future(_follow(kafka, control))
    try:
        yield control
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        metrics.PAUSED.set(0)


async def order_in_force(kafka: Kafka, upgrade: str) -> ControlRecord | None:
    """The last order of an upgrade, None where nobody ever gave one.

    Raises:
        UnreachableError: Kafka does not answer.
    """
    control = Control(upgrade, ())
    async with reader(kafka) as client:
        await _read(client, control, END_MS)
    return control.order


async def give(kafka: Kafka, upgrade: str, order: Order, by: str, why: str) -> None:
    """Give an order to all workers of an upgrade; durable when this returns.

    Raises:
        UnreachableError: Kafka does not answer.
    """
    record = ControlRecord(upgrade, order, by, why, int(time.time() * 1000))
    async with producer(kafka) as sink:
        await sink.send_and_wait(topics.CONTROL, control_bytes(record), key=control_key(upgrade), partition=0)


async def _follow(kafka: Kafka, control: Control) -> None:
    while True:
        try:
            async with reader(kafka) as client:
                await _read(client, control, None)
        except (KafkaError, UnreachableError, OSError) as away:
            log.warning("the control topic cannot be read, until then nothing changes: %s", away)
            await asyncio.sleep(AGAIN_S)


async def _read(client: AIOKafkaConsumer, control: Control, until_quiet_ms: int | None) -> None:
    """Obey what is new since the last reading, up to where nothing comes for so long; None: for ever.

    The end that a broker reports can lie (the embedded one's does).
    """
    client.assign([_PLACE])
    client.seek(_PLACE, control.next_offset)
    while True:
        news = (await client.getmany(_PLACE, timeout_ms=until_quiet_ms or LOOK_MS)).get(_PLACE, ())
        last = None
        for record in news:
            control.next_offset = record.offset + 1
            last = _order(record, control.upgrade) or last
        if last is not None:
            control.obey(last)  # only the last: an old order must not be carried out even for a moment
        if not news and until_quiet_ms is not None:
            return


def _order(record: ConsumerRecord, upgrade: str) -> ControlRecord | None:
    if record.key != control_key(upgrade):
        return None  # of another upgrade, or what somebody accepted
    try:
        order = control_from_bytes(record.value) if record.value is not None else None
    except ValueError as unreadable:
        log.warning("%s at offset %d is no order: %s", topics.CONTROL, record.offset, unreadable)
        return None
    return order if order is not None and order.upgrade == upgrade else None
