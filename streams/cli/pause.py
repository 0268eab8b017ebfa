"""`shadowtap pause`: stops all provider calls while the tap goes on."""

import asyncio
import getpass
from pathlib import Path

import click

from schemas.config import CONFIG_FILE, load_config


@click.command("pause")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--why", required=True, help="Stands in the logs and in `shadowtap status`.")
@click.option("--by", default=getpass.getuser, show_default="the user of this machine", help="Who wants it.")
def pause(path: Path, why: str, by: str) -> None:
    """Stop all provider calls of the upgrade within a second, on every worker and over restarts; the tap goes on."""
    from schemas.control import Order  # noqa: PLC0415 - slow to import
    from streams.control import give  # noqa: PLC0415 - the same

    config = load_config(path)
    asyncio.run(give(config.kafka, config.upgrade.name, Order.PAUSE, by, why))
    click.echo(
        f"Paused {config.upgrade.name}: no worker sends another request. Exchanges wait for a minute, then they"
        " are shed as they pass. To go on: shadowtap resume"
    )
