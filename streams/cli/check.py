"""`shadowtap check`: reaches every part, looks at the last records, says what to mend and what it will take."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config

if TYPE_CHECKING:
    from streams.checking import Finding
    from streams.looking import Tapped
    from streams.planning import Plan


@click.command("check")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--last", default=500, show_default=True, help="Tapped records to look at, per partition.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def check(path: Path, last: int, form: str) -> None:
    """Reach every part, say what to mend, and forecast calls, dollars and hours to a verdict.

    Nothing is written, asked or committed. Exit code 0: nothing to mend; 2: something; 4: a part does not answer.
    """
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn

    from streams.checking import check as checked  # noqa: PLC0415 - slow to import
    from streams.cli.check_tables import show  # noqa: PLC0415 - the same

    config = load_config(path)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says is said once, by us
    console = Console(highlight=False)

    async def main() -> tuple[int, list[Any]]:
        worst, everything = 0, []
        async for found in checked(config, last):
            worst = max(worst, getattr(found, "exit_code", 0))
            everything.append(found)
            if form == "table":
                console.print(show(found, config))
        return worst, everything

    worst, everything = asyncio.run(main())
    if form == "json":
        click.echo(json_text.dumps(as_json(everything)).decode())
    raise SystemExit(worst)


def as_json(everything: "list[Finding | Tapped | Plan]") -> dict[str, Any]:
    """All that was found, as one object."""
    from streams.checking import Finding  # noqa: PLC0415 - slow to import
    from streams.looking import Tapped  # noqa: PLC0415 - the same

    told: dict[str, Any] = {"findings": [], "tapped": None, "plan": None}
    for found in everything:
        if isinstance(found, Finding):
            told["findings"].append({"what": found.what, "said": found.said, "trouble": found.trouble})
        elif isinstance(found, Tapped):
            told["tapped"] = {
                "records": found.records,
                "hours": found.hours,
                "models": dict(found.models),
                "outcomes": dict(found.outcomes),
                "features": {name: {"exchanges": seen.exchanges, "per_hour": seen.per_hour, "usage": seen.usage}
                             for name, seen in found.features.items()},
            }  # fmt: skip
        else:
            told["plan"] = found
    return told
