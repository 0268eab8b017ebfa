"""Clients of a simulated provider, over real HTTP."""

import random
from contextlib import asynccontextmanager

import aiohttp
import pytest

from schemas.settings import Provider
from streams.embedded.faults import Faults
from streams.embedded.provider import simulated_provider
from streams.embedded.support_desk import VERSION_A, desk_models
from streams.embedded.support_desk_cases import case
from streams.embedded.support_desk_requests import chat_body
from streams.replay.providers import provider_client

PIN = f"sim/{VERSION_A}"
BODY = chat_body("triage", case(1, 1000), VERSION_A)


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def asking(session):
    """A simulated provider with these faults, and a client of it with these settings."""

    @asynccontextmanager
    async def made(faults: Faults | None = None, name: str = "sim", **settings):
        async with simulated_provider(desk_models(1), faults) as provider:
            client = provider_client(name, Provider(base_url=provider.base_url, **settings), session)
            client.rng, client.first_wait_s = random.Random(1), 0.05
            yield provider, client

    return made
