"""`shadowtap accept`: a named person accepts a difference, with a reason."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas.config import CONFIG_FILE, candidate_hash, load_config
from schemas.config_problems import nearest
from schemas.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from schemas.config import Config
    from schemas.settings import Candidate


@click.command("accept")
@click.argument("dimension")
@click.option("--by", required=True, help="Who accepts it: a person's name; it stands in every report.")
@click.option("--reason", required=True, help="Why it is fine.")
@click.option("--signature", default="", help="Only this reason code, e.g. 'yes_no:yes->no'; without it, all of it.")
@click.option("--candidate", help="Whose difference; the only candidate unless given.")
@click.option("--feature", default="", help="Only in this feature.")
@click.option("--withdraw", is_flag=True, help="Take an acceptance back.")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
def accept(  # noqa: PLR0917 - click's signature
    dimension: str,
    by: str,
    reason: str,
    signature: str,
    candidate: str | None,
    feature: str,
    withdraw: bool,  # noqa: FBT001 - a flag of the command line
    path: Path,
) -> None:
    """Accept a difference by name, with a reason; it is listed in every report.

    A DIMENSION with effect "review" is accepted whole: its failure no longer asks for REVIEW. A --signature of any
    dimension scores 0 in every arm from now on, and the dimension's evidence begins anew, in an epoch of its own:
    it is empty until more is compared, or `shadowtap rescore` has scored the stored trials again.
    """
    from schemas.acceptances import Acceptance  # noqa: PLC0415 - with its neighbours
    from streams.accepting import accept as store_acceptance  # noqa: PLC0415 - slow to import
    from streams.accepting import announce  # noqa: PLC0415 - the same
    from streams.kafka import producer  # noqa: PLC0415 - the same
    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    for option, text in (("--by", by), ("--reason", reason)):
        if not text.strip():
            raise UsageError(f"accept {option}: is empty; it stands in every report")
    config = load_config(path)
    chosen = _candidate(config, candidate)
    accepted = Acceptance(
        chosen.name, candidate_hash(chosen), feature, dimension, signature, by.strip(), reason.strip(),
        int(time.time() * 1000),
    )  # fmt: skip

    async def main() -> None:
        async with open_store(config) as store:
            await store_acceptance(store, config, accepted, withdrawn=withdraw)
        try:
            async with producer(config.kafka) as sink:
                await announce(sink, config.upgrade.name, accepted, withdrawn=withdraw)
        except UnreachableError as away:
            raise UnreachableError(f"stored, but not announced, run it again when Kafka is back: {away}") from away

    asyncio.run(main())
    click.echo(f"{'withdrawn' if withdraw else 'accepted'} for {chosen.name}: {accepted.what}")


def _candidate(config: "Config", name: str | None) -> "Candidate":
    names = [candidate.name for candidate in config.candidates]
    if name is None and len(names) > 1:
        raise UsageError(f"accept --candidate: say which one of {', '.join(names)}")
    found = next((candidate for candidate in config.candidates if name in (None, candidate.name)), None)
    if found is None:
        raise UsageError(f"accept --candidate: no candidate is called {name!r} ({nearest(name or '', names)})")
    return found
