"""OpenAI chat bodies: what a response says, also where it was logged as a stream of chunks or as raw SSE text.

Formats: OpenAI API reference, "Chat completions" and "Streaming"; server-sent events as in the WHATWG HTML standard.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from schemas import json_text
from schemas.answers import ToolCall, Usage
from schemas.values import immutable
from streams.tap.credentials import check_depth

_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")


@immutable
class Said:
    """What a response body says; `error` is a reason code. Nothing at all (`is_empty`) is no answer."""

    model: str | None = None
    text: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    id: str | None = None
    fingerprint: str | None = None
    error: str | None = None

    @property
    def is_empty(self) -> bool:
        """Neither text nor tool call nor error."""
        return self.text is None and not self.tool_calls and self.error is None


def read_response(response: Any) -> Said:
    """Read a response: a chat completion, its JSON as text, a list of chunks, or the SSE text of a stream."""
    if isinstance(response, str):
        response = _parsed(response)
    if isinstance(response, list):
        return _said(assemble(chunk for chunk in response if isinstance(chunk, dict)))
    if isinstance(response, dict):
        return _said(assemble([response]) if _is_chunk(response) else response)
    return Said()


def assemble(chunks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The chat completion that the chunks of a stream amount to: the first choice, its tool calls by `index`."""
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    return assembly.body()


class Assembly:
    """A chat completion as its chunks arrive; `size` counts the characters it holds."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.size = 0
        self._head: dict[str, Any] = {}
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[Any, dict[str, str]] = {}
        self._has_started = False

    def add(self, chunk: Mapping[str, Any]) -> bool:
        """Take the next chunk in; says whether it brought something a user would see."""
        for key in ("id", "model", "system_fingerprint", "usage", "error"):
            if chunk.get(key):
                self._head[key] = chunk[key]
        choice = _first_choice(chunk)
        if choice is None:
            return False
        self._has_started = True
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        before = self.size
        for texts, key in ((self._content, "content"), (self._refusal, "refusal")):
            text = _text_of(delta.get(key)) or ""
            texts.append(text)
            self.size += len(text)
        if isinstance(delta.get("function_call"), dict):
            self.size += _add_call(self._calls, "function_call", delta["function_call"])
        pieces = delta.get("tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, dict) and isinstance(piece.get("function"), dict):
                self.size += _add_call(self._calls, str(piece.get("index", len(self._calls))), piece["function"])
        return self.size > before

    def body(self) -> dict[str, Any]:
        """What has come so far, as a chat completion."""
        if not self._has_started:
            return dict(self._head)
        message = {
            "content": "".join(self._content) or None,
            "refusal": "".join(self._refusal) or None,
            "tool_calls": [{"function": call} for call in self._calls.values()],
        }
        return {**self._head, "choices": [{"message": message, "finish_reason": self.finish_reason}]}


def sse_chunks(text: str) -> list[dict[str, Any]]:
    """The JSON objects of the `data:` fields of an event stream; `[DONE]` and what does not parse are left out."""
    chunks = []
    for event in re.split(r"\r\n\r\n|\n\n|\r\r", text):
        lines = [line[5:].removeprefix(" ") for line in event.splitlines() if line.startswith("data:")]
        try:
            chunk = json_text.loads("\n".join(lines)) if lines else None
        except (ValueError, RecursionError):
            continue
        if isinstance(chunk, dict):
            chunks.append(chunk)
    return chunks


def error_code(error: Any, status: Any = None) -> str | None:
    """A reason code for an error as gateways log it (a text, or OpenAI's error object), None where there is none."""
    if isinstance(error, dict):
        found = [error.get(key) for key in ("code", "type")]
        error = next((str(code) for code in found if isinstance(code, str | int) and code), "error")
    if isinstance(error, str) and error:
        if re.fullmatch(r"[45]\d\d", error):
            return f"http_{error}"
        return error if _CODE.fullmatch(error) else "error"
    if isinstance(status, str) and status.isdecimal() and len(status) == len("404"):
        status = int(status)
    if isinstance(status, int) and not isinstance(status, bool) and 400 <= status <= 599:  # noqa: PLR2004 - HTTP errors
        return f"http_{status}"
    return "error" if error else None


def finite(value: Any) -> float | None:
    """The number, None for what is none (also NaN, infinities, truth values and negative amounts)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def word(value: Any) -> str | None:
    """The text, None for what is none or empty."""
    return value if isinstance(value, str) and value else None


def _parsed(text: str) -> Any:
    try:
        return json_text.loads(text)
    except (ValueError, RecursionError):
        return sse_chunks(text)


def _said(body: Mapping[str, Any]) -> Said:
    choice = _first_choice(body)
    message = choice.get("message") if choice is not None else None
    text: str | None = None
    calls: tuple[ToolCall, ...] = ()
    if isinstance(message, dict):
        text = _text_of(message.get("content"))
        if text is None:
            text = _text_of(message.get("refusal"))
        calls = tuple(_tool_calls(message))
    elif choice is not None:
        text = _text_of(choice.get("text"))
    if choice is not None and text is None and not calls:
        text = ""  # all tokens spent on thinking, say: an empty answer is an answer
    usage = body.get("usage")
    return Said(
        model=word(body.get("model")),
        text=text,
        tool_calls=calls,
        finish_reason=word(choice.get("finish_reason")) if choice is not None else None,
        usage=_usage(usage) if isinstance(usage, dict) else Usage(),
        id=word(body.get("id")),
        fingerprint=word(body.get("system_fingerprint")),
        error=error_code(body.get("error")),
    )


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    choices = body.get("choices")
    if not isinstance(choices, list):
        return None
    found = [choice for choice in choices if isinstance(choice, dict)]
    return next((choice for choice in found if choice.get("index", 0) == 0), None)


def _is_chunk(body: Mapping[str, Any]) -> bool:
    choice = _first_choice(body)
    return choice is not None and "delta" in choice and "message" not in choice


def _text_of(content: Any) -> str | None:
    if isinstance(content, list):
        texts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
        return "\n".join(texts) if texts else None
    return content if isinstance(content, str) else None


def _tool_calls(message: Mapping[str, Any]) -> Iterable[ToolCall]:
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    for function in [*functions, message.get("function_call")]:
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            arguments = function.get("arguments")
            yield ToolCall(function["name"], _arguments(arguments) if isinstance(arguments, str) else arguments)


def _arguments(text: str) -> Any:
    try:
        parsed = json_text.loads(text)
        check_depth(parsed)
    except (ValueError, RecursionError):
        return text
    return parsed


def _add_call(calls: dict[Any, dict[str, str]], index: str, piece: Mapping[str, Any]) -> int:
    """Add a piece of a tool call to its call; returns how many characters it brought."""
    call = calls.setdefault(index, {"name": "", "arguments": ""})
    found = {key: piece[key] for key in call if isinstance(piece.get(key), str)}
    for key, text in found.items():
        call[key] += text
    return sum(map(len, found.values()))


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return Usage(
        _count(usage, "prompt_tokens", "input_tokens"),
        _count(usage, "completion_tokens", "output_tokens"),
        _count(details, "cached_tokens") if isinstance(details, dict) else None,
    )


def _count(counts: Mapping[str, Any], *names: str) -> int | None:
    """The count under the first of the names that has one."""
    for name in names:
        count = finite(counts.get(name))
        if count is not None:
            return int(count)
    return None
