"""`shadowtap check`: reaches every part, looks at what was tapped lately, and says what to mend."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas.config import CONFIG_FILE, load_config

if TYPE_CHECKING:
    from streams.checking import Tapped

TOLERANCES = {"format (0.01)": 0.01, "answers (0.03)": 0.03}


@click.command("check")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--last", default=500, show_default=True, help="Tapped records to look at, per partition.")
def check(path: Path, last: int) -> None:
    """Reach every part and say what to mend; nothing is sent, asked or committed."""
    from streams.checking import Finding  # noqa: PLC0415 - slow to import
    from streams.checking import check as checked  # noqa: PLC0415 - the same

    config = load_config(path)

    async def main() -> int:
        worst = 0
        async for found in checked(config, last):
            if isinstance(found, Finding):
                click.echo(f"{'mend' if found.trouble else 'ok':>4}  {found.what}: {found.trouble or found.said}")
                worst = max(worst, found.exit_code)
            else:
                _show_tapped(found, len(config.candidates))
        return worst

    raise SystemExit(asyncio.run(main()))


def _show_tapped(found: "Tapped", candidates: int) -> None:
    from streams.checking import trials_needed  # noqa: PLC0415 - slow to import

    click.echo(f"  ok  the last {found.records} records, over {found.hours:.1f} hours:")
    for what, counted in (("what", found.outcomes), ("model", found.models), ("feature", found.features)):
        total = sum(counted.values())
        for name, count in counted.most_common(10):
            click.echo(f"        {what} {name}: {count} ({count / total:.0%})")
    if found.per_day is not None:
        asked = found.per_day * candidates
        click.echo(f"        about {asked:,.0f} requests a day for candidates at this rate, plus the reruns' share")
    needs = ", ".join(f"{what} {trials_needed(tolerance)}" for what, tolerance in TOLERANCES.items())
    click.echo(f"        paired trials a PASS takes per feature, if the current pin flips 2 % by itself: {needs}")
