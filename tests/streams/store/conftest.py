"""A real ClickHouse for all tests of the store, and an empty database for each of them."""

from itertools import count

import pytest
import pytest_asyncio

from streams.embedded.clickhouse import embedded_clickhouse
from streams.store import Store

_numbers = count()


@pytest.fixture(scope="session")
def clickhouse_folder(tmp_path_factory):
    """The folder that the embedded server serves."""
    return tmp_path_factory.mktemp("clickhouse")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clickhouse(clickhouse_folder):
    """An embedded server: a process of its own."""
    async with embedded_clickhouse(clickhouse_folder) as server:
        yield server


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
