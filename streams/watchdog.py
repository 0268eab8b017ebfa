"""Notices a consumer that has silently stopped, and measures the lag.

Faust and aiokafka know several ways to stop reading without an error (facts: a blocked agent, a partition that is
never fetched again). From outside all of them look alike: the log goes on, a partition's position does not, and
nothing of it is in work. That is asked of the broker by a client of its own.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.errors import UnreachableError
from streams import metrics
from streams.kafka import reader
from streams.topology import Role

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
STALLED_AFTER_S = 40.0  # with a look every 5 s, /healthz tells within 60 s
TAKING_OVER_AFTER_S = 600.0
ANSWER_WITHIN_S = 10.0
MARKERS = 64  # a log may end with this many markers of transactions, which no consumer is ever given


@dataclass
class Watchdog:
    """Watches one role. `stalled` and `deaf` say what is wrong, for `/healthz` and `/readyz`."""

    role: Role
    every_s: float = LOOK_EVERY_S
    stalled_after_s: float = STALLED_AFTER_S
    stalled: str | None = None
    deaf: str | None = None
    _unmoved: dict[TP, tuple[tuple[int, int], float]] = field(default_factory=dict)
    _told: set[TP] = field(default_factory=set)
    _silent_since: float | None = None

    def alive(self) -> str | None:
        """Why the role should be restarted."""
        waited = self.role.lanes.taking_over_s()
        if waited > TAKING_OVER_AFTER_S:
            return f"has been taking over partitions for {waited:.0f} s"
        return self.stalled

    def ready(self) -> str | None:
        """Why the role cannot work now."""
        if self.role.lanes.stopping:
            return "is stopping"
        if self.role.lanes.taking_over_s() > 0:
            return "is taking over partitions: looks back at what is done already"
        return self.deaf

    async def watch(self) -> None:
        """Look for ever; a broker that is away is nobody's stall."""
        while True:
            try:
                async with reader(self.role.kafka) as client:
                    while True:
                        await asyncio.sleep(self.every_s)
                        await self._look(client)
                        self.deaf = None
            except (KafkaError, UnreachableError, OSError, TimeoutError) as away:
                self.deaf = f"Kafka at {self.role.kafka.bootstrap} does not answer ({type(away).__name__})"
                await asyncio.sleep(self.every_s)

    async def _look(self, client: AIOKafkaConsumer) -> None:
        consumer, lanes, name = self.role.app.consumer, self.role.lanes, self.role.name
        tps = {TP(tp.topic, tp.partition) for tp in consumer.assignment()}
        metrics.PARTITIONS.labels(name).set(len(tps))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            ends = await _ends(client, tps)
        now, stuck, positions = time.monotonic(), [], {}
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):  # asks the consumer's own thread, which may be what is stuck
                positions = {tp: await consumer.position(tp) or 0 for tp in tps}
            self._silent_since = None
        except (TimeoutError, KafkaError):
            self._silent_since = self._silent_since or now
            if now - self._silent_since > self.stalled_after_s:
                stuck.append(f"has a consumer that has not answered for {now - self._silent_since:.0f} s")
        marks, busy = lanes.marks(), {record.tp for record in lanes.in_work}
        held_back = lanes.is_held_back and bool(busy)
        for tp, position in positions.items():
            mark = marks.get(tp, position)
            lag = max(0, ends[tp] - mark)
            self._tell_lag(tp, lag)
            moved = mark, position
            if self._unmoved.get(tp, (None, 0.0))[0] != moved or tp in busy or held_back:
                self._unmoved[tp] = moved, now
            still_s = now - self._unmoved[tp][1]
            if (position < ends[tp] or lag > MARKERS) and still_s > self.stalled_after_s:
                stuck.append(
                    f"takes nothing of {tp.topic}/{tp.partition} for {still_s:.0f} s, though {lag} records wait"
                )
        self._forget(tps)
        if lanes.doubt_s() > self.stalled_after_s:  # records that wait for it would pass for a slow provider's
            stuck.append(f"has not known for {lanes.doubt_s():.0f} s whether it is still a member of its group")
        if stuck and self.stalled is None:
            log.error("role %s: %s", name, "; ".join(stuck))
        self.stalled = "; ".join(stuck) or None

    def _tell_lag(self, tp: TP, lag: int) -> None:
        place = self.role.name, tp.topic, str(tp.partition)
        oldest_ms = self.role.lanes.oldest_ms(tp)
        metrics.LAG_RECORDS.labels(*place).set(lag)
        metrics.LAG_SECONDS.labels(*place).set(
            max(0.0, time.time() - oldest_ms / 1000) if lag and oldest_ms is not None else 0.0
        )
        self._told.add(tp)

    def _forget(self, tps: set[TP]) -> None:
        """Partitions that are somebody else's have no lag here."""
        for tp in self._told - tps:
            for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
                gauge.remove(self.role.name, tp.topic, str(tp.partition))
        self._told &= tps
        self._unmoved = {tp: seen for tp, seen in self._unmoved.items() if tp in tps}


async def _ends(client: AIOKafkaConsumer, tps: set[TP]) -> Mapping[TP, int]:
    places = {TopicPartition(tp.topic, tp.partition): tp for tp in tps}
    return {places[place]: end for place, end in (await client.end_offsets(list(places))).items()} if places else {}
