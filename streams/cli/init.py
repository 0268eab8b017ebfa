"""`shadowtap init`: writes a commented shadowtap.toml."""

from importlib import resources
from pathlib import Path

import click

from schemas.errors import UsageError


@click.command("init")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="shadowtap.toml",
    show_default=True,
    help="Where to write it.",
)
def init(path: Path) -> None:
    """Write a file with every key, its default and what it means; never over one that is there."""
    text = resources.files("streams.cli").joinpath("template.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path}: is there already; remove it, or name another with --config") from None
    except OSError as wrong:
        raise UsageError(f"{path}: cannot be written ({wrong.strerror})") from wrong
    click.echo(f"Wrote {path}. Fill in upgrade, candidates, tap and kafka, then run: shadowtap check")
