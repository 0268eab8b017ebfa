"""`shadowtap score`: scores recorded trials without Kafka."""

import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas import json_text
from schemas.errors import UsageError

if TYPE_CHECKING:
    from schemas.comparisons import Comparison
    from streams.file_scoring import Survey

OnScored = Callable[[Sequence["Comparison"]], None]


@click.command("score")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="A shadowtap.toml; defaults without it.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write every score to this .jsonl[.gz].")
@click.option("--all", "whole", is_flag=True, help="Show every dimension, also those without a difference.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--candidate", help="Exit with this candidate's code instead of the worst one's.")
@click.option("--show", "request_id", metavar="REQUEST_ID", help="Print this trial with its scores, and no verdict.")
@click.option("--min-hours", type=click.FloatRange(min=0), help="Event time a PASS needs; none unless given.")
def score(
    *,
    files: tuple[Path, ...],
    config_path: Path | None,
    out: Path | None,
    whole: bool,
    form: str,
    candidate: str | None,
    request_id: str | None,
    min_hours: float | None,
) -> None:
    """Score trial files (.jsonl, .jsonl.gz) and judge the candidates; the exit code is the verdict's.

    A line is a trial: request_id, request, baseline, candidate and perhaps rerun (docs/formats.md, "Trial lines").
    0 PASS, 1 FAIL, 3 no verdict yet, 5 REVIEW.
    """
    from schemas.config import load_config  # noqa: PLC0415 - slow to import
    from streams.file_scoring import score_files, survey  # noqa: PLC0415 - the same

    found = survey(files, load_config(config_path) if config_path is not None else None)
    names = [known.name for known in found.candidates.values()]
    if candidate is not None and candidate not in names:
        raise UsageError(f"--candidate: {candidate!r} is not in the files; there are {', '.join(names)}")
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if request_id is not None:
        _show(found, request_id, form)
        return
    from comparators.drift.report import exit_code, report_json  # noqa: PLC0415 - slow to import

    with _written(out) as write, _counted(found.trials) as count:

        def on_scored(comparisons: Sequence["Comparison"]) -> None:
            write(comparisons)
            count(comparisons)

        report = score_files(found, min_hours=min_hours, on_scored=on_scored)
    if form == "json":
        click.echo(json_text.dumps(report_json(report)).decode())
    else:
        from rich.console import Console  # noqa: PLC0415 - only where a table is drawn

        from streams.cli.tables import verdict_table  # noqa: PLC0415 - the same

        Console().print(verdict_table(report, whole=whole))
    raise SystemExit(exit_code(report, candidate))


def _show(found: "Survey", request_id: str, form: str) -> None:
    from comparators.scoring import score_trials  # noqa: PLC0415 - slow to import
    from streams.file_scoring import trial_and_rules  # noqa: PLC0415 - the same

    shown_trial = trial_and_rules(found, request_id)
    if shown_trial is None:
        raise UsageError(f"--show: no trial has request_id {request_id!r}")
    trial, rules = shown_trial
    comparisons = score_trials([trial], rules)
    if form == "json":
        scores = [line for comparison in comparisons for line in score_lines(comparison)]
        shown = {key: getattr(trial, key) for key in ("request_id", "feature", "baseline", "rerun", "candidates")}
        click.echo(json_text.dumps({**shown, "request": trial.request.body, "scores": scores}).decode())
        return
    from rich.console import Console  # noqa: PLC0415 - only where a table is drawn

    from streams.cli.side_by_side import trial_side_by_side  # noqa: PLC0415 - the same

    Console().print(trial_side_by_side(trial, comparisons, rules(trial.feature).assumed_noise))


def score_lines(comparison: "Comparison") -> Iterator[dict[str, object]]:
    """The lines of `--out`: one per dimension and arm that has a score or a reason for having none."""
    for found in comparison.scores:
        arms = (("baseline", found.baseline), ("rerun", found.rerun), ("candidate", found.candidate))
        for arm, scored in arms:
            if scored is not None:
                yield {
                    "request_id": comparison.trial.request_id,
                    "feature": comparison.trial.feature,
                    "candidate": comparison.candidate,
                    "arm": arm,
                    "dimension": found.dimension,
                    "value": scored.value,
                    "reason": scored.reason,
                    "status": scored.status,
                }


@contextmanager
def _written(out: Path | None) -> Iterator[OnScored]:
    """Writes score lines to the file, or nowhere."""
    if out is None:
        yield lambda _: None
        return
    try:
        file = gzip.open(out, "wb") if out.suffix == ".gz" else out.open("wb")  # noqa: SIM115 - closed by the with below
    except OSError as wrong:
        raise UsageError(f"--out: {out} cannot be written ({wrong.strerror})") from wrong
    with file:

        def write(comparisons: Sequence["Comparison"]) -> None:
            for comparison in comparisons:
                for line in score_lines(comparison):
                    file.write(json_text.dumps(line) + b"\n")

        yield write


@contextmanager
def _counted(trials: int) -> Iterator[OnScored]:
    """Shows on a terminal how far the scoring is."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    seen: set[object] = set()

    def count(comparisons: Sequence["Comparison"]) -> None:
        seen.update(comparison.trial.trial_id for comparison in comparisons)
        click.echo(f"\rscored {len(seen)} of {trials} trials", nl=False, err=True)

    yield count
    click.echo("\r\033[K", nl=False, err=True)
