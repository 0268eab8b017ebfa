"""The four agents, in the order of an event.

    your topics → replay_exchanges → trials → score_trials → touched → judge_drift → verdicts → send_alerts → Slack

Each role is a Faust app of its own, with its own consumer group, so that a slow one never starves another. What an
agent does stands in the object it calls; here one sees what flows where.
"""

import asyncio
import socket
from functools import partial

import faust
from faust.types import TP

from schemas import topics
from schemas.config import Config
from schemas.settings import Kafka
from schemas.values import immutable
from streams.alert_sender import AlertSender
from streams.batches import Batches
from streams.faust_app import Records, agent, create_app, keep_lanes, member_of
from streams.judging import Judging
from streams.kafka import SESSION_S, any_record
from streams.lanes import Claim, Lanes
from streams.log_starts import LogStarts
from streams.replay.replayer import Replayer
from streams.scorer import Scorer

TRIALS_PER_BATCH, TRIALS_WITHIN_S = 256, 1.0
LOOKS_WITHIN_S, LOOK_WHEN_IDLE_S = 1.0, 30.0
NOTED_EVERY_S = 5.0


@immutable
class Role:
    """A running part of the topology."""

    name: str
    app: faust.App
    lanes: Lanes
    kafka: Kafka


def replay_role(config: Config, replayer: Replayer, session_s: float = SESSION_S) -> Role:
    """Tapped records → trials and ledger."""
    app = create_app(config.tapped_kafka, config.upgrade.name, "replay", session_s, _member(config))
    starts = LogStarts(app)
    lanes = Lanes(
        app,
        slots=config.worker.replays_in_work,
        session_s=session_s,
        on_passed=replayer.count,
        before_commit=replayer.write_ledger,
        explain=lambda gap: starts.of(gap.tp),
        any_record=partial(any_record, config.tapped_kafka),
    )

    @agent(app, lanes, *config.tap.topics)
    async def replay_exchanges(records: Records) -> None:
        async for record in records:
            lanes.start(record, partial(replayer.replay, record, Claim(lanes, record)))

    keep_lanes(app, lanes, config.tapped_kafka, partial(replayer.take_over, lanes))

    @app.task  # type: ignore[untyped-decorator] # Faust ships no types
    async def relieve() -> None:
        await replayer.stragglers.relieve_for_ever(lanes)

    return Role("replay", app, lanes, config.tapped_kafka)


def score_role(config: Config, scorer: Scorer, session_s: float = SESSION_S) -> Role:
    """Trials and ledger → ClickHouse, and which evidence was touched."""
    app = create_app(config.kafka, config.upgrade.name, "score", session_s, _member(config))
    lanes = Lanes(app, role="score", slots=4 * TRIALS_PER_BATCH, any_record=partial(any_record, config.kafka))
    batches = Batches(lanes, scorer.score, size=TRIALS_PER_BATCH, within=TRIALS_WITHIN_S)

    @agent(app, lanes, topics.TRIALS)
    async def score_trials(records: Records) -> None:
        async for record in records:
            batches.add(record)

    return _batched(Role("score", app, lanes, config.kafka), batches)


def judge_role(config: Config, judging: Judging, session_s: float = SESSION_S) -> Role:
    """Touched hours → evidence → verdicts. One partition, so one judge at a time."""
    app = create_app(config.kafka, config.upgrade.name, "judge", session_s, _member(config))
    lanes = Lanes(app, role="judge", slots=100_000, window=1_000_000, any_record=partial(any_record, config.kafka))
    batches = Batches(lanes, judging.look, size=100_000, within=LOOKS_WITHIN_S, idle_s=LOOK_WHEN_IDLE_S)

    @agent(app, lanes, topics.TOUCHED)
    async def judge_drift(records: Records) -> None:
        async for record in records:
            batches.add(record)

    return _batched(Role("judge", app, lanes, config.kafka), batches)


def alert_role(config: Config, sender: AlertSender, session_s: float = SESSION_S) -> Role:
    """Verdicts → Slack, once per cause."""
    app = create_app(config.kafka, config.upgrade.name, "alert", session_s, _member(config))
    lanes = Lanes(app, role="alert", slots=1, any_record=partial(any_record, config.kafka))

    @agent(app, lanes, topics.VERDICTS)
    async def send_alerts(records: Records) -> None:
        async for record in records:
            lanes.start(record, partial(sender.send, record))

    @app.task  # type: ignore[untyped-decorator] # Faust ships no types
    async def send_noted() -> None:
        while True:
            await asyncio.sleep(NOTED_EVERY_S)
            if TP(topics.VERDICTS, 0) in app.consumer.assignment():  # one worker sends
                await sender.send_noted()

    keep_lanes(app, lanes, config.kafka)
    return Role("alert", app, lanes, config.kafka)


def _batched(role: Role, batches: Batches) -> Role:
    keep_lanes(role.app, role.lanes, role.kafka)
    role.app.task(batches.run)
    return role


def _member(config: Config) -> str | None:
    return member_of(config.worker, socket.gethostname())
