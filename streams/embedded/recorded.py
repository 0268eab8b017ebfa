"""Recorded models: the answers of a trial file, served as if somebody had just given them.

Answers are looked up by our own request and arm headers, never by prompt: prompts repeat. Latency as recorded is
reported, not waited for.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from schemas import json_text
from schemas.answers import Answer, Arm
from schemas.topics import ARM_HEADER, REQUEST_HEADER
from schemas.trials import TrialLine
from streams.embedded.faults import AnswerError
from streams.embedded.tapped import TappedExchange, seeded_rng, spread, tapped_exchange


@dataclass
class RecordedModel:
    """Answers calls from trial lines; one object stands for every model named in them."""

    lines: Mapping[str, TrialLine] = field(repr=False)  # by request id

    def answer(self, request_body: Mapping[str, Any], headers: Mapping[str, str], rng: random.Random) -> dict[str, Any]:  # noqa: ARG002 - part of Model
        """The recorded answer as a chat completion body.

        Raises:
            AnswerError: a recorded error, or nothing is recorded for this request and arm.
        """
        identity, arm = unquote(headers.get(REQUEST_HEADER, "")), unquote(headers.get(ARM_HEADER, ""))
        line = self.lines.get(identity)
        if line is None:
            raise AnswerError(400, f"No line has the request_id {identity!r}.", code="not_recorded")
        recorded = line.rerun if arm == Arm.RERUN else line.candidates.get(arm.removeprefix(f"{Arm.CANDIDATE}:"))
        if recorded is None:
            raise AnswerError(400, f"Request {identity!r} has no answer of {arm!r}.", code="not_recorded")
        if recorded.error is not None:
            raise answer_error(recorded.error)
        return completion(identity, recorded)


def recorded_models(lines: Iterable[TrialLine]) -> dict[str, RecordedModel]:
    """Every model id of the lines (without its provider), answered from them.

    Raises:
        ValueError: two lines have the same request_id, so that an answer could not be told.
    """
    by_id: dict[str, TrialLine] = {}
    for line in lines:
        if by_id.setdefault(line.request_id, line) is not line:
            raise ValueError(f"request_id {line.request_id!r} stands in two lines; each needs its own")
    names = {
        model_id(answer.model)
        for line in by_id.values()
        for answer in (line.baseline, *line.candidates.values(), line.rerun)
        if answer is not None
    }
    return dict.fromkeys(sorted(names), RecordedModel(by_id))


def rerun_share(lines: Iterable[TrialLine]) -> float:
    """1.0 where every line has a rerun, else 0.0: a sample of those that happen to have one would be no sample."""
    return 1.0 if all(line.rerun is not None for line in lines) else 0.0


def recorded_traffic(
    lines: Sequence[TrialLine], *, end_ms: int | None = None, hours: float = 26
) -> Iterator[TappedExchange]:
    """The lines as tapped exchanges with their baseline answers, in event-time order.

    Args:
        lines: at least one.
        end_ms: spread them evenly, in the order of the file, over the `hours` before this time (milliseconds since
            1970 UTC); None keeps the recorded times, which a topic with finite retention may drop at once.
        hours: only with `end_ms`.
    """
    times = [line.ts_ms for line in lines]
    if end_ms is not None:
        times = list(spread(len(lines), end_ms, hours, seeded_rng("recorded", len(lines))))
    for ts_ms, line in sorted(zip(times, lines, strict=True), key=lambda pair: pair[0]):
        body = {"model": model_id(line.baseline.model), **line.request.body}
        response = completion(line.request_id, line.baseline)
        if line.baseline.error is not None:
            response = answer_error(line.baseline.error).body
        response.pop("simulated_latency_ms", None)
        yield tapped_exchange(line.request_id, ts_ms, line.feature, body, response, latency_ms=line.baseline.latency_ms)


def model_id(pin: str) -> str:
    """The id of a pin without its provider."""
    return pin.partition("/")[2] or pin


def completion(identity: str, answer: Answer) -> dict[str, Any]:
    """An answer as an OpenAI chat completion body, with `simulated_latency_ms` where a latency is known."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": f"call_{place}",
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call.arguments)},
            }
            for place, call in enumerate(answer.tool_calls)
        ]
    body: dict[str, Any] = {
        "id": f"recorded-{identity}",
        "object": "chat.completion",
        "created": 0,
        "model": model_id(answer.model),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
    }
    if answer.fingerprint is not None:
        body["system_fingerprint"] = answer.fingerprint
    counts = {"prompt_tokens": answer.usage.input_tokens, "completion_tokens": answer.usage.output_tokens}
    if known := {name: count for name, count in counts.items() if count is not None}:
        body["usage"] = known
    if answer.latency_ms is not None:
        body["simulated_latency_ms"] = answer.latency_ms
    return body


def answer_error(error: str) -> AnswerError:
    """The HTTP error that reads back as this recorded error.

    `http_NNN` is that status and `rejected:PARAMETER` a 400 that names it; anything else, and what would stop all
    asking (401, 402, 403), a 400 with it as code.
    """
    kind, _, parameter = error.partition(":")
    if kind == "rejected" and parameter:
        return AnswerError(400, f"{parameter} is not supported.", code="unsupported_parameter", param=parameter)
    status = kind.removeprefix("http_")
    is_error = kind.startswith("http_") and status.isdecimal() and 400 <= int(status) <= 599  # noqa: PLR2004 - HTTP's
    if is_error and status not in ("401", "402", "403"):
        return AnswerError(int(status), f"Recorded error {error}.", code=error)
    return AnswerError(400, f"Recorded error {error}.", code=error)


def _arguments(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json_text.dumps(arguments).decode()
