"""`shadowtap worker`: runs the agents."""

import asyncio
import logging
from pathlib import Path

import click

from schemas.config import CONFIG_FILE, load_config
from schemas.topics import ROLES


@click.command("worker")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option(
    "--role", type=click.Choice([*ROLES, "all"]), default="all", show_default=True, help="Which agents to run."
)
@click.option("--log-level", default="INFO", show_default=True)
def worker(path: Path, role: str, log_level: str) -> None:
    """Run the agents until SIGTERM or Ctrl-C; what is in flight is finished and committed first."""
    from streams.worker import run, stop_on_signals  # noqa: PLC0415 - Faust takes a second to import
    from streams.worker import worker as ready  # noqa: PLC0415 - the same

    config = load_config(path)
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.ERROR)

    async def main() -> int:
        stop = asyncio.Event()
        stop_on_signals(stop)
        async with ready(config, ROLES if role == "all" else (role,)) as made:
            return await run(made.roles, stop)

    raise SystemExit(asyncio.run(main()))
