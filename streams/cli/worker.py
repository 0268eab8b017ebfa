"""`shadowtap worker`: runs the agents."""

import asyncio
import gc
import logging
from pathlib import Path

import click

from schemas.config import CONFIG_FILE, load_config
from schemas.topics import ROLES

log = logging.getLogger(__name__)

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@click.command("worker")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option(
    "--role", type=click.Choice([*ROLES, "all"]), default="all", show_default=True, help="Which agents to run."
)
@click.option("--listen", help='Address of /healthz, /readyz and /metrics, instead of worker.listen; "" for none.')
@click.option("--log-level", type=click.Choice(LEVELS, case_sensitive=False), default="INFO", show_default=True)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line.",
)
def worker(path: Path, role: str, listen: str | None, log_level: str, log_format: str) -> None:
    """Run the agents until SIGTERM or Ctrl-C; what is in flight is finished and committed first."""
    from streams.health import Health, seen_from_outside  # noqa: PLC0415 - Faust takes a second to import
    from streams.logs import log_to_stderr  # noqa: PLC0415 - the same
    from streams.worker import reached, run, stop_on_signals, tell_progress  # noqa: PLC0415 - the same

    config = load_config(path)
    log_to_stderr(log_level, log_format)

    names = ROLES if role == "all" else (role,)

    async def main() -> int:
        stop = asyncio.Event()
        stop_on_signals(stop)
        health = Health()
        address = config.worker.listen if listen is None else listen
        async with seen_from_outside(health, address) as url:
            if url:
                log.info("health and metrics at %s/healthz, /readyz, /metrics", url)
            async with reached(config, names, health, stop) as made:
                if made is None:
                    return 0
                gc.collect()
                gc.freeze()  # what is loaded by now stays, and need not be looked through again and again
                upgrade = config.upgrade
                pins = ", ".join(candidate.pin for candidate in config.candidates)
                log.info("upgrade %s, %s -> %s: runs %s", upgrade.name, upgrade.current, pins, ", ".join(names))
                progress = asyncio.ensure_future(tell_progress(made))
                try:
                    return await run(made.roles, stop)
                finally:
                    progress.cancel()
                    gc.unfreeze()  # or extension modules call what is frozen a leak

    raise SystemExit(asyncio.run(main()))
