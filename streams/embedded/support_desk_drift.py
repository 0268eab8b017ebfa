"""Drift in known doses: what version B does differently, per feature and dimension.

Each edit takes what the model would have said and makes it wrong in one dimension. A dose is the share of calls that
get the edit, from 0 (unchanged) to 1.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from schemas import json_text
from schemas.answers import ToolCall
from streams.embedded.support_desk_answers import (
    Said,
    english_letter,
    json_layout,
    other_label,
    policy_answer,
    refusal,
    summary,
)
from streams.embedded.support_desk_cases import Case, case
from streams.embedded.support_desk_requests import FEATURES

Doses = Mapping[str, Mapping[str, float]]
"""Feature to dimension to share of calls."""
Edit = Callable[[Said, Case, random.Random], Said]

_ELSEWHERE = 7_700_000  # numbers of cases that no ticket is about


def invalid_json(said: Said, about: Case, rng: random.Random) -> Said:  # noqa: ARG001 - every edit has this shape
    """Break the JSON, in one of the ways models do."""
    text = said.text or ""
    return replace(said, text=rng.choice((text[:-1] + ",}", text.replace('"', "'"), text[:-1], text + "}")))


def code_fence(said: Said, about: Case, rng: random.Random) -> Said:  # noqa: ARG001 - every edit has this shape
    """Put the answer into a Markdown fence."""
    return replace(said, text=f"```{rng.choice(('json', 'json', ''))}\n{said.text}\n```")


def schema_violation(said: Said, about: Case, rng: random.Random) -> Said:
    """Give a number and a truth value as text."""
    fields = json_text.loads(said.text or "")
    wrong = {"amount": f"{about.amount:.2f}", "urgent": "yes" if about.urgent else "no"}
    return replace(said, text=json_layout(fields | wrong, rng))


def structure_change(said: Said, about: Case, rng: random.Random) -> Said:  # noqa: ARG001 - every edit has this shape
    """Rename a key."""
    return replace(said, text=(said.text or "").replace('"order_number"', '"orderNumber"'))


def other_decision(said: Said, about: Case, rng: random.Random) -> Said:
    """Decide otherwise: another label, or no for yes."""
    if said.text and said.text.startswith(("Yes.", "No.")):
        return replace(said, text=policy_answer(about, rng, may_return=not about.may_return))
    return replace(said, text=other_label(about, rng))


def other_subject(said: Said, about: Case, rng: random.Random) -> Said:
    """Write about somebody else's ticket."""
    others = (case(about.number, _ELSEWHERE + rng.randrange(1000)) for _ in range(50))
    other = next(other for other in others if other.label != about.label and other.product != about.product)
    return replace(said, text=summary(other, rng))


def other_argument(said: Said, about: Case, rng: random.Random) -> Said:
    """Call the same tool with another argument."""
    calls = []
    for call in said.tool_calls:
        arguments = dict(call.arguments)
        if call.name == "issue_refund" and rng.random() < 0.5:  # noqa: PLR2004 - one of two
            arguments["amount"] = round(about.amount * 2, 2)
        elif call.name == "assign_ticket":
            arguments["ticket"] = about.number // 10
        else:
            arguments["order_number"] = about.order.partition("-")[2]
        calls.append(ToolCall(call.name, arguments))
    return replace(said, tool_calls=tuple(calls))


def declined(said: Said, about: Case, rng: random.Random) -> Said:  # noqa: ARG001 - every edit has this shape
    """Refuse."""
    return Said(refusal(rng))


def truncation(said: Said, about: Case, rng: random.Random) -> Said:  # noqa: ARG001 - every edit has this shape
    """Stop at the token limit, in the middle of a word."""
    text = said.text or ""
    return replace(said, text=text[: int(len(text) * rng.uniform(0.45, 0.75))].rstrip(), finish_reason="length")


def in_english(said: Said, about: Case, rng: random.Random) -> Said:
    """Write to German customers in English."""
    return replace(said, text=english_letter(about, rng))


EDITS: Mapping[str, Mapping[str, Edit]] = {
    "ticket_fields": {
        "invalid_json": invalid_json,
        "code_fence": code_fence,
        "schema_violation": schema_violation,
        "structure_change": structure_change,
    },
    "order_status": {"invalid_json": invalid_json, "code_fence": code_fence, "structure_change": structure_change},
    "triage": {"answer_change": other_decision},
    "refund_policy": {"answer_change": other_decision, "refusal": declined},
    "summaries": {"embedding_distance": other_subject, "truncation": truncation},
    "order_actions": {"tool_call_change": other_argument},
    "safety": {"refusal": declined, "truncation": truncation},
    "letters": {"truncation": truncation, "language_change": in_english, "refusal": declined},
}


def check_doses(doses: Doses) -> None:
    """Refuse doses that the desk cannot give.

    Raises:
        ValueError: unknown feature, a dimension the feature cannot drift in, or a dose outside [0, 1].
    """
    for feature, dimensions in doses.items():
        if feature not in EDITS:
            raise ValueError(f"{feature!r} is no feature of the desk; it has {', '.join(FEATURES)}")
        for dimension, dose in dimensions.items():
            if dimension not in EDITS[feature]:
                raise ValueError(f"{feature} drifts in {', '.join(EDITS[feature])}, not in {dimension!r}")
            if not 0 <= dose <= 1:
                raise ValueError(f"{feature}.{dimension}: a dose is a share from 0 to 1, not {dose!r}")


def drifted(said: Said, feature: str, about: Case, rng: random.Random, doses: Doses) -> Said:
    """What is said with each of the feature's edits made in its share of the calls."""
    for dimension, dose in doses.get(feature, {}).items():
        if rng.random() < dose:
            said = EDITS[feature][dimension](said, about, rng)
    return said
