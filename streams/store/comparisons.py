"""Comparisons into rows: pure functions from values to columns of `comparisons`, `scores`, `exchanges`, `answers`."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from schemas import json_text
from schemas.answers import Answer, Arm, ToolCall
from schemas.comparisons import ArmScore, Comparison, DimensionScore
from schemas.trials import Trial
from streams.redaction import Redactor

Keep = Callable[[Any], Any]
"""From a text, or parsed JSON with texts in it, to what is kept of it."""

EpochOf = Callable[[str, str, str], int]
"""(candidate, feature, dimension) to the number of the epoch that its scores count under."""

HOUR = 3600  # seconds

_OFFSET_BITS = 48
LONGEST_REASON = 200  # characters
_REDACTOR = Redactor()


def row_version(offset: int, comparator_version: int = 0) -> int:
    """The version of a row, an unsigned 64-bit integer; of several rows of one key the highest wins.

    The upper 16 bits hold the comparator's version, so that rescoring replaces; the lower 48 fall with the offset in
    the trials topic, so that of a trial asked twice the first counts.
    """
    return (comparator_version << _OFFSET_BITS) | ((1 << _OFFSET_BITS) - 1 - offset)


def offset_of(version: int) -> int:
    """The offset in the trials topic that `row_version` was made of."""
    return (1 << _OFFSET_BITS) - 1 - (version & ((1 << _OFFSET_BITS) - 1))


def hour_of(ts_ms: int) -> int:
    """Start of the hour of an event time, seconds since 1970 UTC."""
    return ts_ms // 1000 // HOUR * HOUR


@lru_cache(maxsize=10_000)
def reason_code(reason: str) -> str:
    """A reason as it may be kept. Comparators write codes; this holds also for own ones that quote an answer.

    >>> reason_code("missing:$.customers: ada@example.org")
    'missing:$.customers: [EMAIL]'
    """
    return _REDACTOR.text(" ".join(reason[:LONGEST_REASON].split()))


def comparison_columns(batch: Sequence[tuple[Comparison, int]]) -> dict[str, list[Any]]:
    """Columns of `comparisons_rows`; the integer beside each comparison is its offset in the trials topic."""
    return _columns(_comparison_row(comparison, offset) for comparison, offset in batch)


def score_columns(batch: Sequence[tuple[Comparison, int]], epoch_of: EpochOf) -> dict[str, list[Any]]:
    """Columns of `scores_rows`: a row per comparison and dimension."""
    return _columns(
        _score_row(comparison, score, offset, epoch_of) for comparison, offset in batch for score in comparison.scores
    )


def exchange_columns(batch: Sequence[tuple[Comparison, int]], keep: Keep | None) -> dict[str, list[Any]]:
    """Columns of `exchanges_rows`: a row per trial, whatever the number of its candidates. No `keep`, no text."""
    trials = {(comparison.trial.trial_id, offset): comparison.trial for comparison, offset in batch}
    return _columns(_exchange_row(trial, offset, keep) for (_, offset), trial in trials.items())


def answer_columns(batch: Sequence[tuple[Comparison, int]], keep: Keep | None) -> dict[str, list[Any]]:
    """Columns of `answers_rows`: a row per trial and arm; baseline and rerun once for all candidates."""
    rows = {}
    for comparison, offset in batch:
        trial = comparison.trial
        arms = [(Arm.BASELINE, "", trial.current, trial.baseline)]
        if trial.rerun is not None:
            arms.append((Arm.RERUN, "", trial.current, trial.rerun))
        arms += [
            (Arm.CANDIDATE, candidate.name, candidate.pin, candidate.answer)
            for candidate in trial.candidates
            if candidate.name == comparison.candidate
        ]
        for arm, candidate, pin, answer in arms:
            rows[trial.trial_id, offset, arm, candidate] = {
                **_place(trial),
                "trial_id": trial.trial_id,
                "arm": arm.value,
                "candidate": candidate,
                **_answer(answer, pin, keep),
                "ver": row_version(offset),
            }
    return _columns(rows.values())


def _columns(rows: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    listed = list(rows)
    return {name: [row[name] for row in listed] for name in listed[0]} if listed else {}


def _place(trial: Trial) -> dict[str, Any]:
    return {"upgrade": trial.upgrade, "feature": trial.feature, "hour": hour_of(trial.ts_ms), "ts": trial.ts_ms}


def _source(trial: Trial) -> dict[str, Any]:
    source = trial.source
    return {
        "cluster": source.cluster,
        "topic": source.topic,
        "partition": source.partition,
        "offset": source.offset,
        "item": source.item,
        "request_id": trial.request_id,
    }


def _comparison_row(comparison: Comparison, offset: int) -> dict[str, Any]:
    trial = comparison.trial
    candidate = next(c for c in trial.candidates if c.name == comparison.candidate)
    return {
        **_place(trial),
        **_source(trial),
        "candidate": comparison.candidate,
        "comparison_id": comparison.comparison_id,
        "trial_id": trial.trial_id,
        "candidate_hash": comparison.candidate_hash,
        "weight": comparison.weight,
        "has_rerun": trial.rerun is not None,
        "current_pin": trial.current,
        "candidate_pin": candidate.pin,
        **_measured("baseline", trial.baseline),
        **_measured("rerun", trial.rerun),
        **_measured("candidate", candidate.answer),
        "ver": row_version(offset),
    }


def _measured(arm: str, answer: Answer | None) -> dict[str, Any]:
    return {
        f"{arm}_model": answer.model if answer else "",
        f"{arm}_fingerprint": (answer.fingerprint or "") if answer else "",
        f"{arm}_error": reason_code(answer.error or "") if answer else "",
        f"{arm}_latency_ms": answer.latency_ms if answer else None,
        f"{arm}_time_to_first_token_ms": answer.time_to_first_token_ms if answer else None,
        f"{arm}_input_tokens": answer.usage.input_tokens if answer else None,
        f"{arm}_output_tokens": answer.usage.output_tokens if answer else None,
        f"{arm}_cost_usd": answer.cost_usd if answer else None,
    }


def _score_row(comparison: Comparison, score: DimensionScore, offset: int, epoch_of: EpochOf) -> dict[str, Any]:
    trial = comparison.trial
    return {
        **_place(trial),
        "candidate": comparison.candidate,
        "epoch": epoch_of(comparison.candidate, trial.feature, score.dimension),
        "comparison_id": comparison.comparison_id,
        "dimension": score.dimension,
        "kind": score.kind.value,
        **_arm_score("baseline_", score.baseline),
        **_arm_score("rerun_", score.rerun),
        "candidate_score": score.candidate.value,
        "status": score.candidate.status.value,
        "reason": reason_code(score.candidate.reason),
        "d": score.d,
        "comparator_version": score.comparator_version,
        "weight": comparison.weight,
        "ver": row_version(offset, score.comparator_version),
    }


def _arm_score(prefix: str, score: ArmScore | None) -> dict[str, Any]:
    # `detail` is left out on purpose: comparators may quote answers in it, and this table holds no text of anybody
    return {
        f"{prefix}score": score.value if score else None,
        f"{prefix}status": score.status.value if score else "absent",
        f"{prefix}reason": reason_code(score.reason) if score else "",
    }


def _exchange_row(trial: Trial, offset: int, keep: Keep | None) -> dict[str, Any]:
    request = trial.request
    return {
        **_place(trial),
        **_source(trial),
        "trial_id": trial.trial_id,
        "current_pin": trial.current,
        "weight": trial.weight,
        "messages": len(request.messages),
        "request_chars": sum(len(text) for _, text in request.messages),
        "tools": len(request.tools),
        "wants_json": request.wants_json,
        "asked": trial.asked,
        "spent_usd": trial.spent_usd,
        "request": json_text.dumps(keep(request.body)).decode() if keep else "",
        "ver": row_version(offset),
    }


def _answer(answer: Answer, pin: str, keep: Keep | None) -> dict[str, Any]:
    calls = answer.tool_calls
    return {
        "asked_pin": pin,
        "model": answer.model,
        "fingerprint": answer.fingerprint or "",
        "sent_hash": answer.sent_hash or "",
        "finish_reason": reason_code(answer.finish_reason or ""),
        "error": reason_code(answer.error or ""),
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "latency_ms": answer.latency_ms,
        "time_to_first_token_ms": answer.time_to_first_token_ms,
        "cost_usd": answer.cost_usd,
        "answer_chars": None if answer.text is None else len(answer.text),
        "tool_calls": len(calls),
        "text": keep(answer.text) if keep else None,
        "tool_calls_json": _calls_json(calls, keep) if keep and calls else "",
    }


def _calls_json(calls: Iterable[ToolCall], keep: Keep) -> str:
    return json_text.dumps([{"name": keep(call.name), "arguments": keep(call.arguments)} for call in calls]).decode()
