"""`shadowtap query`: runs SQL on the configured ClickHouse."""

import asyncio
from pathlib import Path

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config


@click.command("query")
@click.argument("sql")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="An embedded store's folder, instead of a configuration.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def query(sql: str, path: Path, data: Path | None, form: str) -> None:
    """Run SQL and print what comes back."""
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn
    from rich.table import Table  # noqa: PLC0415 - the same

    from streams.store.configured import open_store, open_store_at  # noqa: PLC0415 - slow to import

    async def main() -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        async with open_store_at(f"embedded:{data}") if data else open_store(load_config(path)) as store:
            return await store.ask(sql)

    names, rows = asyncio.run(main())
    if form == "json":
        for row in rows:
            click.echo(json_text.dumps(dict(zip(names, row, strict=True))).decode())
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)
