"""OpenAI's chat completions, spoken by most other providers too: API reference, "Chat" and "Streaming"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from schemas.values import immutable
from streams.tap.chat import Assembly, Said, read_response


class Unconvertible(ValueError):  # noqa: N818 - an outcome (`call_error`), not an error of ours
    """The request cannot be put in the provider's format; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Streamed(Protocol):
    """An answer that comes as events; `error` is what the provider said instead of going on."""

    is_whole: bool
    error: Any

    @property
    def size(self) -> int:
        """Characters that have come."""

    def add(self, event: Mapping[str, Any]) -> bool:
        """Take the next event in; says whether it holds something a user would see."""

    def said(self) -> Said:
        """What all of it says."""


class Api(Protocol):
    """How one kind of provider is spoken to. Inside shadowtap a request is always a chat body."""

    path: ClassVar[str]

    def headers(self, key: str | None) -> dict[str, str]:
        """Headers of a request, the key in its place."""

    def request(self, chat: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """The body to send.

        Raises:
            Unconvertible: this format has no place for something that was asked.
        """

    def said(self, body: Any) -> Said:
        """What a whole response says."""

    def streamed(self) -> Streamed:
        """A response to `stream` that is still to come."""


@immutable
class ChatApi:
    """`POST /chat/completions`."""

    path: ClassVar[str] = "/chat/completions"

    def headers(self, key: str | None) -> dict[str, str]:
        """The key as a bearer token."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def request(self, chat: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """The chat body as it is."""
        return {**chat, "stream": True, "stream_options": {"include_usage": True}} if stream else dict(chat)

    def said(self, body: Any) -> Said:
        """What a chat completion says."""
        return read_response(body)

    def streamed(self) -> "StreamedChat":
        """Chunks that are still to come."""
        return StreamedChat()


@dataclass(slots=True)
class StreamedChat:
    """A chat completion in chunks; it is whole once a finish reason has come."""

    is_whole: bool = False
    error: Any = None
    _assembly: Assembly = field(default_factory=Assembly)

    @property
    def size(self) -> int:
        """Characters that have come."""
        return self._assembly.size

    def add(self, event: Mapping[str, Any]) -> bool:
        """Take in a chunk."""
        self.error = event.get("error") or self.error
        is_seen = self._assembly.add(event)
        self.is_whole = self.is_whole or self._assembly.finish_reason is not None
        return is_seen

    def said(self) -> Said:
        """What the chunks amount to."""
        return read_response(self._assembly.body())
