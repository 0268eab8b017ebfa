"""Serves an embedded store: one process per folder, its address and passwords in `server.json` beside the data.

`python -m streams.embedded.clickhouse_server` is the child process of `clickhouse.py`: settings come as a line of JSON
on standard input, which then stays open; when it closes, the parent has ended and so does the server.
"""

import asyncio
import fcntl
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web

from schemas import json_text
from streams.embedded.child import end_with_parent
from streams.embedded.clickhouse import FOLDER_IS_SERVED, READY, SERVER_FILE, ClickHouseServer
from streams.embedded.clickhouse_access import READER_QUOTA
from streams.embedded.clickhouse_http import Users, http_runner
from streams.embedded.clickhouse_store import EmbeddedStore

LOCK_FILE = "server.lock"


class FolderIsServedError(Exception):
    """Another process serves this folder."""


@asynccontextmanager
async def serving(
    data: Path, *, port: int | None, grants: Sequence[str], quota: Mapping[str, int] = READER_QUOTA
) -> AsyncIterator[ClickHouseServer]:
    """Serve a folder from this process on 127.0.0.1 for the length of the block. `port` None: any free one.

    At the end requests in flight get a few seconds, reading ones are then stopped, inserts are finished.

    Raises:
        FolderIsServedError: another process does.
        OSError: the port is taken, or the folder cannot be written.
    """
    with _claimed(data):
        users = Users(default=secrets.token_urlsafe(24), reader=secrets.token_urlsafe(24))
        store = EmbeddedStore(data, grants)
        runner = http_runner(store, users, quota)
        try:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", port or 0)
            await site.start()
            server = ClickHouseServer(
                url=f"http://127.0.0.1:{runner.addresses[0][1]}",
                pid=os.getpid(),
                user="default",
                password=users.default,
                reader="reader",
                reader_password=users.reader,
            )
            _write(data / SERVER_FILE, server)
            try:
                yield server
            finally:
                (data / SERVER_FILE).unlink(missing_ok=True)
        finally:
            await runner.cleanup()
            await asyncio.to_thread(store.close)


@contextmanager
def _claimed(data: Path) -> Iterator[None]:
    """Be the one process that serves a folder. The kernel frees the lock when its holder dies, however it dies."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise FolderIsServedError(f"{data} is served by another process") from held
        yield


def _write(path: Path, server: ClickHouseServer) -> None:
    """Replace the file in one step, readable by its owner only from the first moment."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json_text.dumps(server.as_json()))
    part.replace(path)


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    return stop


async def _serve_for_parent() -> int:
    settings = json_text.loads(sys.stdin.buffer.readline())
    stop = stop_signal()
    if sys.platform == "linux":  # the pipe alone would do, but a process the parent forked may hold it open
        end_with_parent(settings["parent"], signal.SIGTERM)
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: _Watch(stop), sys.stdin)
    try:
        async with serving(
            Path(settings["data"]), port=settings["port"], grants=settings["grants"], quota=settings["quota"]
        ):
            sys.stdout.write(READY + "\n")
            sys.stdout.flush()
            await stop.wait()
    except FolderIsServedError:
        return FOLDER_IS_SERVED
    finally:
        pipe.close()
    return 0


class _Watch(asyncio.Protocol):
    """Sets an event when the other end of a pipe is closed."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._stop.set()


if __name__ == "__main__":
    sys.exit(asyncio.run(_serve_for_parent()))
