"""Records that hold request and answer side by side: the exchange envelope, and the ways gateways write the same.

The exchange envelope is ours, documented in docs/formats.md, for whoever can choose what to log:

    {"id": "r1", "ts": "2026-11-01T10:00:00Z", "feature": "summaries", "headers": {"x-feature": "summaries"},
     "request": {chat body}, "response": {chat completion}, "latency_ms": 812, "time_to_first_token_ms": 90,
     "cost_usd": 0.0003, "error": null}

Only `request` and `response` (or `error`) are needed, which makes it OpenAI's two bodies side by side, format `openai`.
Either body may stand as JSON text, or in an HTTP shape, `{"headers": …, "status": 200, "body": …}`; the response also
as the chunks or the SSE text of its stream. `ts` is for people: event time is the Kafka record's timestamp.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from schemas import json_text
from schemas.values import immutable
from streams.tap.chat import error_code, finite

_OWN = frozenset({"request", "response", "headers"})  # of an envelope; everything else is for feature rules


@immutable
class Parts:
    """The parts of one exchange as found in a record, not yet cleaned; None is not there.

    `request` is the chat body (anything else than an object: none), `response` what `chat.read_response` reads;
    `text` stands in for it where only the answer's text was logged. Milliseconds, USD.
    """

    request: Any = None
    response: Any = None
    text: str | None = None
    id: str | None = None
    model: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    latency_ms: float | None = None
    time_to_first_token_ms: float | None = None
    cost_usd: float | None = None
    error: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Request and answer (or the error in its place) are both there."""
        return self.request is not None and not (self.response is None and self.text is None and self.error is None)


def envelope_parts(record: Mapping[str, Any]) -> Parts | None:
    """The parts of an envelope, None where the record is none."""
    if not any(record.get(key) is not None for key in ("request", "response")):
        return None
    request, request_headers, _ = _http(_json(record.get("request")))
    response, _, status = _http(record.get("response"))
    headers = record.get("headers")
    return Parts(
        request=_json(request),
        response=response,
        id=word(record.get("id")),
        model=word(record.get("model")),
        headers=request_headers | (headers if isinstance(headers, dict) else {}),
        latency_ms=finite(record.get("latency_ms")),
        time_to_first_token_ms=finite(record.get("time_to_first_token_ms")),
        cost_usd=finite(record.get("cost_usd")),
        error=error_code(record.get("error"), record.get("status") if status is None else status),
        fields={name: value for name, value in record.items() if name not in _OWN},
    )


def word(value: Any) -> str | None:
    """A name: a text that is not empty, or a number as text; None for everything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def _http(message: Any) -> tuple[Any, dict[str, Any], Any]:
    """Body, headers and status of a body that stands in an HTTP shape; of a bare body itself."""
    if not isinstance(message, dict) or "body" not in message or "messages" in message or "choices" in message:
        return message, {}, None
    headers = message.get("headers")
    status = message.get("status", message.get("status_code"))
    return message["body"], dict(headers) if isinstance(headers, dict) else {}, status


def _json(body: Any) -> Any:
    if isinstance(body, str):
        try:
            return json_text.loads(body)
        except (ValueError, RecursionError):
            return None
    return body
