"""Secrets are marked wherever they can be, everything fails once, and nothing that we write holds a mark."""

import asyncio
import base64
import contextlib
import json
import re
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from click.testing import CliRunner

from schemas import topics
from schemas.config import load_config
from streams.cli import main
from streams.embedded.clickhouse import embedded_clickhouse
from streams.kafka import admin, create_topics, producer, reader
from streams.store.configured import open_store
from tests.kafka.secured import PLAIN_PASSWORD, SCRAM_PASSWORD, secured_kafka, unsecured_token
from tests.streams.conftest import needs_kafka

pytestmark = [pytest.mark.kafka, needs_kafka]

TAPPED, EXCHANGES = "llm.gateway", 70
MARK = "m4rked"  # in every secret
PROMPT = "pr0mpt"  # in every text of users and models, which may stand in the trials topic only
KEY = f"sk-{MARK}-provider-0123456789abcdef"
WEBHOOK_PATH = f"/services/T0/B0/{MARK}slack"
CLICKHOUSE_PASSWORD = f"{MARK}-clickhouse"
TOKEN = unsecured_token(f"{MARK}-oauth")

SETTINGS = """
[upgrade]
name = "marked"
current = "sim/a"
pinned = true
[[candidates]]
pin = "sim/b"
pinned = true
[tap]
topics = ["{topic}"]
match = ["a"]
start = "earliest"
kafka.bootstrap = "{cluster}"
kafka.security = {{ protocol = "SASL_SSL", ca_file = "{ca}", mechanism = "OAUTHBEARER", token_file = "{token}" }}
[kafka]
bootstrap = "{cluster}"
[kafka.security]
protocol = "SASL_SSL"
ca_file = "{ca}"
mechanism = "SCRAM-SHA-512"
username = "shadow"
password_env = "MARKED_KAFKA"
[sampling]
rerun = 1.0
[budget]
requests_per_day = 5000
pace = "none"
[providers.sim]
base_url = "{provider}/v1"
api_key_env = "MARKED_PROVIDER"
[clickhouse]
url = "{clickhouse}"
user = "shadow"
password_env = "MARKED_CLICKHOUSE"
[slack]
webhook_env = "MARKED_SLACK"
[dimensions.embedding_distance]
model = "hashing"
"""


def record(number: int) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A tapped exchange with a credential in each place where gateways put one."""
    secret = f"{MARK}-{number}"
    text = f"{PROMPT}: is {number} a prime number? Answer as JSON."
    request = {
        "model": "a", "messages": [{"role": "user", "content": text}], "response_format": {"type": "json_object"},
        "api_key": secret, "extra_headers": [["Authorization", f"Bearer {secret}"]], "user_password": secret,
        "metadata": {"session_token": secret, "team": "x"},
        "tools": [{"type": "mcp", "server_url": "https://h", "authorization_token": secret}],
    }  # fmt: skip
    said = {"role": "assistant", "content": json.dumps({"answer": f"{PROMPT} {number}"})}
    response = {"model": "a", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
    envelope = {
        "id": f"r{number}", "feature": "primes", "headers": {"Authorization": f"Bearer {secret}", "Cookie": secret},
        "request": request, "response": {"status": 200, "headers": {"set-cookie": secret}, "body": response},
        "upstream": {"dsn": f"postgres://u:{secret}@h/d", "apiKey": secret},
    }  # fmt: skip
    return json.dumps(envelope).encode(), [("authorization", secret.encode()), ("x-api-key", secret.encode())]


class Outside:
    """A provider, a Slack and a front of ClickHouse that fail, and that repeat in their errors what they were sent."""

    def __init__(self, clickhouse) -> None:
        self.clickhouse = clickhouse
        self.refusals = {"provider": 1000, "slack": 2}
        self.clickhouse_is_up = True
        self.slack: list[str] = []

    def _refuses(self, who: str) -> bool:
        self.refusals[who] -= 1
        return self.refusals[who] >= 0

    async def answer(self, request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "")
        if self._refuses("provider"):
            error = {"message": f"Incorrect API key provided: {shown}", "code": "invalid_api_key", "param": shown}
            return web.json_response({"error": error}, status=401, headers={"x-shown": shown})
        assert shown == f"Bearer {KEY}"
        body = await request.json()
        text = body["messages"][0]["content"]
        if text.endswith("5 a prime number? Answer as JSON.") and body["model"] == "b":
            return web.json_response({"error": {"message": text, "param": text, "code": text}}, status=400)
        content = json.dumps({"answer": text}) if body["model"] == "a" else f'{{"answer": "{text}'
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        return web.json_response({"model": body["model"], "choices": [choice]})

    async def receive(self, request: web.Request) -> web.Response:
        self.slack.append(await request.text())
        if self._refuses("slack"):
            return web.Response(status=500, text=f"no such hook: {request.path}")
        return web.Response(text="ok")

    async def store(self, request: web.Request) -> web.Response:
        named = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        assert named == f"shadow:{CLICKHOUSE_PASSWORD}"
        if not self.clickhouse_is_up:
            return web.Response(status=503, text="Service Unavailable")
        body = await request.read()
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in ("content-type", "content-encoding", "accept-encoding")
        } | {"X-ClickHouse-User": self.clickhouse.user, "X-ClickHouse-Key": self.clickhouse.password}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, self.clickhouse.url + request.path_qs, headers=headers, data=body
            ) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "date", "server")


@contextlib.asynccontextmanager
async def serving(outside: Outside):
    """Addresses of the provider (and Slack), and of ClickHouse's front."""
    front, store = web.Application(), web.Application(client_max_size=1 << 28)
    front.router.add_post("/v1/chat/completions", outside.answer)
    front.router.add_post(WEBHOOK_PATH, outside.receive)
    store.router.add_route("*", "/{path:.*}", outside.store)
    async with contextlib.AsyncExitStack() as stack:
        addresses = []
        for app in (front, store):
            runner = web.AppRunner(app, auto_decompress=False)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            addresses.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield addresses


async def shadowtap(folder: Path, *arguments: str) -> tuple[asyncio.subprocess.Process, Path]:
    said = folder / f"{arguments[0]}.said"
    with said.open("ab") as file:
        program = Path(sys.executable).with_name("shadowtap")
        process = await asyncio.create_subprocess_exec(program, *arguments, cwd=folder, stdout=file, stderr=file)
    return process, said


async def until(condition, within_s: float, process: asyncio.subprocess.Process, said: Path) -> None:
    deadline = time.monotonic() + within_s
    while not await condition():
        assert process.returncode is None, said.read_text()[-3000:]
        assert time.monotonic() < deadline, said.read_text()[-3000:]
        await asyncio.sleep(0.3)


async def all_records(kafka) -> dict[str, str]:
    """Everything in every topic: keys, values and headers."""
    async with admin(kafka) as client:
        found = await client.describe_topics([name for name in await client.list_topics() if name[:2] != "__"])
    places = [TopicPartition(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]
    text = dict.fromkeys((place.topic for place in places), "")
    async with reader(kafka) as client:
        client.assign(places)
        ends = await client.end_offsets(places)
        await client.seek_to_beginning()
        while any([await client.position(place) < ends[place] for place in places]):
            for place, records in (await client.getmany(timeout_ms=500)).items():
                text[place.topic] += "".join(repr((r.key, r.value, r.headers)) for r in records)
    return text


async def all_rows(config) -> dict[str, str]:
    async with open_store(config) as store:
        names = await store.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'"
        )
        return {name: repr(await store.query(f"SELECT * FROM {name}")) for (name,) in names}


def without_marks(what: str, text: str, *marks: str) -> None:
    for mark in (*marks, MARK, SCRAM_PASSWORD, PLAIN_PASSWORD, TOKEN.split(".")[1]):
        found = re.search(re.escape(mark), text)
        assert found is None, f"{what}: {text[max(0, found.start() - 200) : found.end() + 100]}"


@contextlib.asynccontextmanager
async def pipeline(folder: Path, monkeypatch):
    """Settings in a file, the broker, ClickHouse and the world outside, and marked traffic on the tapped topic."""
    async with (
        secured_kafka(folder / "tls") as cluster,
        embedded_clickhouse(folder / "store") as clickhouse,
        serving(outside := Outside(clickhouse)) as (address, store_address),
    ):
        monkeypatch.setenv("MARKED_KAFKA", SCRAM_PASSWORD)
        monkeypatch.setenv("MARKED_PROVIDER", KEY)
        monkeypatch.setenv("MARKED_CLICKHOUSE", CLICKHOUSE_PASSWORD)
        monkeypatch.setenv("MARKED_SLACK", address + WEBHOOK_PATH)
        (folder / "token").write_text(TOKEN)
        files = {"ca": folder / "tls" / "ca.pem", "token": folder / "token"}
        places = {"cluster": cluster.sasl_tls, "provider": address, "clickhouse": store_address, "topic": TAPPED}
        (folder / "shadowtap.toml").write_text(SETTINGS.format(**files, **places))
        config = load_config(folder / "shadowtap.toml")
        async with open_store(config) as store:
            await store.migrate()
        async with admin(config.tapped_kafka) as client:
            await client.create_topics([NewTopic(TAPPED, 1, 1)])
        await create_topics(config.kafka, 1)
        async with producer(config.tapped_kafka) as sink:
            for number in range(EXCHANGES):
                value, headers = record(number)
                await sink.send(TAPPED, value, headers=headers)
            for broken in (f"no json {MARK}", f'{{"text": "{MARK}"}}'):
                await sink.send(TAPPED, broken.encode())
            await sink.flush()
        yield config, outside


async def run_with_failures(folder: Path, config, outside: Outside) -> int:
    """A worker whose provider refuses the key; then one whose ClickHouse goes away, and Slack refuses twice."""

    async def has_said(words: str) -> bool:
        return words in said.read_text()

    async def has_compared(count: int) -> bool:
        async with open_store(config) as store:
            return (await store.query("SELECT count() FROM comparisons"))[0][0] >= count

    async def is_told() -> bool:
        return outside.refusals["slack"] < 0

    arguments = ("worker", "--log-level", "DEBUG", "--listen", "127.0.0.1:0")
    process, said = await shadowtap(folder, *arguments, "--role", "replay")
    try:
        await until(lambda: has_said("refuses us"), 60, process, said)
    finally:
        process.kill()
        await process.wait()
    outside.refusals["provider"] = 0
    process, said = await shadowtap(folder, *arguments)
    try:
        await until(lambda: has_compared(1), 60, process, said)
        outside.clickhouse_is_up = False
        await until(lambda: has_said("ClickHouse is away"), 60, process, said)
        outside.clickhouse_is_up = True
        await until(lambda: has_compared(EXCHANGES), 60, process, said)
        await until(is_told, 60, process, said)
        url = re.findall(r"health and metrics at (\S+)/healthz", said.read_text())[-1]
        async with aiohttp.ClientSession() as session:
            for page in ("/metrics", "/healthz", "/readyz"):
                async with session.get(url + page) as response:
                    without_marks(page, await response.text(), PROMPT)
    finally:
        if process.returncode is None:
            process.terminate()
        code = await asyncio.wait_for(process.wait(), 30)
    for command in ("status", "check"):
        told = await asyncio.to_thread(CliRunner().invoke, main, [command, "--config", str(folder / "shadowtap.toml")])
        (folder / f"{command}.said").write_text(told.output)
    return code


async def test_no_secret_and_no_prompt_is_in_anything_that_is_written(tmp_path, monkeypatch):
    async with pipeline(tmp_path, monkeypatch) as (config, outside):
        assert await run_with_failures(tmp_path, config, outside) == 0
        records, rows = await all_records(config.kafka), await all_rows(config)
    logs = {path.name: path.read_text() for path in tmp_path.glob("*.said")}
    assert "70 compared" in logs["status.said"]
    assert "tapped topics" in logs["check.said"]
    for words in ("ClickHouse is away", "refuses us", "Slack refuses"):
        assert words in logs["worker.said"]
    for name, text in logs.items():
        without_marks(name, text, PROMPT)
    written = {path.name for path in tmp_path.iterdir()} - {"tls", "store", "token", "shadowtap.toml"}
    assert written == logs.keys()  # nothing is left beside the settings: the folder may be read-only
    assert PROMPT in records[topics.TRIALS]
    without_marks(topics.TRIALS, records.pop(topics.TRIALS))
    assert MARK in records.pop(TAPPED)
    assert records[topics.DEAD_LETTERS]
    assert records[topics.VERDICTS]
    assert rows["scores_rows"] != "[]"
    assert rows["alerts_rows"] != "[]"
    for name, text in (records | rows).items():
        without_marks(name, text, PROMPT)
    assert len(outside.slack) == 3
    without_marks("Slack", "".join(outside.slack), PROMPT)
