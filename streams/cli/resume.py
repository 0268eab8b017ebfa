"""`shadowtap resume`: lets provider calls go on."""

import asyncio
import getpass
from pathlib import Path

import click

from schemas.config import CONFIG_FILE, load_config


@click.command("resume")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--why", required=True, help="Stands in the logs and in `shadowtap status`.")
@click.option("--by", default=getpass.getuser, show_default="the user of this machine", help="Who wants it.")
def resume(path: Path, why: str, by: str) -> None:
    """Let provider calls of the upgrade go on, on every worker."""
    from schemas.control import Order  # noqa: PLC0415 - slow to import
    from streams.control import give  # noqa: PLC0415 - the same

    config = load_config(path)
    asyncio.run(give(config.kafka, config.upgrade.name, Order.RESUME, by, why))
    click.echo(f"Resumed {config.upgrade.name}: workers ask again. What was shed meanwhile stays shed.")
