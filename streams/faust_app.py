"""How Faust is used: one app, one agent and one consumer group per role; bytes in and out; no tables, no web server."""

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any

import faust
from faust.types import TP

from schemas.errors import ConfigError
from schemas.settings import Kafka, WorkerRules
from schemas.topics import consumer_group
from streams import metrics
from streams.faust_consumer import NoStatistics, QuickTransport, events
from streams.kafka import MAX_RECORD, SESSION_S, Position, faust_broker, positions
from streams.lanes import Lanes, Taken

log = logging.getLogger(__name__)

DRAIN_AT_REVOKE_S = 5.0
COMMIT_EVERY_S = 1.0
TWINS_AFTER, TWINS_WITHIN_S = 5, 120.0  # two members of one name throw each other out, for ever
BUFFERED = 1024  # records of a topic, before no more are read
METADATA_AGE_S = 60  # new partitions of a topic are noticed so late


class _App(faust.App):  # type: ignore[misc] # Faust ships no types
    """With our consumer, without folders for tables, of which we have none: the working directory may be read-only."""

    def _create_directories(self) -> None:
        pass

    def _new_transport(self) -> QuickTransport:
        return QuickTransport(self.conf.broker_consumer, self)


_App.logger = logging.getLogger("faust.app")  # of Faust's steps, which it would tell under our module's name


def create_app(
    kafka: Kafka, upgrade: str, role: str, session_s: float = SESSION_S, member: str | None = None
) -> faust.App:
    """A Faust app for one role of one upgrade; nothing is connected before it is started.

    `member` is a name that no other worker has at the same time: the group then knows a worker that comes back.
    """
    return _App(
        consumer_group(upgrade, role),
        **faust_broker(kafka),
        store="memory://",
        Monitor=NoStatistics,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        stream_wait_empty=False,
        stream_buffer_maxsize=BUFFERED,
        broker_max_poll_records=256,
        broker_max_poll_interval=3600,  # blocking longer than this would end consumption in silence
        broker_session_timeout=session_s,
        broker_heartbeat_interval=min(3.0, session_s / 5),
        broker_rebalance_timeout=60,
        broker_request_timeout=90,
        consumer_group_instance_id=member,
        consumer_auto_offset_reset="earliest",  # positions are seeded before the first start
        consumer_max_fetch_size=MAX_RECORD,
        consumer_metadata_max_age_ms=METADATA_AGE_S * 1000,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=1,  # Faust's own assignor: same partition number of two topics, same worker
        worker_redirect_stdouts=False,
        loghandlers=[],
    )


def member_of(rules: WorkerRules, host: str) -> str | None:
    """The name of this worker as a static member of its groups; None where it is a dynamic one.

    Raises:
        ConfigError: the host's name does not end in an ordinal, so nothing says that it is the only one of its name.
    """
    if not rules.static_membership:
        return None
    if not re.fullmatch(r".+-\d+", host):
        raise ConfigError(
            f"worker.static_membership: the host name {host!r} ends in no ordinal (such as -0); it is for the pods of a"
            " StatefulSet, leave it out elsewhere"
        )
    return host


def topic(app: faust.App, *names: str) -> Any:
    """One Faust topic over these names, bytes in and out."""
    return app.topic(*names, key_type=bytes, value_type=bytes, internal=False)


TakeOver = Callable[[Mapping[TP, Position]], Awaitable[None]]


def keep_lanes(app: faust.App, lanes: Lanes, kafka: Kafka, on_assigned: TakeOver | None = None) -> None:
    """Tie lanes to the app's partitions: drain and commit before losing them, look back after getting them."""
    lanes.losing()  # nothing is ours before the first assignment
    evictions: deque[float] = deque(maxlen=TWINS_AFTER)

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator] # Faust ships no types
    async def revoked(_: Any, tps: Collection[TP], **__: Any) -> None:
        lanes.losing()
        if tps:
            metrics.REBALANCES.labels(lanes.role).inc()
            await lanes.drain(DRAIN_AT_REVOKE_S)
            await lanes.commit(tps)
        lanes.drop(tps)
        _look_for_twin(app, lanes, evictions)

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator] # Faust ships no types
    async def assigned(_: Any, tps: Collection[TP], **__: Any) -> None:
        if tps:
            try:
                await app.consumer.stay_member()
                found = await positions(kafka, app.conf.id, tps)
                lanes.expect({tp: max(position.committed, position.first) for tp, position in found.items()})
                if on_assigned is not None:
                    await on_assigned(found)
            except Exception as raised:  # noqa: BLE001 - Faust would swallow it and go on without the look-back
                lanes.crash(raised)
                return
        log.info("role %s: %s", lanes.role, _listed(tps))
        lanes.won()

    @app.task  # type: ignore[untyped-decorator] # the same
    async def commits() -> None:
        try:
            await lanes.commit_every(COMMIT_EVERY_S)
        except asyncio.CancelledError:
            raise
        except Exception as raised:  # noqa: BLE001 - a commit that fails ends the worker; nothing is lost by that
            lanes.crash(raised)


def _listed(tps: Collection[TP]) -> str:
    """`llm.gateway 0, 1, 3`."""
    numbers: dict[str, list[int]] = {}
    for tp in sorted(tps):
        numbers.setdefault(tp.topic, []).append(tp.partition)
    return "; ".join(f"{name} {', '.join(map(str, of))}" for name, of in numbers.items()) or "no partition"


def _look_for_twin(app: faust.App, lanes: Lanes, evictions: deque[float]) -> None:
    """End a static member that loses its partitions again and again: somebody else has its name."""
    evictions.append(time.monotonic())
    member = app.conf.consumer_group_instance_id
    if member is not None and len(evictions) == TWINS_AFTER and evictions[-1] - evictions[0] < TWINS_WITHIN_S:
        lanes.crash(RuntimeError(f"another worker is the member {member!r} of {app.conf.id} too: rename its host"))


Records = AsyncIterator[Taken]
Loop = Callable[[Records], Awaitable[None]]


def agent(app: faust.App, lanes: Lanes, *names: str) -> Callable[[Loop], Loop]:
    """Register the decorated loop as the app's agent over these topics, fed through the lanes.

    What the loop raises ends the worker: Faust alone would restart the agent and skip the record.
    """

    def register(loop: Loop) -> Loop:
        @app.agent(topic(app, *names), name=loop.__name__)  # type: ignore[untyped-decorator] # Faust ships no types
        async def guarded(stream: Any) -> None:
            try:
                await loop(lanes.take(events(stream)))
            except asyncio.CancelledError:  # a rebalance or the end
                raise
            except BaseException as raised:  # noqa: BLE001 - see above
                lanes.crash(raised)

        return loop

    return register
