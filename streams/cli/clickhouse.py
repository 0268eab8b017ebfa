"""`shadowtap clickhouse`: serves an embedded store for other tools."""

import asyncio
from pathlib import Path

import click


@click.command("clickhouse")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), required=True, help="The store's folder.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1; any free one unless given.")
def clickhouse(data: Path, port: int | None) -> None:
    """Serve an embedded store until Ctrl-C, for curl, notebooks and dashboards."""
    asyncio.run(serve_clickhouse(data, port))


async def serve_clickhouse(data: Path, port: int | None) -> None:
    """Serve a folder in the foreground until SIGTERM or SIGINT; say where, and how to ask.

    Where another process serves the folder already, say where that one is and return.

    Raises:
        UsageError: the extra `shadowtap[embedded]` is not installed.
        UnreachableError: the port is taken, or the folder cannot be used.
    """
    from schemas.errors import UnreachableError  # noqa: PLC0415 - with its neighbours
    from streams.embedded.child import require  # noqa: PLC0415 - slow to import, and an extra
    from streams.embedded.clickhouse import find_server  # noqa: PLC0415 - the same
    from streams.embedded.clickhouse_access import READER_GRANTS  # noqa: PLC0415 - the same

    require("chdb")
    found = await find_server(data)
    if found is not None:
        click.echo(f"{data} is served already, by process {found.pid}:")
        _tell(found.url, found.reader, found.reader_password)
        return
    from streams.embedded.clickhouse_server import FolderIsServedError, serving, stop_signal  # noqa: PLC0415 - the same

    stop = stop_signal()
    try:
        async with serving(data, port=port, grants=READER_GRANTS) as server:
            _tell(server.url, server.reader, server.reader_password)
            await stop.wait()
    except (FolderIsServedError, OSError, RuntimeError) as failed:  # RuntimeError: chDB's own
        raise UnreachableError(f"cannot serve {data}: {failed}") from failed


def _tell(url: str, reader: str, password: str) -> None:
    click.echo(f"ClickHouse over HTTP: {url}")
    click.echo(f"read-only user:       {reader}, password {password}")
    click.echo(f"try:                  curl -u {reader}:{password} {url} --data-binary 'SHOW TABLES FROM shadowtap'")
