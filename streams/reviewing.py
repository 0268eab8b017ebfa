"""Pairs of answers for a person to judge: the most telling ones, with their texts, each under a letter."""

from collections.abc import Collection
from uuid import UUID

from comparators.comparator import Kind
from comparators.scoring import FeatureRules
from schemas import json_text
from schemas.answers import Answer, Arm, ToolCall
from schemas.config import Config
from schemas.errors import UsageError
from schemas.exchanges import Request
from schemas.ids import stable_id, unit_interval
from schemas.values import immutable
from schemas.verdicts import Effect
from streams.rules import Rules
from streams.store import Store

AGREES_FROM = 0.2  # excess from which a dimension is said to flag a pair
_SPARE = 3  # times as many pairs are looked up as asked for: of some the text is gone
_ERRORS = "call_error"  # nothing to read there


@immutable
class Pair:
    """A request with production's and the candidate's answer."""

    comparison_id: UUID
    hour: int  # seconds since 1970 UTC
    feature: str
    request_id: str
    request: Request
    baseline: Answer
    candidate: Answer

    def candidate_letter(self, reviewer: str) -> str:
        """A or B: the same whenever this person sees this pair, and a coin's toss otherwise."""
        return "A" if unit_interval(stable_id(self.comparison_id, reviewer), "letters") < 0.5 else "B"  # noqa: PLR2004 - a fair coin

    def answers(self, reviewer: str) -> tuple[Answer, Answer]:
        """What stands under A and B."""
        is_first = self.candidate_letter(reviewer) == "A"
        return (self.candidate, self.baseline) if is_first else (self.baseline, self.candidate)


async def pairs(store: Store, config: Config, candidate: str, feature: str, count: int) -> list[Pair]:
    """The pairs that differ most, of each feature and dimension in turn; both arms answered, and texts are there.

    Raises:
        UsageError: nothing differs, or no texts are stored; the message says which.
    """
    dimensions = _readable(Rules(config).common)
    upgrade = config.upgrade.name
    found = await store.telling_pairs(upgrade, candidate, dimensions, feature, count * _SPARE)
    if not found:
        raise UsageError(f"review: nothing that {candidate} answered{f' in {feature}' if feature else ''} differs")
    order = {comparison_id: number for number, ((_, comparison_id), _) in enumerate(found)}
    shown = await _with_texts(store, upgrade, candidate, [place for place, _ in found])
    if not shown:
        raise UsageError(
            "review: ClickHouse has no texts of these pairs (clickhouse.store_text is "
            f'"{config.clickhouse.store_text}"; texts live {config.clickhouse.text_days} days): set it to '
            '"redacted" or "full", and review what is compared from then on'
        )
    return sorted(shown, key=lambda pair: order[pair.comparison_id])[:count]


def _readable(rules: FeatureRules) -> set[str]:
    """Dimensions whose difference a person can see in the answers."""
    return {
        dimension.name
        for dimension in rules.dimensions
        if dimension.kind is not Kind.MEASURE and dimension.effect is not Effect.INFO and dimension.name != _ERRORS
    }


async def _with_texts(store: Store, upgrade: str, candidate: str, places: Collection[tuple[int, UUID]]) -> list[Pair]:
    hours = sorted({hour for hour, _ in places})
    rows = store.connection.rows
    here = "upgrade = {upgrade:String} AND hour IN arrayMap(h -> toDateTime(h, 'UTC'), {hours:Array(UInt32)}) AND "
    compared = await rows(
        "SELECT comparison_id, toUnixTimestamp(hour), feature, request_id, trial_id FROM comparisons "  # noqa: S608 - no text of a user in it
        f"WHERE {here} candidate = {{candidate:String}} AND comparison_id IN {{ids:Array(UUID)}} "
        "AND baseline_error = '' AND candidate_error = ''",
        {"upgrade": upgrade, "hours": hours, "candidate": candidate, "ids": [str(found) for _, found in places]},
    )
    parameters = {"upgrade": upgrade, "hours": hours, "candidate": candidate, "ids": [str(row[4]) for row in compared]}
    requests = dict(
        await rows(
            f"SELECT trial_id, request FROM exchanges WHERE {here} trial_id IN {{ids:Array(UUID)}} AND request != ''",  # noqa: S608 - the same
            parameters,
        )
    )
    answers = {
        (trial_id, arm): Answer("", text=text, tool_calls=_calls(calls))
        for trial_id, arm, text, calls in await rows(
            f"SELECT trial_id, arm, text, tool_calls_json FROM answers WHERE {here} trial_id IN {{ids:Array(UUID)}} "  # noqa: S608 - the same
            "AND candidate IN ('', {candidate:String}) AND (text IS NOT NULL OR tool_calls_json != '')",
            parameters,
        )
    }
    return [
        Pair(
            comparison_id, hour, feature, request_id, Request(json_text.loads(requests[trial_id])),
            answers[trial_id, Arm.BASELINE], answers[trial_id, Arm.CANDIDATE],
        )
        for comparison_id, hour, feature, request_id, trial_id in compared
        if trial_id in requests and {(trial_id, Arm.BASELINE), (trial_id, Arm.CANDIDATE)} <= answers.keys()
    ]  # fmt: skip


def _calls(text: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(call["name"], call["arguments"]) for call in json_text.loads(text)) if text else ()
