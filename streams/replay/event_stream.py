"""Server-sent events as they arrive: bytes in, parsed JSON objects out (WHATWG HTML standard, "Server-sent events")."""

from collections.abc import Iterator
from typing import Any

from schemas import json_text
from streams.tap.credentials import check_depth

MAX_EVENT = 4 << 20  # bytes


class TooLargeError(ValueError):
    """One event is larger than anything a provider sends."""


class EventStream:
    """Splits bytes into events. Only `data` fields count; `[DONE]` and what is no JSON object are left out."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """The events that end in these bytes.

        Raises:
            TooLargeError: an event or a line that does not end.
        """
        lines = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line:
                self._take(line)
                continue
            data, self._data, self._size = b"\n".join(self._data), [], 0
            event = _parsed(data)
            if event is not None:
                yield event
        if len(self._rest) > MAX_EVENT:
            raise TooLargeError("a line without end")

    def _take(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
            if self._size > MAX_EVENT:
                raise TooLargeError("an event without end")


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        event = json_text.loads(data) if data else None
        check_depth(event)  # what is deeper could not be kept
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
