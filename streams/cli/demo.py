"""`shadowtap demo`: everything on this machine, with a live view."""

import asyncio
import contextlib
import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemas import json_text
from schemas.errors import UsageError
from schemas.verdicts import Report, Verdict

if TYPE_CHECKING:
    from schemas.config import Config
    from streams.demo import Progress

PATIENCE_S = 900.0
SHOWN = 600  # characters of an answer

QUERIES = {
    "where every dimension stands, with the noise floor beside the candidate": """
        SELECT feature, dimension, verdict, trials, round(rerun, 3) AS noise_floor,
            round(candidate_mean, 3) AS candidate
        FROM current_verdicts WHERE dimension != '' ORDER BY verdict, feature LIMIT 20""",
    "what changed, by reason": """
        SELECT feature, dimension, reason, count() AS comparisons FROM scores WHERE candidate_score = 1
        GROUP BY feature, dimension, reason ORDER BY comparisons DESC LIMIT 15""",
    "the worst trial, with both answers": """
        SELECT s.feature, s.dimension, s.reason, b.text AS baseline, c.text AS candidate FROM scores AS s
        JOIN comparisons AS k ON k.comparison_id = s.comparison_id
        JOIN answers AS b ON b.trial_id = k.trial_id AND b.arm = 'baseline'
        JOIN answers AS c ON c.trial_id = k.trial_id AND c.arm = 'candidate'
        WHERE s.d > 0 ORDER BY s.d DESC, s.dimension LIMIT 1""",
}


@click.command("demo")
@click.option("--trials", type=click.Path(path_type=Path), help="Stream recorded trials instead of generated traffic.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the ClickHouse store in this folder.")
@click.option("--seed", default=1, show_default=True, help="Seed of the generated traffic.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def demo(trials: Path | None, keep: Path | None, seed: int, form: str) -> None:
    """Run the main job on this machine: broker, ClickHouse, provider and worker, and traffic with known drift.

    Exit code 0 when the verdicts are the seeded ones, 1 when not; with --trials, that of the verdict.
    """
    logging.basicConfig(level="ERROR")
    for noisy in ("aiokafka", "faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        data = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shadowtap-demo-")))
        if keep is not None and (keep / "data").exists():
            raise UsageError(f"--keep: {keep} holds a store already; name another folder or remove it")
        raise SystemExit(asyncio.run(_demo(trials, data, seed, form, kept=keep is not None)))


async def _demo(trials: Path | None, data: Path, seed: int, form: str, *, kept: bool) -> int:
    from rich.console import Console  # noqa: PLC0415 - only where something is drawn
    from rich.live import Live  # noqa: PLC0415 - the same

    from comparators.drift.report import exit_code, report_json  # noqa: PLC0415 - slow to import
    from streams.demo import final_report, recorded, running_demo, support_desk  # noqa: PLC0415 - the same

    scenario = recorded(trials) if trials else support_desk(seed)
    console = Console(stderr=form == "json")
    again = " and, for the noise floor, of the current pin itself" if scenario.rerun else ""
    console.print(
        f"[bold]{len(scenario.traffic)} exchanges[/bold] of [bold]{scenario.current}[/bold] go to Kafka and are asked "
        f"again of {', '.join(scenario.candidates.values())}{again}."
    )
    async with running_demo(scenario, data) as (config, progress, watch):
        with Live(_view(progress), console=console, refresh_per_second=4, transient=True) as live:
            deadline = time.monotonic() + PATIENCE_S
            while not watch.done() and time.monotonic() < deadline:
                await asyncio.sleep(0.25)
                live.update(_view(progress))
        if not watch.done():
            console.print(f"[red]Not finished after {PATIENCE_S:.0f} s; the last state follows.[/red]")
        else:
            watch.result()
        report = progress.report = await final_report(config, ended=trials is not None)
        console.print(_view(progress))
        _show_messages(console, progress)
        await _show_queries(console, config, data, kept=kept)
    if form == "json":
        click.echo(json_text.dumps(report_json(report)).decode())
    if trials:
        return exit_code(report)
    wrong = _not_as_seeded(report)
    for line in wrong:
        console.print(f"[red]{line}[/red]")
    console.print("Verdicts are the seeded ones." if not wrong else "[red]Verdicts are not the seeded ones.[/red]")
    return 1 if wrong else 0


def _view(progress: "Progress") -> Any:
    from rich.console import Group  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415 - the same

    from streams.cli.tables import verdict_table  # noqa: PLC0415 - the same

    outcomes = ", ".join(f"{count} {name}" for name, count in progress.outcomes.items())
    line = Text(
        f"{outcomes or 'starting'} · {progress.compared} compared ({progress.rate:.0f}/s) · "
        f"{progress.asked} requests to the provider"
    )
    return Group(line, verdict_table(progress.report)) if progress.report is not None else line


def _show_messages(console: Any, progress: "Progress") -> None:
    from streams.alerts import as_text  # noqa: PLC0415 - slow to import

    for payload in progress.slack:
        console.rule("Slack")
        console.print(as_text(payload), highlight=False, markup=False)


async def _show_queries(console: Any, config: "Config", data: Path, *, kept: bool) -> None:
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415 - the same

    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    console.rule("Look further")
    async with open_store(config) as store:
        _, rows = await store.ask(list(QUERIES.values())[-1])
    for what, sql in QUERIES.items():
        console.print(f"-- {what}", style="dim")
        line = f'shadowtap query --data {data if kept else "DIR"} "{" ".join(sql.split())}"'
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if rows:
        *place, baseline, candidate = rows[0]
        table = Table("baseline", "candidate", title=" · ".join(str(part) for part in place), width=console.width)
        table.add_row(Text(str(baseline)[:SHOWN]), Text(str(candidate)[:SHOWN]))
        console.print(table)
    stays = (
        f"The data stays in {data}."
        if kept
        else "The data is gone when this ends; `shadowtap demo --keep DIR` keeps it for queries."
    )
    console.print(stays)


def _not_as_seeded(report: Report) -> list[str]:
    """What differs from the drift that was put in, one line each."""
    from streams.embedded.support_desk import DEMO_DOSES  # noqa: PLC0415 - slow to import

    wrong = []
    for candidate in report.candidates:
        found = {feature.feature: feature for feature in candidate.features}
        for name, doses in DEMO_DOSES.items():
            feature = found.get(name)
            failed = {d.dimension for d in feature.dimensions if d.verdict is Verdict.FAIL} if feature else set()
            missed = set(doses) - failed
            if feature is None or missed:
                wrong.append(f"{name}: drift in {', '.join(sorted(missed)) or 'nothing'} was put in and not found")
            elif not doses and feature.verdict is not Verdict.PASS:
                wrong.append(f"{name}: unchanged, but {feature.verdict} ({feature.why})")
    return wrong
