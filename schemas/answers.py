"""What an arm said: text, tool calls, finish reason, usage, latency, cost, or the error it gave."""

from dataclasses import field
from enum import StrEnum
from typing import Any

from schemas.values import immutable

_ARGUMENTS = ("arguments", "input", "args")


class Arm(StrEnum):
    """Who answered."""

    BASELINE = "baseline"  # production, recorded
    CANDIDATE = "candidate"
    RERUN = "rerun"  # the current pin, asked again: the noise floor


@immutable
class ToolCall:
    """One tool call that a model wants; never executed by shadowtap."""

    name: str
    arguments: Any = None  # parsed JSON where it parses, else the text as it came


@immutable
class Usage:
    """Tokens as the provider counted them; None is unknown, not zero. Cached tokens are among the input tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None


@immutable
class Answer:
    """An answer, or the error in its place.

    `model` is who answered as the provider reported it (for an error: the pin that was asked). Latency and time to
    first token are milliseconds, cost is USD; None means unknown. `error` is a reason code such as `timeout`,
    `http_500` or `rejected:temperature`; an answer with an error has no text.
    """

    model: str
    text: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    latency_ms: float | None = None
    time_to_first_token_ms: float | None = None
    cost_usd: float | None = None
    error: str | None = None
    fingerprint: str | None = None  # the provider's own mark of the deployment, e.g. system_fingerprint
    sent_hash: str | None = None  # of the request body that was sent; None for the baseline

    @property
    def content(self) -> str:
        """The text, empty where there is none."""
        return self.text or ""


def answer_from(fields: dict[str, Any]) -> Answer:
    """Read an answer from parsed JSON; unknown fields are ignored.

    Raises:
        ValueError: no `model`, none of `text`, `tool_calls`, `error`, or a field of the wrong type.
    """
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise ValueError("an answer needs 'model', the name of who answered")
    text, calls, error = fields.get("text"), fields.get("tool_calls"), fields.get("error")
    if text is None and not calls and error is None:
        raise ValueError("an answer needs one of 'text', 'tool_calls' or 'error'")
    if text is not None and not isinstance(text, str):
        raise ValueError(f"'text' must be a string, not {type(text).__name__}")
    if calls is not None and not isinstance(calls, list):
        raise ValueError(f"'tool_calls' must be a list, not {type(calls).__name__}")
    usage = fields.get("usage") or {}
    if not isinstance(usage, dict):
        raise ValueError(f"'usage' must be an object, not {type(usage).__name__}")
    return Answer(
        model=model,
        text=text,
        tool_calls=tuple(_tool_call(call) for call in calls or ()),
        finish_reason=_text(fields, "finish_reason"),
        usage=Usage(*(_count(usage, key) for key in ("input_tokens", "output_tokens", "cached_input_tokens"))),
        latency_ms=_number(fields, "latency_ms"),
        time_to_first_token_ms=_number(fields, "time_to_first_token_ms"),
        cost_usd=_number(fields, "cost_usd"),
        error=_text(fields, "error"),
        fingerprint=_text(fields, "fingerprint"),
        sent_hash=_text(fields, "sent_hash"),
    )


def _tool_call(call: Any) -> ToolCall:
    """A call as trial lines write it, or as OpenAI (`function`), Anthropic (`input`) or Gemini (`args`) answered it."""
    function = call.get("function") if isinstance(call, dict) else None
    described = function if isinstance(function, dict) else call
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise ValueError("a tool call needs 'name' and 'arguments'")
    return ToolCall(described["name"], next((described[key] for key in _ARGUMENTS if key in described), None))


def _text(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key!r} must be a string, not {type(value).__name__}")
    return value


def _number(fields: dict[str, Any], key: str) -> float | None:
    value = fields.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"{key!r} must be a number, not {type(value).__name__}")
    return value


def _count(fields: dict[str, Any], key: str) -> int | None:
    value = _number(fields, key)
    return None if value is None else int(value)
