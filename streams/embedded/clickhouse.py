"""A ClickHouse on this machine: chDB (ClickHouse as a library) in a child process behind ClickHouse's HTTP interface.

So the ordinary client is used everywhere, and a real server is only another URL:

    async with embedded_clickhouse(Path("shadowtap-data")) as server:
        client = await clickhouse_connect.get_async_client(
            dsn=server.url, username=server.user, password=server.password
        )

The folder has one server. Who comes second finds it through `server.json` and connects to it; it lives as long as the
process that came first. A row that was acknowledged survives kill -9 (of the process; not power loss).
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from schemas import json_text
from schemas.errors import UnreachableError
from schemas.values import immutable
from streams.embedded.child import Child, child_process, require
from streams.embedded.clickhouse_access import READER_GRANTS, READER_QUOTA

SERVER_FILE = "server.json"
READY = "ready"
FOLDER_IS_SERVED = 75  # exit code: EX_TEMPFAIL of sysexits.h
CLOSES_WITHIN_S = 60.0


@immutable
class ClickHouseServer:
    """Where an embedded store answers, and the passwords of its two users: the content of `server.json`."""

    url: str
    pid: int
    user: str
    password: str
    reader: str
    reader_password: str

    def as_json(self) -> dict[str, Any]:
        """As it stands in `server.json`."""
        return asdict(self)


@asynccontextmanager
async def embedded_clickhouse(
    data: Path,
    *,
    port: int | None = None,
    grants: Sequence[str] = READER_GRANTS,
    quota: Mapping[str, int] = READER_QUOTA,
    starts_within_s: float = 60.0,
) -> AsyncIterator[ClickHouseServer]:
    """The store in a folder for the length of the block: one that runs already, else one of our own.

    `grants` are GRANT (and then REVOKE) statements for the reading user, `quota` is what that user may use in an hour;
    both, and `port`, hold for a server of our own.

    Raises:
        UsageError: the extra `shadowtap[embedded]` is not installed.
        UnreachableError: it did not start; the message ends with what it said.
    """
    require("chdb")
    settings = {
        "parent": os.getpid(),
        "data": os.fspath(data),
        "port": port,
        "grants": list(grants),
        "quota": dict(quota),
    }
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(starts_within_s):
                server = await find_server(data)
                while server is None:
                    child = await stack.enter_async_context(_server_process(settings))
                    # It ends at once where another process has just taken the folder and not yet written where it is.
                    server = await find_server(data) if await _is_ready(child) else await _find_soon(data)
        except TimeoutError as late:
            raise UnreachableError(f"the embedded ClickHouse in {data} is not up after {starts_within_s} s") from late
        yield server


async def find_server(data: Path) -> ClickHouseServer | None:
    """The server that serves this folder now, or None; what a killed one left behind counts as none."""
    try:
        server = ClickHouseServer(**json_text.loads((data / SERVER_FILE).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    # An empty query with the password: answered without touching the store, and only by the one we mean.
    credentials = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(server.url, headers=credentials) as response,
        ):
            return server if response.status == 200 else None  # noqa: PLR2004 - OK
    except (aiohttp.ClientError, TimeoutError):
        return None


@asynccontextmanager
async def _server_process(settings: dict[str, Any]) -> AsyncIterator[Child]:
    command = [sys.executable, "-m", "streams.embedded.clickhouse_server"]
    async with child_process(command, grace_s=CLOSES_WITHIN_S, stdout=asyncio.subprocess.PIPE) as child:
        if child.process.stdin is not None:
            child.process.stdin.write(json_text.dumps(settings) + b"\n")
        yield child


async def _is_ready(child: Child) -> bool:
    """Wait until the server answers; False where the folder has another one.

    Raises:
        UnreachableError: it ended for any other reason.
    """
    if child.process.stdout is not None:
        async for line in child.process.stdout:
            if line.strip() == READY.encode():
                return True
    if await child.process.wait() == FOLDER_IS_SERVED:
        return False
    raise UnreachableError(f"the embedded ClickHouse did not start. It said: {child.last_words() or 'nothing'}")


async def _find_soon(data: Path) -> ClickHouseServer | None:
    for _ in range(20):
        server = await find_server(data)
        if server is not None:
            return server
        await asyncio.sleep(0.1)
    return None
