"""`shadowtap backfill`: runs a candidate over a past window of the tapped topics, and stops by itself."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from schemas.config import CONFIG_FILE, Config, load_config
from schemas.errors import UsageError
from schemas.outcomes import Outcome


@click.command("backfill")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--from", "begin", required=True, help="Event time the window begins at, ISO 8601; UTC unless it says.")
@click.option("--to", "end", help="Event time the window ends before; default: now.")
@click.option("--candidate", "names", multiple=True, help="This candidate only; default: all of the configuration.")
@click.option("--requests", type=click.IntRange(min=0), help="Send at most so many requests.")
@click.option("--usd", type=click.FloatRange(min=0), help="Spend at most so many dollars.")
def backfill(  # noqa: PLR0917 - click passes one argument per option
    path: Path, begin: str, end: str | None, names: tuple[str, ...], requests: int | None, usd: float | None
) -> None:
    """Ask candidates for what was tapped in a past window and was not asked yet.

    What the live run will still reach is left to it, what has a trial is not asked again, and its rerun is not paid
    again: repeat the command as often as you like, it goes on where it ended. The caps are this run's own, beside
    those of [budget]. A worker with the score role turns the trials into scores.

    Exit code 3 where a cap ended it early, 4 where the provider did not answer.
    """
    from streams.backfill import Window  # noqa: PLC0415 - slow to import
    from streams.backfill import backfill as run  # noqa: PLC0415 - the same

    config = load_config(path)
    window = Window(_ms("--from", begin), _ms("--to", end) if end else int(datetime.now(UTC).timestamp() * 1000))
    if window.from_ms >= window.to_ms:
        raise UsageError(f"--to: {end or 'now'} is not after --from {begin}")
    wanted = _candidates(config, names)
    code = 0
    for name in wanted:
        done = asyncio.run(run(config, name, window, requests=requests, usd=usd))
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in done.outcomes.most_common())
        click.echo(
            f"{name}: {done.records} records of the window, {outcomes or 'nothing left to ask'}; "
            f"{done.skipped} counted before; {done.requests} requests, {done.usd:.2f} USD"
        )
        if requests is not None:
            requests = max(0, requests - done.requests)
        if usd is not None:
            usd = max(0.0, usd - done.usd)
        if done.ended_by is not None:
            code, why = ENDED[done.ended_by]
            click.echo(f"{name}: ended early, {why}; repeat the command to go on", err=True)
    raise SystemExit(code)


ENDED = {
    Outcome.OVER_BUDGET: (3, "a cap is reached"),
    Outcome.SHED: (4, "the provider does not answer, or calls are paused"),
}


def _candidates(config: Config, names: tuple[str, ...]) -> list[str]:
    known = [candidate.name for candidate in config.candidates]
    for name in names:
        if name not in known:
            raise UsageError(f"--candidate: {name!r} is no candidate of this configuration; it has {', '.join(known)}")
    return list(names) or known


def _ms(option: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no ISO 8601 time, such as 2026-11-23T08:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
