"""A trial: an exchange with the answers of its arms. What replaying produces and scoring reads.

The same fields stand in the trials topic and, fewer of them, in trial lines (`.jsonl`), the open format for trials
recorded elsewhere.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from schemas import json_text
from schemas.answers import Answer, answer_from
from schemas.errors import RecordVersionError
from schemas.exchanges import Request, Source
from schemas.ids import stable_id
from schemas.values import immutable

TRIAL_VERSION = 1


@immutable
class CandidateAnswer:
    """The answer of one candidate, with what it was: a name, a pin, and a hash of pin, changes and prompt."""

    name: str
    pin: str
    candidate_hash: str
    answer: Answer
    weight: float | None = None  # 1 / the probability with which this candidate was asked; None: as the trial


@immutable
class Trial:
    """An exchange with the answers of its arms.

    `weight` is 1 / the probability with which this exchange was sampled, so that totals can be estimated; a candidate
    that was asked more seldom has a larger one of its own.
    `asked` counts requests sent for it, `spent_usd` what they cost (None: unknown).
    """

    trial_id: UUID
    upgrade: str
    current: str
    source: Source
    ts_ms: int
    request_id: str
    feature: str
    request: Request
    baseline: Answer
    candidates: tuple[CandidateAnswer, ...]
    rerun: Answer | None = None
    weight: float = 1.0
    asked: int = 0
    spent_usd: float | None = None
    version: int = TRIAL_VERSION


def trial_id(upgrade: str, source: Source, ts_ms: int) -> UUID:
    """Identity of a trial: upgrade, cluster, topic, partition, offset, record timestamp, item index."""
    return stable_id(upgrade, source.cluster, source.topic, source.partition, source.offset, ts_ms, source.item)


def comparison_id(trial: UUID, candidate: str, candidate_hash: str) -> UUID:
    """Identity of a comparison: the trial, and the candidate with its changes."""
    return stable_id(trial, candidate, candidate_hash)


def trial_bytes(trial: Trial) -> bytes:
    """The record value of the trials topic."""
    return json_text.dumps(
        {
            "version": trial.version,
            "trial_id": str(trial.trial_id),
            "upgrade": trial.upgrade,
            "current": trial.current,
            "source": trial.source,
            "ts_ms": trial.ts_ms,
            "request_id": trial.request_id,
            "feature": trial.feature,
            "request": trial.request.body,
            "baseline": trial.baseline,
            "candidates": trial.candidates,
            "rerun": trial.rerun,
            "weight": trial.weight,
            "asked": trial.asked,
            "spent_usd": trial.spent_usd,
        }
    )


def trial_from_bytes(value: bytes) -> Trial:
    """Read a record value of the trials topic; unknown fields are ignored.

    Raises:
        RecordVersionError: written by a newer major version.
        ValueError: no trial.
    """
    fields = json_text.loads(value)
    if not isinstance(fields, dict):
        raise ValueError(f"a trial is a JSON object, not {type(fields).__name__}")
    version = fields.get("version")
    if isinstance(version, int) and version > TRIAL_VERSION:
        raise RecordVersionError(
            f"trial record of version {version}, this program knows {TRIAL_VERSION}: upgrade shadowtap on this worker"
        )
    try:
        return Trial(
            trial_id=UUID(fields["trial_id"]),
            upgrade=fields["upgrade"],
            current=fields["current"],
            source=Source(
                **{key: fields["source"][key] for key in ("cluster", "topic", "partition", "offset", "item")}
            ),
            ts_ms=fields["ts_ms"],
            request_id=fields["request_id"],
            feature=fields["feature"],
            request=Request(fields["request"]),
            baseline=answer_from(fields["baseline"]),
            candidates=tuple(
                CandidateAnswer(c["name"], c["pin"], c["candidate_hash"], answer_from(c["answer"]), c.get("weight"))
                for c in fields["candidates"]
            ),
            rerun=answer_from(fields["rerun"]) if fields.get("rerun") else None,
            weight=fields.get("weight", 1.0),
            asked=fields.get("asked", 0),
            spent_usd=fields.get("spent_usd"),
        )
    except (KeyError, TypeError) as missing:
        raise ValueError(f"trial record without {missing}") from missing


@immutable
class TrialLine:
    """One line of a trial file: a trial recorded elsewhere, before it has a place in an upgrade."""

    request_id: str
    feature: str
    ts_ms: int
    request: Request
    baseline: Answer
    candidates: Mapping[str, Answer]
    rerun: Answer | None


def trial_line_from(line: bytes | str) -> TrialLine:
    """Read a trial line.

    Raises:
        ValueError: says what is missing or wrong; the caller adds file and line number.
    """
    fields = json_text.loads(line)
    if not isinstance(fields, dict):
        raise ValueError(f"a trial line is a JSON object, not {type(fields).__name__}")
    if "request_id" not in fields:
        raise ValueError(
            "'request_id' is missing; a trial line has request_id, request, baseline and candidate (docs/formats.md)"
        )
    request = fields.get("request")
    if not isinstance(request, dict):
        raise ValueError("'request' is missing or no object")
    several, one = fields.get("candidates"), fields.get("candidate")
    if several is None:
        several = {"candidate": one} if one is not None else {}
    if not isinstance(several, dict) or not several:
        raise ValueError("'candidate' is missing (or 'candidates', an object of name to answer)")
    return TrialLine(
        request_id=str(fields["request_id"]),
        feature=str(fields.get("feature") or "default"),
        ts_ms=_milliseconds(fields.get("ts")),
        request=Request(request),
        baseline=_arm(fields.get("baseline"), "baseline"),
        candidates={str(name): _arm(answer, f"candidate {name!r}") for name, answer in several.items()},
        rerun=_arm(fields["rerun"], "rerun") if fields.get("rerun") is not None else None,
    )


def _arm(value: Any, name: str) -> Answer:
    if not isinstance(value, dict):
        raise ValueError(f"{name}: an answer object is missing")
    try:
        return answer_from(value)
    except ValueError as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong


def _milliseconds(ts: Any) -> int:
    if ts is None:
        return 0
    if isinstance(ts, int | float) and not isinstance(ts, bool):
        return int(ts)
    try:
        moment = datetime.fromisoformat(str(ts))
    except ValueError as wrong:
        raise ValueError(f"'ts' is no ISO 8601 time: {ts!r}") from wrong
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
