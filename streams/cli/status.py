"""`shadowtap status`: verdicts with their noise floor, coverage and spend, as they stand in ClickHouse."""

import asyncio
from pathlib import Path

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config


@click.command("status")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--candidate", help="Exit with this candidate's code instead of the worst one's.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(path: Path, candidate: str | None, form: str) -> None:
    """Show what the evidence says now; the exit code is the verdict's."""
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn

    from comparators.drift.report import exit_code, report_json  # noqa: PLC0415 - slow to import
    from schemas.verdicts import Report  # noqa: PLC0415 - the same
    from streams.cli.tables import verdict_table  # noqa: PLC0415 - the same
    from streams.judging import judged  # noqa: PLC0415 - the same
    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    config = load_config(path)

    async def main() -> Report:
        async with open_store(config) as store:
            return await judged(config, store)

    report = asyncio.run(main())
    if form == "json":
        click.echo(json_text.dumps(report_json(report)).decode())
    else:
        console = Console()
        console.print(verdict_table(report))
        console.print(", ".join(f"{count} {name}" for name, count in report.coverage.items()))
    raise SystemExit(exit_code(report, candidate))
