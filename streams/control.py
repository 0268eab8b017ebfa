"""Pause and resume: the last order of an upgrade in the control topic, obeyed by every worker that asks providers.

A worker reads the whole (compacted) topic before it asks anything, and follows it from then on, so a pause holds over
restarts. While paused nothing is sent. Exchanges wait for a minute; in a longer pause they are `shed` as they pass, so
that the tap goes on and its position never falls behind for a pause.
"""

import logging
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import ConsumerRecord

from schemas import topics
from schemas.control import ControlRecord, Order, control_bytes, control_from_bytes, control_key
from schemas.settings import Kafka
from streams import metrics
from streams.following import Follower
from streams.kafka import producer
from streams.replay.client import ProviderClient

log = logging.getLogger(__name__)


@dataclass
class Control:
    """The order in force, carried out at all clients; `order` is None where nobody ever gave one."""

    upgrade: str
    clients: Collection[ProviderClient]
    order: ControlRecord | None = None

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
        if not self.clients:
            return  # somebody only wants to know
        metrics.PAUSED.set(is_pause)
        log.warning("provider calls %sd by %s: %s", order.order, order.by, order.why)

    def heed(self, records: Sequence[ConsumerRecord]) -> None:
        """Obey the last order for this upgrade: an older one must not be carried out even for a moment."""
        key = control_key(self.upgrade)  # the topic also tells what people accepted, under keys of its own
        orders = [order for record in records if record.key == key and (order := _order(record)) is not None]
        last = orders[-1] if orders else None
        if last is not None:
            self.obey(last)


@asynccontextmanager
async def controlled(kafka: Kafka, upgrade: str, clients: Collection[ProviderClient]) -> AsyncIterator[Control]:
    """Carry out what was ordered, then follow the topic for the length of the block.

    Raises:
        UnreachableError: Kafka does not answer.
    """
    control = Control(upgrade, clients)
    async with Follower(kafka, topics.CONTROL, control.heed).following():
        try:
            yield control
        finally:
            metrics.PAUSED.set(0)


async def order_in_force(kafka: Kafka, upgrade: str) -> ControlRecord | None:
    """The last order of an upgrade, None where nobody ever gave one.

    Raises:
        UnreachableError: Kafka does not answer.
    """
    control = Control(upgrade, ())
    await Follower(kafka, topics.CONTROL, control.heed).catch_up()
    return control.order


async def give(kafka: Kafka, upgrade: str, order: Order, by: str, why: str) -> None:
    """Give an order to all workers of an upgrade; durable when this returns.

    Raises:
        UnreachableError: Kafka does not answer.
    """
    record = ControlRecord(upgrade, order, by, why, int(time.time() * 1000))
    async with producer(kafka) as sink:
        await sink.send_and_wait(topics.CONTROL, control_bytes(record), key=control_key(upgrade), partition=0)


def _order(record: ConsumerRecord) -> ControlRecord | None:
    try:
        return control_from_bytes(record.value) if record.value is not None else None
    except ValueError as unreadable:
        log.warning("%s at offset %d is no order: %s", topics.CONTROL, record.offset, unreadable)
        return None
