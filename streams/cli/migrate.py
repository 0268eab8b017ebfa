"""`shadowtap migrate`: creates or upgrades the ClickHouse schema, and creates our topics."""

import asyncio
from pathlib import Path

import click

from schemas.config import CONFIG_FILE, load_config
from schemas.errors import UsageError


@click.command("migrate")
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--replication", default=1, show_default=True, help="Replication factor of topics that are created.")
def migrate(path: Path, replication: int) -> None:
    """Create or upgrade the tables and create the topics; safe to repeat."""
    from streams.kafka import create_topics, partitions  # noqa: PLC0415 - Faust takes a second to import
    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    config = load_config(path)

    async def main() -> None:
        async with open_store(config) as store:
            for applied in await store.migrate():
                click.echo(f"ClickHouse: {applied}")
        tapped = await partitions(config.tapped_kafka, config.tap.topics)
        absent = [name for name in config.tap.topics if name not in tapped]
        if absent:
            raise UsageError(f"tap.topics: topic {absent[0]!r} does not exist on {config.tapped_kafka.bootstrap}")
        for name in await create_topics(config.kafka, max(tapped.values()), replication):
            click.echo(f"Kafka: created topic {name}")
        click.echo("Everything is in place.")

    asyncio.run(main())
