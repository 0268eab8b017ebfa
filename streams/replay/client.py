"""Asks a provider over HTTP: bounded, patient with outages, final with refusals.

429, 5xx and broken connections are the provider's trouble: they are retried with full jitter (Retry-After is obeyed)
until the deadline, then `Unavailable` is raised and the exchange is shed. Everything else the provider says is an
answer, and a refusal of the request is a finding: `call_error` with a reason such as `rejected:temperature`.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from schemas import json_text
from schemas.answers import Answer
from schemas.config import secret
from schemas.ids import content_hash
from schemas.settings import Provider
from schemas.topics import ARM_HEADER, REQUEST_HEADER
from streams.tap.chat import read_response

MAX_ANSWER = 8 << 20  # bytes
PATIENCE_S = 120.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
_OUTAGE = frozenset({408, 409, 425, 429})


class Unavailable(Exception):  # noqa: N818 - an outcome (`shed`), not an error of ours
    """The provider did not answer in time; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class ProviderClient:
    """One provider: its address, its key, its limits. `asked` counts HTTP requests sent."""

    name: str
    base_url: str
    session: aiohttp.ClientSession
    slots: asyncio.Semaphore
    key: str | None = None
    patience_s: float = PATIENCE_S
    asked: int = 0
    may_ask: asyncio.Event = field(default_factory=asyncio.Event)  # cleared while paused

    def __post_init__(self) -> None:
        self.may_ask.set()

    async def ask(self, body: Mapping[str, Any], pin: str, request_id: str, arm: str) -> Answer:
        """The answer to one chat request.

        Raises:
            Unavailable: no answer within the patience.
        """
        sent = json_text.dumps(body)
        sent_hash = content_hash(sent.decode())
        headers = {"content-type": "application/json", REQUEST_HEADER: quote(request_id), ARM_HEADER: quote(arm)}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        deadline = time.monotonic() + self.patience_s
        wait = FIRST_WAIT_S
        while True:
            await self.may_ask.wait()
            try:
                return await self._once(sent, headers, pin, sent_hash, deadline)
            except _TryAgain as again:
                pause = again.after_s if again.after_s is not None else random.uniform(0, wait)  # noqa: S311 - jitter
                wait = min(wait * 2, LONGEST_WAIT_S)
                if time.monotonic() + pause >= deadline:
                    raise Unavailable(again.reason) from again
                await asyncio.sleep(pause)

    async def _once(self, sent: bytes, headers: Mapping[str, str], pin: str, sent_hash: str, deadline: float) -> Answer:
        async with self.slots:
            started = time.monotonic()
            self.asked += 1
            try:
                async with self.session.post(
                    f"{self.base_url}/chat/completions",
                    data=sent,
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=max(1.0, deadline - started), connect=10),
                ) as response:
                    text = await _limited(response)
                    status, answered = response.status, response.headers
            except (aiohttp.ClientError, TimeoutError, OSError) as broken:
                raise _TryAgain(f"connection:{type(broken).__name__}") from broken
            latency_ms = (time.monotonic() - started) * 1000
        if status in _OUTAGE or status >= 500:  # noqa: PLR2004 - HTTP's own number
            raise _TryAgain(f"http_{status}", _retry_after(answered))
        if text is None:
            return Answer(pin, error="answer_too_large", latency_ms=latency_ms, sent_hash=sent_hash)
        latency_ms = float(answered.get("x-simulated-latency-ms", latency_ms))
        try:
            parsed = json_text.loads(text)
        except ValueError as garbage:
            raise _TryAgain("unreadable_answer") from garbage
        if status >= 400:  # noqa: PLR2004 - HTTP's own number
            return Answer(pin, error=_refusal(status, parsed), latency_ms=latency_ms, sent_hash=sent_hash)
        said = read_response(parsed)
        if said.is_empty:
            raise _TryAgain("unreadable_answer")
        return Answer(
            model=said.model or pin,
            text=said.text,
            tool_calls=said.tool_calls,
            finish_reason=said.finish_reason,
            usage=said.usage,
            latency_ms=latency_ms,
            error=said.error,
            fingerprint=said.fingerprint,
            sent_hash=sent_hash,
        )


@asynccontextmanager
async def provider_clients(providers: Mapping[str, Provider]) -> AsyncIterator[dict[str, ProviderClient]]:
    """A client per provider of the configuration, closed together.

    Raises:
        ConfigError: the environment variable of a key is not set.
    """
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield {
            name: ProviderClient(
                name,
                provider.base_url,
                session,
                asyncio.Semaphore(provider.max_in_flight),
                secret(provider.api_key_env, f"providers.{name}.api_key_env") if provider.api_key_env else None,
                provider.timeout_s,
            )
            for name, provider in providers.items()
        }


class _TryAgain(Exception):  # noqa: N818 - an instruction to the loop above
    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after_s = reason, after_s


async def _limited(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None where it is larger than anything an answer can be."""
    chunks, size = [], 0
    async for chunk in response.content.iter_chunked(1 << 16):
        size += len(chunk)
        if size > MAX_ANSWER:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from Retry-After, in either form (RFC 9110, 10.2.3), at least a moment."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.05, float(value))
    except ValueError:
        pass
    try:
        return max(0.05, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _refusal(status: int, body: Any) -> str:
    """Reason code of a request that was refused: the parameter where one is named, else the status."""
    error = body.get("error") if isinstance(body, dict) else None
    parameter = error.get("param") if isinstance(error, dict) else None
    return f"rejected:{parameter}" if isinstance(parameter, str) and parameter else f"http_{status}"
