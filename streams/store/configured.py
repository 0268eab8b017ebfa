"""Opens the store that the configuration names; an embedded one is started, or found where it runs already."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from schemas.config import Config, secret
from streams.store.layout import Layout
from streams.store.store import Store


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[Store]:
    """The store of an upgrade.

    Raises:
        ConfigError: the environment variable of the password is not set, or `ca_file` cannot be read.
        UnreachableError: ClickHouse does not answer, or refuses us.
    """
    house = config.clickhouse
    if house.url.startswith("embedded:"):
        async with open_store_at(house.url, house.database, Layout.of(house)) as store:
            yield store
        return
    password = secret(house.password_env, "clickhouse.password_env") if house.password_env else ""
    async with Store.open(
        house.url,
        user=house.user,
        password=password,
        database=house.database,
        layout=Layout.of(house),
        ca_file=house.ca_file,
    ) as store:
        yield store


@asynccontextmanager
async def open_store_at(url: str, database: str = "shadowtap", layout: Layout | None = None) -> AsyncIterator[Store]:
    """The embedded store in the folder of an `embedded:FOLDER` address."""
    from streams.embedded.clickhouse import embedded_clickhouse  # noqa: PLC0415 - an extra that not everybody installs

    async with (
        embedded_clickhouse(Path(url.removeprefix("embedded:"))) as server,
        Store.open(server.url, user=server.user, password=server.password, database=database, layout=layout) as store,
    ):
        yield store
