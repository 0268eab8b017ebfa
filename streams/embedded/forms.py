"""The formats the simulated provider speaks: its models answer chat bodies, a form turns those into what was asked."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from schemas import json_text
from streams.embedded.faults import AnswerError

PIECE = 24  # characters in one event of a stream


class Form(Protocol):
    """How requests, answers, errors and limits look."""

    path: ClassVar[str]

    def chat(self, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """The chat body that a request amounts to.

        Raises:
            AnswerError: it is no request.
        """

    def whole(self, completion: Mapping[str, Any]) -> dict[str, Any]:
        """A chat completion in this form."""

    def events(self, completion: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[bytes]:
        """The same as server-sent events; `body` is the request."""

    def error(self, refused: AnswerError) -> tuple[int, dict[str, Any]]:
        """Status and body of an error."""

    def limits(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers of limits, which come as OpenAI writes them."""


class ChatForm:
    """OpenAI's chat completions, after its public API reference."""

    path: ClassVar[str] = "/v1/chat/completions"

    def chat(self, body: Any, _: Mapping[str, str]) -> dict[str, Any]:
        """The body itself."""
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            raise AnswerError(400, "We could not parse the JSON body of your request.", param="messages")
        return body

    def whole(self, completion: Mapping[str, Any]) -> dict[str, Any]:
        """The completion itself."""
        return dict(completion)

    def events(self, completion: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[bytes]:
        """Chunks; the last one has the usage where `stream_options` asks for it."""
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        for chunk in _chunks(completion, with_usage=with_usage):
            yield b"data: " + json_text.dumps(chunk) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def error(self, refused: AnswerError) -> tuple[int, dict[str, Any]]:
        """The error object with message, type, param and code."""
        return refused.status, refused.body

    def limits(self, headers: Mapping[str, str]) -> dict[str, str]:
        """As they are."""
        return dict(headers)


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of a stream."""
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def _chunks(answer: Mapping[str, Any], *, with_usage: bool) -> Iterator[dict[str, Any]]:
    shared = {key: answer[key] for key in ("id", "created", "model", "system_fingerprint") if key in answer}
    shared["object"] = "chat.completion.chunk"
    choice = answer["choices"][0]
    message = choice["message"]

    def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(message.get("content") or ""):
        yield chunk({"content": piece})
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        yield chunk({"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]})
        for piece in pieces(function["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, choice["finish_reason"])
    if with_usage and "usage" in answer:
        yield {**shared, "choices": [], "usage": answer["usage"]}
