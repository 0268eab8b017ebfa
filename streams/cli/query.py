"""`shadowtap query`: runs SQL, or a shipped query by name, on the configured ClickHouse."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config
from schemas.errors import UsageError

if TYPE_CHECKING:
    from streams.store import Store
    from streams.store.shipped_queries import ShippedQuery

_UNCUT = 10_000  # columns of a terminal that nothing is cut for
_DEFAULTS = {"threshold": "0.5", "top": "20", "wanted": "300"}


@click.command("query")
@click.argument("sql", required=False)
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="An embedded store's folder, instead of a configuration.")
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter, {name:Type} in the SQL.")
@click.option("--list", "is_listed", is_flag=True, help="List the shipped queries and what they ask for.")
@click.option("--sql", "is_shown", is_flag=True, help="Print the shipped query instead of running it.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def query(  # noqa: PLR0917 - click's signature
    sql: str | None,
    path: Path,
    data: Path | None,
    given: Sequence[str],
    is_listed: bool,  # noqa: FBT001 - a flag of the command line
    is_shown: bool,  # noqa: FBT001 - the same
    form: str,
) -> None:
    """Run SQL that reads, or a shipped query by its name, and print what comes back.

    Shipped queries take the upgrade, and the candidate where there is one, from the configuration or the store;
    --param says the rest. `since` is a day ago unless given.
    """
    from streams.store.configured import open_store, open_store_at  # noqa: PLC0415 - slow to import
    from streams.store.shipped_queries import shipped_queries, shipped_query  # noqa: PLC0415 - with its neighbours

    if is_listed:
        _print(("query", "question", "parameters"), [_described(found) for found in shipped_queries().values()], form)
        return
    if not sql:
        raise UsageError("query: give SQL or the name of a shipped query; --list shows those")
    parameters = dict(_parameter(text) for text in given)
    shipped = shipped_query(sql) if re.fullmatch(r"\w+", sql) else None
    if is_shown:
        click.echo((shipped.sql if shipped else sql).rstrip())
        return

    async def main() -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        async with open_store_at(f"embedded:{data}") if data else open_store(load_config(path)) as store:
            if shipped is None:
                return await store.ask(sql, parameters)
            upgrade = None if data else load_config(path).upgrade.name
            return await store.ask(shipped.sql, await _completed(store, shipped, parameters, upgrade))

    names, rows = asyncio.run(main())
    _print(names, rows, form)


def _described(shipped: "ShippedQuery") -> tuple[str, str, str]:
    return shipped.name, shipped.question, ", ".join(shipped.parameters)


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--param {text!r}: write NAME=VALUE")
    return name, value


async def _completed(
    store: "Store", shipped: "ShippedQuery", given: dict[str, str], upgrade: str | None
) -> dict[str, str]:
    """Parameters for a shipped query, with what the store and habit know for those that were not given.

    Raises:
        UsageError: a parameter that it does not have, or one that only the user can know.
    """
    unknown = [name for name in given if name not in shipped.parameters]
    if unknown:
        raise UsageError(f"--param {unknown[0]}: {shipped.name} has only {', '.join(shipped.parameters)}")
    found = {"since": f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d %H:%M:%S}", **_DEFAULTS, **given}
    if upgrade is not None:
        found.setdefault("upgrade", upgrade)
    seen = await store.query("SELECT DISTINCT upgrade, candidate FROM evidence_days ORDER BY ALL")
    known = {
        "upgrade": {name for name, _ in seen},
        "candidate": {candidate for name, candidate in seen if found.get("upgrade", name) == name},
    }
    for name in shipped.parameters:
        if name not in found:
            choices = known.get(name, set())
            if len(choices) != 1:
                raise UsageError(f"{shipped.name} needs --param {name}=VALUE{_of(choices)}")
            found[name] = choices.pop()
    return {name: found[name] for name in shipped.parameters}


def _of(choices: Iterable[str]) -> str:
    named = ", ".join(sorted(choices))
    return f"; there are {named}" if named else ""


def _print(names: Sequence[str], rows: Iterable[Sequence[object]], form: str) -> None:
    if form == "json":
        for row in rows:
            click.echo(json_text.dumps(dict(zip(names, row, strict=True))).decode())
        return
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn
    from rich.measure import Measurement  # noqa: PLC0415 - the same
    from rich.rule import Rule  # noqa: PLC0415 - the same
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    console = Console()
    if not console.is_terminal:
        console.width = _UNCUT
    table = Table(*names)
    cells = [[_cell(value) for value in row] for row in rows]
    for row in cells:
        table.add_row(*map(Text, row))
    if Measurement.get(console, console.options.update(max_width=_UNCUT), table).maximum <= console.width:
        console.print(table)
        return
    for row in cells:  # too wide for a table: a line per column
        console.print(Rule(style="dim"))
        for name, cell in zip(names, row, strict=True):
            console.print(Text.assemble((f"{name:{max(map(len, names))}}  ", "dim"), cell))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.1f}"  # noqa: PLR2004 - what four digits can tell
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
