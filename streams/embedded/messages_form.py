"""Anthropic's messages API as the simulated provider speaks it, after its public API reference.

Written from the reference and strict about what it demands, so that a client which misreads it does not find the same
misreading here.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from schemas import json_text
from streams.embedded.faults import AnswerError
from streams.embedded.forms import pieces

_KNOWN = frozenset({
    "model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream", "tools",
    "tool_choice", "metadata", "thinking", "output_config", "service_tier", "container", "context_management",
})  # fmt: skip
_ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
}  # fmt: skip
_STOP = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class MessagesForm:
    """`POST /v1/messages`."""

    path: ClassVar[str] = "/v1/messages"

    def chat(self, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """The chat body that a request amounts to.

        Raises:
            AnswerError: it is no request of this API.
        """
        _check(body, headers)
        system = [{"role": "system", "content": _text(body["system"])}] if body.get("system") else []
        turns = [message for turn in _turns(body["messages"]) for message in turn]
        chat = {key: body[key] for key in ("model", "max_tokens", "temperature", "top_p", "stream") if key in body}
        chat["messages"] = [*system, *turns]
        if "stop_sequences" in body:
            chat["stop"] = body["stop_sequences"]
        if "tools" in body:
            chat["tools"] = [_tool(tool) for tool in body["tools"]]
        if "tool_choice" in body:
            chat["tool_choice"] = _choice(body["tool_choice"])
        schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
        if schema is not None:
            chat["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        return chat

    def whole(self, completion: Mapping[str, Any]) -> dict[str, Any]:
        """A message."""
        choice = completion["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        content: list[dict[str, Any]] = [{"type": "text", "text": message["content"]}] if message.get("content") else []
        for call in message.get("tool_calls") or ():
            function = call["function"]
            given = json_text.loads(function["arguments"] or "{}")
            content.append({"type": "tool_use", "id": f"toolu_{call['id']}", "name": function["name"], "input": given})
        usage = completion.get("usage") or {}
        prompt = usage.get("prompt_tokens") or 0
        return {
            "id": f"msg_{completion.get('id')}",
            "type": "message",
            "role": "assistant",
            "model": completion.get("model"),
            "content": content,
            "stop_reason": _STOP.get(finish, finish),
            "stop_sequence": None,
            "usage": {
                "input_tokens": prompt - prompt // 4,  # a part comes from the cache, which the count leaves out
                "cache_read_input_tokens": prompt // 4,
                "cache_creation_input_tokens": 0,
                "output_tokens": usage.get("completion_tokens") or 0,
            },
        }

    def events(self, completion: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[bytes]:
        """`message_start`, the blocks, `message_delta`, `message_stop`."""
        message = self.whole(completion)
        usage = {**message["usage"], "output_tokens": 1}
        yield _event("message_start", message={**message, "content": [], "stop_reason": None, "usage": usage})
        yield _event("ping")
        for index, block in enumerate(message["content"]):
            is_text = block["type"] == "text"
            empty = {**block, "text": ""} if is_text else {**block, "input": {}}
            yield _event("content_block_start", index=index, content_block=empty)
            for piece in pieces(block["text"] if is_text else json_text.dumps(block["input"]).decode()):
                kind, key = ("text_delta", "text") if is_text else ("input_json_delta", "partial_json")
                yield _event("content_block_delta", index=index, delta={"type": kind, key: piece})
            yield _event("content_block_stop", index=index)
        end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        yield _event("message_delta", delta=end, usage={"output_tokens": message["usage"]["output_tokens"]})
        yield _event("message_stop")

    def error(self, refused: AnswerError) -> tuple[int, dict[str, Any]]:
        """Type and message; the parameter stands at the message's beginning, as the service writes it."""
        error = refused.body["error"]
        status, message, param = refused.status, error["message"], error["param"]
        if error["code"] == "insufficient_quota":
            status, message = 400, "Your credit balance is too low to access the Anthropic API."
        if error["type"] == "server_error":
            status = 529
        kind = _ERROR_TYPES.get(status, "api_error")
        return status, {
            "type": "error",
            "error": {"type": kind, "message": f"{param}: {message}" if param else message},
        }

    def limits(self, headers: Mapping[str, str]) -> dict[str, str]:
        """`anthropic-ratelimit-requests-remaining` and its kin; resets as RFC 3339 times."""
        made = {}
        for name, value in headers.items():
            found = re.fullmatch(r"x-ratelimit-(limit|remaining|reset)-(requests|tokens)", name)
            if found is None:
                made[name] = value
                continue
            if found[1] == "reset":
                moment = datetime.now(UTC) + timedelta(seconds=float(value.removesuffix("s")))
                value = moment.isoformat(timespec="seconds").replace("+00:00", "Z")  # noqa: PLW2901 - the same value
            made[f"anthropic-ratelimit-{found[2]}-{found[1]}"] = value
        return made


def _check(body: Any, headers: Mapping[str, str]) -> None:
    if "anthropic-version" not in headers:
        raise AnswerError(400, "anthropic-version: header is required")
    if not isinstance(body, dict):
        raise AnswerError(400, "The request body is not valid JSON")
    for key in ("model", "max_tokens", "messages"):
        if key not in body:
            raise AnswerError(400, "Field required", param=key)
    for key in sorted(body.keys() - _KNOWN):
        raise AnswerError(400, "Extra inputs are not permitted", param=key)
    if (body.get("temperature") or 0) > 1:
        raise AnswerError(400, "Input should be less than or equal to 1", param="temperature")


def _turns(messages: Any) -> Iterator[list[dict[str, Any]]]:
    if not isinstance(messages, list) or not messages:
        raise AnswerError(400, "at least one message is required", param="messages")
    called: set[Any] = set()
    for place, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant"):
            raise AnswerError(400, "Input should be 'user' or 'assistant'", param=f"messages.{place}.role")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        results = [block for block in blocks if block["type"] == "tool_result"]
        if called - {block["tool_use_id"] for block in results}:
            raise AnswerError(400, "`tool_use` ids were found without `tool_result` blocks", param=f"messages.{place}")
        called = {block["id"] for block in blocks if block["type"] == "tool_use"}
        yield list(_messages(role, blocks, results))


def _messages(role: str, blocks: list[dict[str, Any]], results: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in results:
        yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": _text(block["content"])}
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json_text.dumps(block["input"]).decode()},
        }
        for block in blocks
        if block["type"] == "tool_use"
    ]
    text = _text([block for block in blocks if block["type"] == "text"])
    if text or calls or not results:
        yield {"role": role, "content": text, **({"tool_calls": calls} if calls else {})}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    for block in content:
        if block["type"] == "text" and not block["text"]:
            raise AnswerError(400, "text content blocks must be non-empty", param="messages")
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool or "name" not in tool:
        raise AnswerError(400, "Field required", param="tools")
    function = {"name": tool["name"], "description": tool.get("description", ""), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


def _choice(choice: Mapping[str, Any]) -> Any:
    if choice["type"] == "tool":
        return {"type": "function", "function": {"name": choice["name"]}}
    return _CHOICES[choice["type"]]


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + b"data: " + json_text.dumps({"type": kind, **fields}) + b"\n\n"
