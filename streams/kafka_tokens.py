"""Tokens for SASL/OAUTHBEARER: from a file that somebody else keeps fresh, or from a token endpoint.

A token is asked for at each new connection; brokers with `connections.max.reauth.ms` close a connection when its
token ends, and the next one brings a new token. Nothing here is bound to an event loop, because Faust consumes in a
thread of its own.
"""

import base64
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus

import aiohttp
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

from schemas import json_text
from schemas.config import secret
from schemas.settings import Security
from streams.tls import authorities

TIMEOUT_S = 10
USED_SHARE = 0.8  # of a token's life, then a new one is fetched
LIFE_S = 300.0  # where the endpoint does not say


class NoTokenError(KafkaError):  # type: ignore[misc] # aiokafka ships no types
    """There is no token to show; the message names the key and never the token or the secret."""

    def __str__(self) -> str:
        """Without aiokafka's error number, which there is none of."""
        return str(self.args[0])


def token_provider(security: Security) -> AbstractTokenProvider:
    """The source of tokens that the settings name.

    Raises:
        ConfigError: the environment variable of the client's secret is not set, or `token_ca_file` cannot be read.
    """
    if security.token_file is not None:
        return FileToken(Path(security.token_file))
    client_secret = secret(security.client_secret_env or "", "kafka.security.client_secret_env")
    authorities(security.token_ca_file, "kafka.security.token_ca_file")
    return ClientCredentials(
        security.token_url or "", security.client_id or "", client_secret, security.scope, security.token_ca_file
    )


@dataclass(frozen=True)
class FileToken(AbstractTokenProvider):  # type: ignore[misc] # aiokafka ships no types
    """A token in a file: a projected service account token, or what a sidecar writes. Read for each connection."""

    path: Path

    async def token(self) -> str:
        """The token now.

        Raises:
            NoTokenError: no file, or an empty one.
        """
        try:
            text = self.path.read_text(encoding="utf-8").strip()  # a few kilobytes: not worth a thread
        except (OSError, UnicodeDecodeError) as wrong:
            raise NoTokenError(f"kafka.security.token_file: cannot read {self.path} ({type(wrong).__name__})") from None
        if not text:
            raise NoTokenError(f"kafka.security.token_file: {self.path} is empty")
        return text


@dataclass
class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc] # the same
    """OAuth 2.0's client credentials grant (RFC 6749, 4.4), the client named by HTTP Basic (2.3.1)."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    ca_file: str | None = None
    _token: tuple[str, float] = field(default=("", 0.0), repr=False)  # with the time.monotonic() until which it is used

    async def token(self) -> str:
        """A token that is not about to end.

        Raises:
            NoTokenError: the endpoint does not answer, refuses, or answers something else.
        """
        token, until = self._token
        if time.monotonic() < until:
            return token
        token, life_s = await self._fetch()
        self._token = token, time.monotonic() + USED_SHARE * life_s
        return token

    async def _fetch(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        tls = authorities(self.ca_file, "kafka.security.token_ca_file")
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.post(self.url, data=form, headers={"Authorization": self._basic()}, ssl=tls) as response,
            ):
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as away:
            raise NoTokenError(
                f"kafka.security.token_url: {self.url} does not answer ({type(away).__name__})"
            ) from None
        if status != 200:  # noqa: PLR2004 - OK
            raise NoTokenError(
                f"kafka.security.token_url: {self.url} answers {status}; are client_id, its secret and the scope right?"
            )
        try:
            fields = json_text.loads(body)
            return str(fields["access_token"]), float(fields.get("expires_in") or LIFE_S)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NoTokenError(f"kafka.security.token_url: {self.url} answers no access_token") from None

    def _basic(self) -> str:
        named = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"  # encoded first: RFC 6749, 2.3.1
        return f"Basic {base64.b64encode(named.encode()).decode()}"
