"""How an answer of the simulated provider goes out: whole, as a stream, or with what goes wrong on the way."""

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from schemas import json_text
from streams.embedded.calls import OK
from streams.embedded.faults import Faults, Mishap
from streams.embedded.forms import Form

_FILLER = b"lorem ipsum " * 5000
_GARBAGE = random.Random(1).randbytes(200)  # noqa: S311 - only has to be no JSON


async def send(
    request: web.Request,
    form: Form,
    answer: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    mishap: Mishap | None,
    faults: Faults,
) -> tuple[web.StreamResponse, bool]:
    """Send a chat completion in this form; returns the response, and whether all of it went out."""
    if mishap is Mishap.GARBAGE:
        return web.Response(body=_GARBAGE, content_type="application/json", headers=headers), True
    body = json_text.loads(await request.read())
    if mishap is Mishap.HUGE:
        return await _piecewise(request, "application/json", _huge(form, answer, faults.huge_characters), headers)
    if body.get("stream"):
        events, kind = list(form.events(answer, body)), "text/event-stream"
        if mishap is Mishap.CUT:
            return await _piecewise(request, kind, events[: len(events) // 2], headers, faults.event_ms, is_cut=True)
        return await _piecewise(request, kind, events, headers, faults.event_ms)
    if mishap is Mishap.CUT:
        return await _cut(request, json_text.dumps(form.whole(answer)), headers), False
    return whole(OK, form.whole(answer), headers), True


def whole(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response."""
    return web.Response(
        status=status, body=json_text.dumps(body), content_type="application/json", headers=dict(headers or {})
    )


def hung_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The connection is broken; the response is what would have been sent."""
    if request.transport is not None:
        request.transport.abort()
    return response


async def _piecewise(
    request: web.Request,
    content_type: str,
    pieces: Iterable[bytes],
    headers: Mapping[str, str],
    apart_ms: float = 0.0,
    *,
    is_cut: bool = False,
) -> tuple[web.StreamResponse, bool]:
    """Pieces, so many milliseconds apart, until the other side hangs up, or we do (`is_cut`)."""
    response = web.StreamResponse(headers={**headers, "cache-control": "no-cache"})
    response.content_type = content_type
    try:
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            if apart_ms:
                await asyncio.sleep(apart_ms / 1000)
        if is_cut:
            return hung_up(request, response), False
        await response.write_eof()
    except ConnectionError:
        return response, False
    return response, True


async def _cut(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    """Promise all, send half, hang up."""
    response = web.StreamResponse(headers=headers)
    response.content_type, response.content_length = "application/json", len(body)
    with suppress(ConnectionError):  # the other side hung up before us
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
    return hung_up(request, response)


def _huge(form: Form, answer: Mapping[str, Any], characters: int) -> Iterator[bytes]:
    """An answer with about so many characters, which nobody holds in memory as a whole."""
    choice = answer["choices"][0]
    marked = {**choice, "message": {**choice["message"], "content": "@"}}
    before, after = json_text.dumps(form.whole({**answer, "choices": [marked]})).rsplit(b"@", 1)
    yield before
    for _ in range(characters // len(_FILLER) + 1):
        yield _FILLER
    yield after
