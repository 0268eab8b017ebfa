"""What happens to the children when somebody is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import clickhouse_connect
import pytest

from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import ClickHouseServer, embedded_clickhouse, find_server
from streams.embedded.provider import simulated_provider
from streams.health import Health, seen_from_outside

PARENT = """
import asyncio, json, sys
from pathlib import Path
from streams.embedded.broker import embedded_broker
from streams.embedded.clickhouse import embedded_clickhouse

async def main():
    async with embedded_broker() as bootstrap, embedded_clickhouse(Path(sys.argv[1])) as server:
        print(json.dumps({"bootstrap": bootstrap, **server.as_json()}), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@contextmanager
def _process(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _children(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(condition, within_s=15):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_broker_and_store_end_with_a_parent_that_is_killed(tmp_path):
    with _process([sys.executable, "-c", PARENT, str(tmp_path)]) as parent:
        told = json.loads(parent.stdout.readline())
        children = _children(parent.pid)
        assert told["pid"] in children
        assert len(children) == 2
        parent.kill()
        parent.wait()
    _wait_until(lambda: not any(_is_alive(pid) for pid in children))


async def test_who_comes_second_connects_to_the_server_that_is_there(tmp_path):
    with _process([sys.executable, "-c", PARENT, str(tmp_path)]) as other:
        told = json.loads(other.stdout.readline())
        async with embedded_clickhouse(tmp_path) as server:
            assert (server.pid, server.url) == (told["pid"], told["url"])
            client = await clickhouse_connect.get_async_client(
                dsn=server.url, username=server.user, password=server.password
            )
            assert await client.command("SELECT 1") == 1
            await client.close()
        assert _is_alive(told["pid"])  # it is not ours to end


async def test_two_that_start_at_once_share_one_server(tmp_path):
    async def pid():
        async with embedded_clickhouse(tmp_path) as server:
            await both.wait()
            return server.pid

    both = asyncio.Barrier(2)
    first, second = await asyncio.gather(pid(), pid())
    assert first == second


async def test_what_a_killed_server_left_behind_is_replaced(tmp_path):
    stale = ClickHouseServer("http://127.0.0.1:9", os.getpid(), "default", "x", "reader", "y")
    (tmp_path / "server.json").write_text(json.dumps(stale.as_json()))
    assert await find_server(tmp_path) is None
    async with embedded_clickhouse(tmp_path) as server:
        assert server != stale
        assert await find_server(tmp_path) == server


async def test_a_killed_server_loses_no_acknowledged_row_and_doubles_none(tmp_path):
    acknowledged, unknown = set(), set()

    async def insert(client, batch):
        # As the product inserts: a token for each call. The server may have written down the token of a batch that
        # the kill kept it from storing, and would drop the same token again.
        rows = [[batch, row, f"row {row}"] for row in range(200)]
        unknown.add(batch)
        await client.insert("t", rows, settings={"insert_deduplication_token": uuid4().hex})
        unknown.discard(batch)
        acknowledged.add(batch)

    async def write(client, lane, round_):
        for batch in range(round_ * 100_000 + lane, 10**9, 4):
            await insert(client, batch)

    async def rows_stored(client):
        return dict((await client.query("SELECT batch, count() FROM t FINAL GROUP BY batch")).result_rows)

    for round_ in range(3):
        async with embedded_clickhouse(tmp_path) as server, AsyncExitStack() as stack:
            client = await clickhouse_connect.get_async_client(
                dsn=server.url, username=server.user, password=server.password, autogenerate_session_id=False
            )
            stack.push_async_callback(client.close)
            await client.command(
                "CREATE TABLE IF NOT EXISTS t (batch UInt64, row UInt32, text String) ENGINE = ReplacingMergeTree "
                "ORDER BY (batch, row) SETTINGS non_replicated_deduplication_window = 10000"
            )
            stored = await rows_stored(client)
            assert acknowledged <= stored.keys()
            assert set(stored.values()) <= {200}
            # The last acknowledged ones too, as if that word had been lost: what is stored does not count twice.
            for batch in sorted(unknown | set(sorted(acknowledged)[-5:])):
                await insert(client, batch)
            assert await rows_stored(client) == dict.fromkeys(acknowledged, 200)
            if round_ == 2:
                assert len(acknowledged) > 20
                return
            lanes = [asyncio.create_task(write(client, lane, round_)) for lane in range(4)]
            await asyncio.sleep(0.7)
            os.kill(server.pid, signal.SIGKILL)
            ended = await asyncio.gather(*lanes, return_exceptions=True)
            assert all(isinstance(failure, Exception) for failure in ended)


async def test_the_command_prints_a_curl_line_that_works(tmp_path):
    script = "from streams.cli.clickhouse import clickhouse; clickhouse()"
    command = [sys.executable, "-c", script, "--data", str(tmp_path)]
    with _process(command) as serving:
        lines = [serving.stdout.readline() for _ in range(3)]
        words = lines[2].split()
        user, _, password = words[words.index("-u") + 1].partition(":")
        url = next(word for word in words if word.startswith("http"))
        async with (
            aiohttp.ClientSession(headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": password}) as session,
            session.post(url, data="SELECT 6 * 7") as response,
        ):
            assert await response.text() == "42\n"
        again = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert lines[2] in again.stdout
        serving.terminate()
        assert serving.wait(timeout=20) == 0


def _listening(pids):
    """Addresses on which these processes listen, as /proc writes them: hexadecimal address, port."""
    inodes = set()
    for pid in pids:
        links = []
        with suppress(FileNotFoundError):  # it was `ps`, which looked for the others
            links = list(Path(f"/proc/{pid}/fd").iterdir())
        for link in links:
            with suppress(FileNotFoundError):
                inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1])
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_embedded_servers_listen_on_loopback_only(tmp_path):
    before = _listening([os.getpid()])
    async with (
        embedded_broker() as bootstrap,
        embedded_clickhouse(tmp_path / "store") as server,
        simulated_provider({}) as provider,
        seen_from_outside(Health(), "127.0.0.1:0") as health,
    ):
        children = _children(os.getpid())
        everybody = [os.getpid(), *children, *(one for child in children for one in _children(child))]
        found = _listening(everybody) - before
    addresses = (f"kafka://{bootstrap}", server.url, provider.base_url, health)
    assert {int(address.partition(":")[2], 16) for address in found} >= {urlsplit(one).port for one in addresses}
    assert {address.partition(":")[0] for address in found} == {"0100007F"}  # 127.0.0.1
