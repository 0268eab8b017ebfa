"""`shadowtap status`: verdicts with their noise floor and forecast, coverage, lag and spend, as they stand now."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config

if TYPE_CHECKING:
    from schemas.settings import Budget
    from schemas.verdicts import Report
    from streams.standing import Standing


@click.command("status")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--candidate", help="Exit with this candidate's code instead of the worst one's.")
@click.option("--all", "whole", is_flag=True, help="Show every dimension, also those without a difference.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(*, path: Path, candidate: str | None, whole: bool, form: str) -> None:
    """Show what the evidence says now, and when there will be a verdict; the exit code is the verdict's.

    Beneath: coverage, a pause, records that wait for each role, and what was spent beside the caps.
    """
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn

    from comparators.drift.report import exit_code, report_json  # noqa: PLC0415 - slow to import
    from streams.cli.tables import verdict_table  # noqa: PLC0415 - the same
    from streams.judging import judged  # noqa: PLC0415 - the same
    from streams.standing import standing  # noqa: PLC0415 - the same
    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    config = load_config(path)

    async def main() -> tuple["Report", "Standing"]:
        async with open_store(config) as store:
            return await judged(config, store), await standing(config, store)

    report, stands = asyncio.run(main())
    if form == "json":
        answer = report_json(report) | {"lag": stands.lag, "spend": asdict(stands.spent), "pause": stands.pause}
        click.echo(json_text.dumps(answer).decode())
    else:
        console = Console()
        console.print(verdict_table(report, whole=whole))
        for line in _beneath(report, stands, config.budget):
            console.print(line, highlight=False)
    if stands.trouble:
        click.echo(f"note: the lag is unknown: {stands.trouble}", err=True)
    raise SystemExit(exit_code(report, candidate))


def _beneath(report: "Report", stands: "Standing", caps: "Budget") -> Iterator[str]:
    yield "coverage: " + ", ".join(f"{count:,} {name}" for name, count in report.coverage.items())
    if stands.pause is not None:
        at = datetime.fromtimestamp(stands.pause.at_ms / 1000, UTC)
        yield f"PAUSED by {stands.pause.by} at {at:%Y-%m-%d %H:%M} UTC: {stands.pause.why}"
    if stands.lag is not None:
        waiting = (f"{role} {'never ran' if lag is None else f'{lag:,}'}" for role, lag in stands.lag.items())
        yield f"records that wait: {', '.join(waiting)}"
    spent = stands.spent
    unpriced = f" (price unknown for {spent.unpriced:,} exchanges)" if spent.unpriced else ""
    yield (
        f"asked of providers: {_amounts(spent.requests, caps.requests_total, spent.usd, caps.usd_total)}{unpriced};"
        f" today (UTC) {_amounts(spent.requests_today, caps.requests_per_day, spent.usd_today, caps.usd_per_day)}"
    )


def _amounts(requests: int, most_requests: int | None, usd: float, most_usd: float | None) -> str:
    """Requests and dollars, each beside its cap."""
    of_requests = "" if most_requests is None else f" of {most_requests:,}"
    of_usd = "" if most_usd is None else f" of {most_usd:,.2f}"
    return f"{requests:,}{of_requests} requests, {usd:,.2f}{of_usd} USD"
