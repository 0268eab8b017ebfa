"""Anthropic's messages API: its API reference, "Messages" and "Streaming messages"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from schemas import json_text
from schemas.answers import ToolCall, Usage
from schemas.values import immutable
from streams.replay.messages_request import messages_request, texts_of
from streams.tap.chat import Said, error_code, finite, word
from streams.tap.credentials import check_depth

VERSION = "2023-06-01"
_FINISH = {  # as OpenAI says it, so that arms of different providers are alike; other reasons stay as they are
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")  # the first excludes the others


@immutable
class MessagesApi:
    """`POST /messages`."""

    path: ClassVar[str] = "/messages"

    def headers(self, key: str | None) -> dict[str, str]:
        """The version, and the key in a header of its own."""
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def request(self, chat: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """The chat body in this format.

        Raises:
            Unconvertible: it has no place for something that was asked.
        """
        return messages_request({**chat, "stream": True} if stream else chat)

    def said(self, body: Any) -> Said:
        """What a message says; thinking is not part of it."""
        if not isinstance(body, dict):
            return Said()
        if body.get("type") == "error":
            return Said(error=error_code(body.get("error")))
        content = body.get("content")
        if not isinstance(content, list):
            return Said()
        texts, calls = list(texts_of(content)), tuple(_calls(content))
        reason = body.get("stop_reason")
        return Said(
            model=word(body.get("model")),
            text="".join(texts) if texts or not calls else None,
            tool_calls=calls,
            finish_reason=_FINISH.get(reason, reason) if isinstance(reason, str) else None,
            usage=_usage(body.get("usage")),
            id=word(body.get("id")),
        )

    def streamed(self) -> "StreamedMessage":
        """Events that are still to come."""
        return StreamedMessage()


@dataclass(slots=True)
class StreamedMessage:
    """A message in events; it is whole once `message_stop` has come."""

    is_whole: bool = False
    error: Any = None
    size: int = 0
    _message: dict[str, Any] = field(default_factory=dict)
    _blocks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, event: Mapping[str, Any]) -> bool:
        """Take in an event."""
        kind = event.get("type")
        if kind == "message_start":
            self._message.update(_object(event, "message"))
        elif kind == "message_delta":
            usage = {**_object(self._message, "usage"), **_object(event, "usage")}  # counts are cumulative
            self._message.update(_object(event, "delta"), usage=usage)
        elif kind == "message_stop":
            self.is_whole = True
        elif kind == "error":
            self.error = event.get("error") or kind
        elif kind == "content_block_start":
            block = dict(_object(event, "content_block"))
            self._blocks[str(event.get("index"))] = block | {"pieces": []}
            return block.get("type") == "tool_use"
        elif kind == "content_block_delta":
            return self._add_piece(event)
        return False

    def said(self) -> Said:
        """What the events amount to."""
        content = [_finished(block) for block in self._blocks.values()]
        return MessagesApi().said({**self._message, "content": content})

    def _add_piece(self, event: Mapping[str, Any]) -> bool:
        delta = _object(event, "delta")
        piece = delta.get("text", delta.get("partial_json"))
        block = self._blocks.get(str(event.get("index")))
        if not isinstance(piece, str) or block is None:
            return False
        block["pieces"].append(piece)
        self.size += len(piece)
        return bool(piece)


def _finished(block: Mapping[str, Any]) -> dict[str, Any]:
    text = "".join(block["pieces"])
    if block.get("type") == "tool_use":
        return {"type": "tool_use", "name": block.get("name"), "input": _input(text) if text else block.get("input")}
    return {"type": block.get("type"), "text": f"{block.get('text') or ''}{text}"}


def _input(text: str) -> Any:
    try:
        given = json_text.loads(text)
        check_depth(given)
    except (ValueError, RecursionError):
        return text
    return given


def _calls(content: list[Any]) -> list[ToolCall]:
    return [
        ToolCall(block["name"], block.get("input"))
        for block in content
        if isinstance(block, dict) and block.get("type") == "tool_use" and isinstance(block.get("name"), str)
    ]


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    inputs = [count for key in _INPUT if (count := finite(usage.get(key))) is not None]
    output = finite(usage.get("output_tokens"))
    return Usage(int(sum(inputs)) if inputs else None, None if output is None else int(output))


def _object(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = fields.get(key)
    return value if isinstance(value, dict) else {}
