"""A support desk that does not exist: its traffic, and two versions of its model with a known dose of drift.

Version A is the current pin; version B differs from it only where `doses` say so. Both draw wording anew for every
call, by hash of seed, model, request, arm and repeat, so that the same model asked again differs from itself.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas import json_text
from schemas.exchanges import Request
from schemas.ids import content_hash
from streams.embedded.support_desk_answers import ANSWERS, Said, json_without_instructions, ticket, without_instructions
from streams.embedded.support_desk_cases import Case, case
from streams.embedded.support_desk_drift import Doses, check_doses, drifted
from streams.embedded.support_desk_requests import (
    FEATURES,
    asked_for,
    case_number,
    chat_body,
    without_system_prompt,
)
from streams.embedded.tapped import TappedExchange, seeded_rng, spread, tapped_exchange

PROVIDER = "sim"
VERSION_A = "desk-2026-03-01"
VERSION_B = "desk-2026-10-20"
CURRENT = f"{PROVIDER}/{VERSION_A}"
CANDIDATE = f"{PROVIDER}/{VERSION_B}"

DEMO_DOSES: Doses = {
    "ticket_fields": {"code_fence": 0.6},
    "triage": {"answer_change": 0.25},
    "refund_policy": {},
    "summaries": {"embedding_distance": 0.5},
    "order_status": {},
    "order_actions": {"tool_call_change": 0.3},
    "safety": {"refusal": 0.3},
    "letters": {"truncation": 0.3},
}
"""The demo's drift: features without a dose must end PASS."""
_MUST_FAIL = frozenset({"triage", "order_actions", "safety", "letters"})
DEMO_EXCHANGES: Mapping[str, int] = {name: 400 if name in _MUST_FAIL else 620 for name in DEMO_DOSES}
"""Exchanges of each feature in the demo: PASS and REVIEW take about 540 clean trials at a tolerance of 0.01."""
DEMO_DIMENSIONS: Mapping[str, Mapping[str, int]] = {"semantic_change": {"window": 200}}
"""A feature has a few hundred exchanges here, all of them rerun: calibrate on fewer than the usual 500."""


@dataclass(frozen=True)
class DeskModel:
    """A version of the desk's model. `doses` is what it does differently from version A; `pace` stretches latency."""

    seed: int
    name: str
    doses: Doses
    pace: float = 1.0

    def __post_init__(self) -> None:
        check_doses(self.doses)

    def answer(self, request_body: Mapping[str, Any], headers: Mapping[str, str], rng: random.Random) -> dict[str, Any]:  # noqa: ARG002 - part of Model
        """A chat completion body; `simulated_latency_ms` beside the usual fields says how long it would have taken."""
        request = Request(request_body)
        number = case_number(request.user_text)
        if number is None:
            said = Said("Hello! I need a ticket to work on. Which one shall I look at?")
        else:
            said = self._said(request, case(self.seed, number), rng)
        return chat_completion(self.name, request_body, said, rng, self.pace)

    def _said(self, request: Request, about: Case, rng: random.Random) -> Said:
        feature = asked_for(request.system_text)
        if feature is not None:
            return drifted(ANSWERS[feature](about, rng), feature, about, rng, self.doses)
        if request.response_schema is not None:  # the provider enforces the schema, prompt or not
            return Said(json_text.dumps(ticket(about, rng)).decode())
        if request.wants_json:
            return json_without_instructions(about, rng)
        return without_instructions(about, rng)


def desk_models(seed: int, doses: Doses = DEMO_DOSES) -> dict[str, DeskModel]:
    """Both versions by model id (without the provider); version B drifts in `doses`.

    Raises:
        ValueError: a dose that the desk cannot give.
    """
    return {VERSION_A: DeskModel(seed, VERSION_A, {}), VERSION_B: DeskModel(seed, VERSION_B, doses)}


def traffic(
    seed: int,
    per_feature: int | Mapping[str, int] = DEMO_EXCHANGES,
    *,
    end_ms: int,
    hours: float = 26,
    lossy: Mapping[str, float] | None = None,
    limited: bool = True,
) -> Iterator[TappedExchange]:
    """The desk's production traffic over the `hours` before `end_ms`, answered by version A, in event-time order.

    Args:
        seed: decides everything.
        per_feature: exchanges of each feature, or of each of the features named.
        end_ms: time of the last exchange, milliseconds since 1970 UTC.
        hours: from the first exchange to the last.
        lossy: feature to share of its exchanges whose tapped request lost its system prompt (the model had it).
        limited: whether requests carry `max_tokens`.
    """
    counts = dict.fromkeys(FEATURES, per_feature) if isinstance(per_feature, int) else per_feature
    rng = seeded_rng(seed, "traffic")
    planned = [
        (ts_ms, feature, index)
        for feature, count in counts.items()
        for index, ts_ms in enumerate(spread(count, end_ms, hours, rng))
    ]
    model = desk_models(seed, {})[VERSION_A]
    for ts_ms, feature, index in sorted(planned):
        about = case(seed, 1_000_000 + FEATURES.index(feature) * 100_000 + index)
        request_id = f"desk-{seed}-{about.number}"
        body = chat_body(feature, about, VERSION_A)
        if not limited:
            body.pop("max_tokens", None)
        response = model.answer(body, {}, seeded_rng(seed, VERSION_A, request_id, "baseline", 0))
        if rng.random() < (lossy or {}).get(feature, 0.0):
            body = without_system_prompt(body)
        latency_ms = response.pop("simulated_latency_ms")
        response["created"] = ts_ms // 1000
        yield tapped_exchange(request_id, ts_ms, feature, body, response, latency_ms=latency_ms)


def chat_completion(
    model: str, request_body: Mapping[str, Any], said: Said, rng: random.Random, pace: float = 1.0
) -> dict[str, Any]:
    """What is said as an OpenAI chat completion body, with `simulated_latency_ms` beside its fields.

    A text longer than the request's `max_tokens` (4 characters each) is cut there, as every provider does it.
    """
    limit = request_body.get("max_tokens")
    if isinstance(limit, int) and said.text is not None and len(said.text) > 4 * limit:
        said = Said(said.text[: 4 * limit], said.tool_calls, "length")
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
    if said.tool_calls:
        message["tool_calls"] = [
            {
                "id": f"call_{rng.getrandbits(48):012x}",
                "type": "function",
                "function": {"name": call.name, "arguments": json_text.dumps(call.arguments).decode()},
            }
            for call in said.tool_calls
        ]
    asked = sum(len(str(message.get("content") or "")) for message in request_body.get("messages", ())) // 4 + 8
    written = max(1, len(json_text.dumps(message.get("tool_calls", said.text))) // 4)
    return {
        "id": f"chatcmpl-{rng.getrandbits(80):020x}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "system_fingerprint": f"fp_{content_hash(model)[:10]}",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}],
        "usage": {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written},
        "simulated_latency_ms": pace * (180 + 9 * written) * rng.lognormvariate(0, 0.25),
    }
