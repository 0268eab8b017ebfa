"""Sends one request and reads what comes, whole or as a stream, never more of it than an answer can be."""

import time
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import aiohttp
from aiohttp.payload import BytesIOPayload, BytesPayload

from schemas import json_text
from schemas.values import immutable
from streams.replay.chat_api import Api
from streams.replay.event_stream import EventStream, TooLargeError
from streams.replay.outages import is_outage
from streams.replay.patience import Trouble
from streams.tap.chat import Said
from streams.tap.credentials import check_depth, may_be_deep

MAX_ANSWER = 4 << 20  # bytes; 128,000 tokens of Chinese, each character escaped, are less than 1 MB
CONNECT_S = 10.0
_PIECE = 1 << 16
_AT_ONCE = 1 << 16  # bytes of a request that are written in one go
_ERROR = 300  # HTTP's first status that is no success


@immutable
class Received:
    """A response: `body` is its JSON, None where it is none; `said` what it says, where it is a success.

    `is_too_large`: it was not read to its end. Times are milliseconds.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = None
    said: Said | None = None
    is_too_large: bool = False
    latency_ms: float = 0.0
    time_to_first_token_ms: float | None = None


class Withheld(Exception):  # noqa: N818 - an instruction to whoever asks
    """Nothing was sent: what allowed it is no longer so."""


class _AsLongAsAllowed:
    """A body that is asked once more as it is written: on Python 3.11 aiohttp does that a turn of the event loop later.

    A process that is stopped in between, and woken when others have its work, would send it still.
    """

    may_send: Callable[[], bool]

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        """As aiohttp's, if it may."""
        if not self.may_send():
            raise Withheld
        await super().write_with_length(writer, content_length)  # type: ignore[misc] # of the payload beside it


class _SmallBody(_AsLongAsAllowed, BytesPayload):
    pass


class _LargeBody(_AsLongAsAllowed, BytesIOPayload):
    pass


def timeout_of(seconds: float) -> aiohttp.ClientTimeout:
    """Bounds a whole request, and connecting apart."""
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_S, seconds))


async def post(
    session: aiohttp.ClientSession,
    url: str,
    sent: bytes,
    headers: Mapping[str, str],
    api: Api,
    *,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, which bounds all of it
    may_send: Callable[[], bool] = lambda: True,
) -> Received:
    """The response to one request, of which no byte is sent unless `may_send` says so as it is written.

    Raises:
        Trouble: there was none, or it was cut, or it says nothing.
        Withheld: it may not be sent.
    """
    started = time.monotonic()
    data = _SmallBody(sent) if len(sent) <= _AT_ONCE else _LargeBody(BytesIO(sent))
    data.may_send = may_send
    try:
        async with session.post(url, data=data, headers=headers, timeout=timeout, allow_redirects=False) as response:
            is_stream = response.status < _ERROR and response.content_type == "text/event-stream"
            return await (_streamed(response, api, started) if is_stream else _whole(response, api, started))
    except aiohttp.ClientConnectorError as nobody:
        raise Trouble(f"connection:{type(nobody).__name__}") from nobody
    except TimeoutError as late:
        raise Trouble("timeout", may_be_paid=True) from late
    except (aiohttp.ClientError, OSError) as broken:
        if isinstance(broken.__cause__, Withheld):
            raise broken.__cause__ from None
        raise Trouble(f"connection:{type(broken).__name__}", may_be_paid=True) from broken


async def _whole(response: aiohttp.ClientResponse, api: Api, started: float) -> Received:
    pieces, size = [], response.content_length or 0
    if size <= MAX_ANSWER:
        size = 0
        async for piece in response.content.iter_chunked(_PIECE):
            size += len(piece)
            if size > MAX_ANSWER:
                break
            pieces.append(piece)
    latency_ms = _since(started)
    if size > MAX_ANSWER:
        return Received(response.status, response.headers, is_too_large=True, latency_ms=latency_ms)
    try:
        text = b"".join(pieces)
        body = json_text.loads(text)
        if may_be_deep(text):
            check_depth(body)  # what is deeper could not be kept
        said = api.said(body) if response.status < _ERROR else None
    except (ValueError, RecursionError) as garbage:
        if response.status >= _ERROR:
            return Received(response.status, response.headers, latency_ms=latency_ms)
        raise Trouble("unreadable_answer", may_be_paid=True) from garbage
    if said is not None and said.is_empty:
        raise Trouble("unreadable_answer", may_be_paid=True)
    if said is not None and _says_outage(said):
        raise Trouble(str(said.error))
    return Received(response.status, response.headers, body, said, latency_ms=latency_ms)


async def _streamed(response: aiohttp.ClientResponse, api: Api, started: float) -> Received:
    events, streamed = EventStream(), api.streamed()
    first_ms, is_too_large = None, False
    try:
        async for piece in response.content.iter_chunked(_PIECE):
            for event in events.feed(piece):
                if streamed.add(event) and first_ms is None:
                    first_ms = _since(started)
            if streamed.size > MAX_ANSWER:
                raise TooLargeError("a text without end")  # noqa: TRY301 - one place says what becomes of it
    except TooLargeError:
        is_too_large = True
    latency_ms = _since(started)
    if is_too_large:
        return Received(response.status, response.headers, is_too_large=True, latency_ms=latency_ms)
    if streamed.error is not None:
        raise Trouble("error_in_stream", may_be_paid=True)
    said = streamed.said()
    if not streamed.is_whole or said.is_empty:
        raise Trouble("answer_cut", may_be_paid=True)
    return Received(response.status, response.headers, None, said, False, latency_ms, first_ms)  # noqa: FBT003 - a record


def _says_outage(said: Said) -> bool:
    """Some gateways answer 200 with the status of what went wrong behind them in the error object."""
    status = (said.error or "").removeprefix("http_")
    return status.isdecimal() and is_outage(int(status))


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
