"""What others see of a worker: health, readiness, metrics, logs, and how it waits for what is not there yet."""

import asyncio
import json
import logging
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from schemas.config import config_from
from schemas.errors import UsageError
from streams.embedded import support_desk as desk
from streams.embedded.broker import free_port
from streams.health import Health, seen_from_outside
from streams.logs import JsonLines


def get(url):
    """Status and body, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


async def test_an_event_loop_that_is_stuck_is_told_by_the_thread_beside_it():
    seen = {}
    async with seen_from_outside(Health(stuck_after_s=0.5), "127.0.0.1:0") as url:
        assert (await asyncio.to_thread(get, f"{url}/healthz"))[0] == 200

        def look():
            time.sleep(1.0)
            seen["health"] = get(f"{url}/healthz")
            seen["ready"] = get(f"{url}/readyz")

        looking = threading.Thread(target=look)
        looking.start()
        time.sleep(1.5)
        looking.join()
        await asyncio.sleep(1.2)
        assert (await asyncio.to_thread(get, f"{url}/healthz"))[0] == 200
    status, body = seen["health"]
    assert status == 503
    assert "has not turned" in json.loads(body)["why"]["event_loop"]
    assert seen["ready"][0] == 503


async def test_ready_says_which_part_is_missing_while_the_worker_lives():
    health = Health()
    health.ready["clickhouse"] = lambda: "is away"
    async with seen_from_outside(health, "127.0.0.1:0") as url:
        assert (await asyncio.to_thread(get, f"{url}/healthz"))[0] == 200
        status, body = await asyncio.to_thread(get, f"{url}/readyz")
        assert (status, json.loads(body)) == (503, {"ok": False, "why": {"clickhouse": "is away"}})
        status, body = await asyncio.to_thread(get, f"{url}/metrics")
        assert status == 200
        assert "shadowtap_healthy 1.0" in body
        assert (await asyncio.to_thread(get, f"{url}/elsewhere"))[0] == 404


async def test_an_address_in_use_is_refused_with_what_to_do():
    async with seen_from_outside(Health(), "127.0.0.1:0") as url:
        taken = url.removeprefix("http://")
        with pytest.raises(UsageError, match=r"worker\.listen: cannot listen .*--listen"):
            async with seen_from_outside(Health(), taken):
                pass


def test_a_log_line_is_one_json_object():
    try:
        int("two\nlines")
    except ValueError:
        record = logging.LogRecord("streams.x", logging.ERROR, "f", 1, "a %s", ("b\nc",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["level"], fields["logger"], fields["message"]) == ("ERROR", "streams.x", "a b\nc")
    assert "two" in fields["traceback"]
    assert fields["ts"].endswith("+00:00")


async def test_a_worker_waits_for_an_absent_broker_says_so_and_gives_up_with_exit_code_4(tmp_path):
    absent = free_port()
    path = tmp_path / "shadowtap.toml"
    path.write_text(
        f'[upgrade]\nname = "u"\ncurrent = "{desk.CURRENT}"\npinned = true\n[[candidates]]\npin = "{desk.CANDIDATE}"\n'
        f'pinned = true\n[tap]\ntopics = ["t"]\n[kafka]\nbootstrap = "127.0.0.1:{absent}"\n'
        '[providers.sim]\nbase_url = "http://127.0.0.1:1/v1"\n[worker]\nwait_s = 4\n'
    )
    config_from(tomllib.loads(path.read_text()))
    worker = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("shadowtap")), "worker", "--config", str(path), "--listen", "127.0.0.1:0",
        "--log-format", "json", stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    ready = None
    lines = []
    async for line in worker.stderr:
        lines.append(line.decode())
        if "waiting for it" in lines[-1] and ready is None:
            url = json.loads(lines[0])["message"].split()[4].removesuffix("/healthz,")
            ready = await asyncio.to_thread(get, f"{url}/readyz")
    assert await worker.wait() == 4
    assert ready[0] == 503
    assert f"no Kafka answers at '127.0.0.1:{absent}'" in json.loads(ready[1])["why"]["start"]
    assert lines[-1].startswith("kafka.bootstrap: no Kafka answers")
    assert all(json.loads(line)["logger"] for line in lines[:-1])
