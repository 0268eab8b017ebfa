"""A real ClickHouse for all tests of the store, and an empty database for each of them."""

import asyncio
from itertools import count

import pytest

from streams.embedded.clickhouse import embedded_clickhouse
from streams.store import Store

_numbers = count()


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory):
    """An embedded server: a child process, so that a loop of its own does no harm."""
    loop = asyncio.new_event_loop()
    serving = embedded_clickhouse(tmp_path_factory.mktemp("clickhouse"))
    yield loop.run_until_complete(serving.__aenter__())
    loop.run_until_complete(serving.__aexit__(None, None, None))
    loop.close()


@pytest.fixture
async def empty_store(clickhouse):
    """A store whose database does not exist yet."""
    async with Store.open(
        clickhouse.url, user=clickhouse.user, password=clickhouse.password, database=f"test_{next(_numbers)}"
    ) as opened:
        yield opened


@pytest.fixture
async def store(empty_store):
    """A store with all tables, empty."""
    await empty_store.migrate()
    return empty_store
