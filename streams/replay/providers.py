"""The clients of an upgrade's providers, made from its settings."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp

from schemas.config import secret
from schemas.settings import Provider
from streams.replay.chat_api import Api, ChatApi
from streams.replay.client import ProviderClient
from streams.replay.concurrency import Concurrency
from streams.replay.messages_api import MessagesApi
from streams.replay.turnstile import Turnstile

APIS: Mapping[str, type[Api]] = {"openai": ChatApi, "anthropic": MessagesApi}


@asynccontextmanager
async def provider_clients(
    providers: Mapping[str, Provider], on_pause: Callable[[str, str], None] = lambda _provider, _reason: None
) -> AsyncIterator[dict[str, ProviderClient]]:
    """A client per provider of the configuration, closed together; `on_pause` as in `ProviderClient`.

    Raises:
        ConfigError: the environment variable of a key is not set.
    """
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
    # Compressed answers are not asked for: what is small on the wire may be huge in memory.
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers={"accept-encoding": "identity"}
    ) as session:
        clients = {name: provider_client(name, provider, session) for name, provider in providers.items()}
        for client in clients.values():
            client.on_pause = on_pause
        yield clients


def provider_client(name: str, provider: Provider, session: aiohttp.ClientSession) -> ProviderClient:
    """The client of one provider.

    Raises:
        ConfigError: the environment variable of its key is not set.
    """
    turnstile = Turnstile(Concurrency(provider.max_in_flight))
    turnstile.requests.reserve = turnstile.tokens.reserve = provider.reserve
    client = ProviderClient(
        name,
        provider.base_url,
        session,
        turnstile,
        key=secret(provider.api_key_env, f"providers.{name}.api_key_env") if provider.api_key_env else None,
        api=APIS[provider.api_of(name)](),
        stream=provider.stream,
        timeout_s=provider.timeout_s,
        patience_s=provider.patience_s,
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
    )
    client.take_share(1.0)
    return client
