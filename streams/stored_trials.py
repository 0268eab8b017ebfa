"""Trials that were paid for already, read back: from the trials topic, or from ClickHouse where it keeps full texts."""

from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition

from schemas import json_text, topics
from schemas.answers import Answer, Arm, ToolCall, Usage
from schemas.exchanges import Request, Source
from schemas.settings import Kafka
from schemas.trials import CandidateAnswer, Trial, comparison_id, trial_from_bytes
from streams.kafka import partitions, reader, to_the_end
from streams.store import Store
from streams.store.comparisons import offset_of

StoredTrial = tuple[Trial, int]
"""A trial, and its offset in the trials topic."""


async def own_records(kafka: Kafka, upgrade: str) -> AsyncIterator[Sequence[ConsumerRecord]]:
    """All records of an upgrade in the trials topic, trials and ledger, in batches; each partition in its order.

    Ends at the end that the topic has when the partition is begun; what live workers add meanwhile may come too.
    """
    count = (await partitions(kafka, [topics.TRIALS])).get(topics.TRIALS, 0)
    async with reader(kafka) as client:
        for number in range(count):
            async for batch in to_the_end(client, TopicPartition(topics.TRIALS, number), 0):
                yield [r for r in batch if dict(r.headers).get(topics.UPGRADE_HEADER) == upgrade.encode()]


async def topic_trials(kafka: Kafka, upgrade: str) -> AsyncIterator[list[StoredTrial]]:
    """All trials of an upgrade that the trials topic still holds, in batches.

    Raises:
        RecordVersionError: written by a newer major version.
    """
    async for batch in own_records(kafka, upgrade):
        trials = [
            (trial_from_bytes(r.value), r.offset)
            for r in batch
            if r.value is not None and dict(r.headers).get(topics.KIND_HEADER) == b"trial"
        ]
        if trials:
            yield trials


def compared_in(trial: Trial) -> set[UUID]:
    """Identities of the comparisons that a trial is good for."""
    return {comparison_id(trial.trial_id, one.name, one.candidate_hash) for one in trial.candidates}


async def table_trials(store: Store, upgrade: str, but: AbstractSet[UUID]) -> AsyncIterator[list[StoredTrial]]:
    """Trials as ClickHouse keeps them (`store_text = "full"`), hour by hour, without those compared in `but`.

    Trials whose text is not there any more, or never was, are left out.
    """
    hours = await store.connection.rows(
        "SELECT DISTINCT toUnixTimestamp(hour) FROM exchanges WHERE upgrade = {upgrade:String} AND request != '' "
        "ORDER BY 1",
        {"upgrade": upgrade},
    )
    for (hour,) in hours:
        trials = [trial for trial in await _of_hour(store, upgrade, int(hour)) if not compared_in(trial[0]) <= but]
        if trials:
            yield trials


async def _of_hour(store: Store, upgrade: str, hour: int) -> list[StoredTrial]:
    where = "upgrade = {upgrade:String} AND hour = toDateTime({hour:UInt32}, 'UTC')"
    parameters = {"upgrade": upgrade, "hour": hour}
    exchanges = await _named(store, f"SELECT * FROM exchanges_rows FINAL WHERE {where} AND request != ''", parameters)  # noqa: S608 - no text of a user in it
    answers: dict[UUID, dict[tuple[str, str], Answer]] = {}
    for row in await _named(store, f"SELECT * FROM answers WHERE {where}", parameters):  # noqa: S608 - the same
        answer = _answer(row)
        if answer is not None:
            answers.setdefault(row["trial_id"], {})[row["arm"], row["candidate"]] = answer
    pins: dict[UUID, list[tuple[str, str, str, float]]] = {}
    for row in await _named(
        store,
        f"SELECT trial_id, candidate, candidate_pin, candidate_hash, weight FROM comparisons WHERE {where}",  # noqa: S608 - the same
        parameters,
    ):
        asked = row["candidate"], row["candidate_pin"], row["candidate_hash"], row["weight"]
        pins.setdefault(row["trial_id"], []).append(asked)
    return [
        trial
        for row in exchanges
        if (trial := _trial(row, answers.get(row["trial_id"], {}), pins.get(row["trial_id"], []))) is not None
    ]


def _trial(
    row: dict[str, Any], arms: dict[tuple[str, str], Answer], pins: Sequence[tuple[str, str, str, float]]
) -> StoredTrial | None:
    baseline = arms.get((Arm.BASELINE, ""))
    candidates = tuple(
        CandidateAnswer(name, pin, identity, arms[Arm.CANDIDATE, name], weight)
        for name, pin, identity, weight in pins
        if (Arm.CANDIDATE, name) in arms
    )
    if baseline is None or not candidates:
        return None
    trial = Trial(
        trial_id=row["trial_id"],
        upgrade=row["upgrade"],
        current=row["current_pin"],
        source=Source(row["cluster"], row["topic"], row["partition"], row["offset"], row["item"]),
        ts_ms=_milliseconds(row["ts"]),
        request_id=row["request_id"],
        feature=row["feature"],
        request=Request(json_text.loads(row["request"])),
        baseline=baseline,
        candidates=candidates,
        rerun=arms.get((Arm.RERUN, "")),
        weight=row["weight"],
        asked=row["asked"],
        spent_usd=row["spent_usd"],
    )
    return trial, offset_of(row["ver"])


def _answer(row: dict[str, Any]) -> Answer | None:
    calls = json_text.loads(row["tool_calls_json"]) if row["tool_calls_json"] else []
    if row["text"] is None and not calls and not row["error"]:
        return None  # its text is gone
    return Answer(
        model=row["model"],
        text=row["text"],
        tool_calls=tuple(ToolCall(call["name"], call["arguments"]) for call in calls),
        finish_reason=row["finish_reason"] or None,
        usage=Usage(row["input_tokens"], row["output_tokens"]),
        latency_ms=row["latency_ms"],
        time_to_first_token_ms=row["time_to_first_token_ms"],
        cost_usd=row["cost_usd"],
        error=row["error"] or None,
        fingerprint=row["fingerprint"] or None,
        sent_hash=row["sent_hash"] or None,
    )


def _milliseconds(ts: datetime) -> int:
    return round(ts.replace(tzinfo=UTC).timestamp() * 1000) if ts.tzinfo is None else round(ts.timestamp() * 1000)


async def _named(store: Store, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    names, rows = await store.connection.named_rows(sql, parameters)
    return [dict(zip(names, row, strict=True)) for row in rows]
