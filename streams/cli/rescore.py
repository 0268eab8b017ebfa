"""`shadowtap rescore`: new or changed comparators over trials that were paid for already."""

import asyncio
from pathlib import Path

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config
from schemas.errors import UsageError


@click.command("rescore")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option(
    "--dimension", "names", multiple=True, help="Score this one; default: all that lack scores in their epoch."
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def rescore(path: Path, names: tuple[str, ...], form: str) -> None:
    """Compute new or changed comparators over stored trials, with no call to any model.

    Trials are read from the trials topic; what its retention has taken comes from ClickHouse where store_text = "full".
    Scores that are there stay; a changed comparator's stand in an epoch of their own. Safe to repeat.
    """
    from streams.calibrating import InForce  # noqa: PLC0415 - slow to import
    from streams.kafka import producer  # noqa: PLC0415 - the same
    from streams.rescoring import Rescored, lacking  # noqa: PLC0415 - the same
    from streams.rescoring import rescore as run  # noqa: PLC0415 - the same
    from streams.rules import Rules  # noqa: PLC0415 - the same
    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    config = load_config(path)
    rules = Rules(config)
    known = {dimension.name for rule in (rules.common, *rules.own.values()) for dimension in rule.dimensions}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--dimension: {unknown[0]!r} is no dimension of this configuration")

    async def main() -> Rescored:
        async with open_store(config) as store, producer(config.kafka) as sink:
            in_force = await InForce.settle(store, config, rules)
            dimensions = names or await lacking(store, config, in_force.rules, in_force.epochs)
            if not dimensions:
                return Rescored(())
            click.echo(f"scoring {', '.join(dimensions)}", err=True)
            return await run(config, in_force.rules, in_force.epochs, store, sink, dimensions)

    done = asyncio.run(main())
    if form == "json":
        counts = {name: getattr(done, name) for name in ("from_topic", "from_tables", "comparisons", "refused", "gone")}
        click.echo(json_text.dumps({"upgrade": config.upgrade.name, "dimensions": done.dimensions, **counts}).decode())
        return
    if not done.dimensions:
        click.echo("Every stored comparison has its scores; nothing to do.")
        return
    click.echo(
        f"{done.comparisons} comparisons scored in {', '.join(done.dimensions)}: {done.from_topic} trials from the "
        f"trials topic, {done.from_tables} from ClickHouse."
    )
    if done.refused:
        click.echo(f"{done.refused} comparisons were refused by ClickHouse; they keep the scores they had.", err=True)
    if done.gone:
        click.echo(
            f"{done.gone} trials cannot be scored again: the trials topic has lost them, and "
            + ("their texts are no longer in ClickHouse." if config.clickhouse.store_text == "full" else
               "store_text is not \"full\". Raise the topic's retention for the next upgrade."),
            err=True,
        )  # fmt: skip
