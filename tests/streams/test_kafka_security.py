"""Every way to reach Apache Kafka safely, by everybody who does: producer, reader, admin and a Faust app."""

import asyncio
import base64
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from schemas.errors import ConfigError, RefusedError, UnreachableError
from schemas.settings import Kafka, Security
from streams.faust_app import create_app, topic
from streams.kafka import admin, partitions, producer, reader
from tests.certificates import KEY_PASSWORD
from tests.kafka.secured import PLAIN_PASSWORD, SCRAM_PASSWORD, USER, secured_kafka, unsecured_token
from tests.streams.conftest import needs_kafka

pytestmark = [pytest.mark.kafka, needs_kafka, pytest.mark.asyncio(loop_scope="module")]

TOPIC = "secured"
CLIENT_SECRET = "client-secret-marked"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory):
    variables = {
        "TEST_PLAIN": PLAIN_PASSWORD,
        "TEST_SCRAM": SCRAM_PASSWORD,
        "TEST_WRONG": "wrong-pw-marked",
        "TEST_KEY": KEY_PASSWORD,
        "TEST_CLIENT": CLIENT_SECRET,
    }
    os.environ.update(variables)
    async with secured_kafka(tmp_path_factory.mktemp("tls")) as made:
        (made.folder / "token").write_text(unsecured_token() + "\n")
        (made.folder / "old-token").write_text(unsecured_token(life_s=-100))
        async with admin(made.kafka("plaintext")) as client:
            await client.create_topics([NewTopic(TOPIC, 1, 1)])
        yield made
    for name in variables:
        del os.environ[name]


@asynccontextmanager
async def token_endpoint(folder) -> AsyncIterator[tuple[str, list[str]]]:
    """An OAuth 2.0 token endpoint over TLS; its address, and the scopes that were asked for."""
    scopes = []

    async def issue(request: web.Request) -> web.Response:
        named = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if named != f"shadowtap:{CLIENT_SECRET}":
            return web.json_response({"error": "invalid_client"}, status=401)
        form = await request.post()
        assert form["grant_type"] == "client_credentials"
        scopes.append(form.get("scope"))
        return web.json_response({"access_token": unsecured_token(), "token_type": "Bearer", "expires_in": 600})

    app = web.Application()
    app.router.add_post("/token", issue)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=tls).start()
    try:
        yield f"https://localhost:{runner.addresses[0][1]}/token", scopes
    finally:
        await runner.cleanup()


def ways(made, token_url: str) -> dict[str, Kafka]:
    certificate = {"cert_file": str(made.folder / "client.pem"), "key_file": str(made.folder / "client.key")}
    locked = {**certificate, "key_file": str(made.folder / "client-locked.key"), "key_password_env": "TEST_KEY"}
    scram = {"username": USER, "password_env": "TEST_SCRAM"}
    plain = {"mechanism": "PLAIN", "username": USER, "password_env": "TEST_PLAIN"}
    oauth = {
        "mechanism": "OAUTHBEARER", "token_url": token_url, "token_ca_file": str(made.folder / "ca.pem"),
        "client_id": "shadowtap", "client_secret_env": "TEST_CLIENT", "scope": "kafka",
    }  # fmt: skip
    return {
        "plaintext": made.kafka("plaintext"),
        "tls": made.kafka("tls", protocol="SSL"),
        "mutual tls": made.kafka("mutual", protocol="SSL", **certificate),
        "mutual tls, locked key": made.kafka("mutual", protocol="SSL", **locked),
        "plain, readable": made.kafka("sasl", protocol="SASL_PLAINTEXT", plain_without_tls=True, **plain),
        "plain": made.kafka("sasl_tls", protocol="SASL_SSL", **plain),
        "scram-256, readable": made.kafka("sasl", protocol="SASL_PLAINTEXT", mechanism="SCRAM-SHA-256", **scram),
        "scram-256": made.kafka("sasl_tls", protocol="SASL_SSL", mechanism="SCRAM-SHA-256", **scram),
        "scram-512": made.kafka("sasl_tls", protocol="SASL_SSL", mechanism="SCRAM-SHA-512", **scram),
        "token file": made.kafka(
            "sasl_tls", protocol="SASL_SSL", mechanism="OAUTHBEARER", token_file=str(made.folder / "token")
        ),
        "token endpoint": made.kafka("sasl_tls", protocol="SASL_SSL", **oauth),
    }


async def seen_by_faust(kafka: Kafka, name: str, wanted: bytes) -> None:
    app = create_app(kafka, f"secured-{name.replace(' ', '-').replace(',', '')}", "replay", 6.0)
    seen = asyncio.Event()

    @app.agent(topic(app, TOPIC))
    async def look(stream):
        async for event in stream.noack().events():
            if event.message.value == wanted:
                seen.set()

    app.finalize()
    await app.start()
    try:
        await asyncio.wait_for(seen.wait(), 30)
    finally:
        await app.stop()


async def test_each_way_works_for_producer_reader_admin_and_faust(cluster):
    async with token_endpoint(cluster.folder) as (url, scopes):
        tried = ways(cluster, url)

        async def by_clients(name: str, kafka: Kafka) -> None:
            async with producer(kafka) as client:
                await client.send_and_wait(TOPIC, name.encode(), partition=0)
            assert await partitions(kafka, [TOPIC]) == {TOPIC: 1}
            async with reader(kafka) as client:
                client.assign([TopicPartition(TOPIC, 0)])
                values = set()
                while name.encode() not in values:
                    batches = await asyncio.wait_for(client.getmany(timeout_ms=1000), 10)
                    values |= {record.value for batch in batches.values() for record in batch}

        await asyncio.gather(*(by_clients(name, kafka) for name, kafka in tried.items()))
        await asyncio.gather(*(seen_by_faust(kafka, name, name.encode()) for name, kafka in tried.items()))
        assert set(scopes) == {"kafka"}
        assert len(scopes) < 12  # a token is used again while it lives, though each client makes several connections


async def test_what_is_refused_is_told_in_one_line_without_a_secret(cluster):
    wrong = {"username": USER, "password_env": "TEST_WRONG"}
    token = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}
    old, absent = str(cluster.folder / "old-token"), str(cluster.folder / "none")
    ours, other = str(cluster.folder / "ca.pem"), str(cluster.folder / "other.pem")
    port = cluster.tls.partition(":")[2]
    async with token_endpoint(cluster.folder) as (url, _):
        endpoint = {**token, "token_url": url, "client_id": "shadowtap", "token_ca_file": ours}
        cases = {
            "refuses user 'shadow'; are user, password": [
                cluster.kafka("sasl_tls", protocol="SASL_SSL", mechanism=mechanism, **wrong)
                for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
            ],
            "that ca_file does not vouch for": [cluster.kafka("tls", protocol="SSL", ca_file=other)],
            "for another host name": [
                Kafka(bootstrap=f"127.0.0.1:{port}", security=Security(protocol="SSL", ca_file=ours))
            ],
            "does it speak TLS, and want a client certificate": [
                cluster.kafka("mutual", protocol="SSL"),
                cluster.kafka("plaintext", protocol="SSL"),
            ],
            "does it speak TLS, and want another client certificate": [
                cluster.kafka("mutual", protocol="SSL", cert_file=other, key_file=str(cluster.folder / "other.key"))
            ],
            "does this port take PLAINTEXT?": [Kafka(bootstrap=cluster.tls)],
            "does it take this token?": [cluster.kafka("sasl_tls", **token, token_file=old)],
            "token_file: cannot read": [cluster.kafka("sasl_tls", **token, token_file=absent)],
            "answers 401; are client_id, its secret": [
                cluster.kafka("sasl_tls", **endpoint, client_secret_env="TEST_WRONG")
            ],
        }

        async def told(kafka: Kafka) -> str:
            with pytest.raises(UnreachableError) as refused:
                await partitions(kafka, [TOPIC])
            assert refused.value.exit_code == 4
            said = str(refused.value)
            may_mend_itself = any(words in said for words in ("ends the connection", "names no broker", "token_"))
            assert isinstance(refused.value, RefusedError) != may_mend_itself
            return said

        for line, clusters in cases.items():
            for said in await asyncio.gather(*(told(kafka) for kafka in clusters)):
                assert line in said
                assert said.startswith("kafka.security")
                assert "\n" not in said
                assert "marked" not in said
    for nobody in ("127.0.0.1:1", "localhost:1", "no-such-host.invalid:9092"):
        with pytest.raises(UnreachableError, match="no Kafka answers at") as absent:
            await partitions(Kafka(bootstrap=nobody), [TOPIC])
        assert not isinstance(absent.value, RefusedError)


@pytest.mark.parametrize(
    ("security", "line"),
    [
        ({"ca_file": "{folder}/none.pem"}, r"kafka.security.ca_file: cannot read .*none.pem \(No such file"),
        ({"ca_file": "{folder}/token"}, r"kafka.security.ca_file: .*token holds no certificate in PEM"),
        (
            {"cert_file": "{folder}/client.pem", "key_file": "{folder}/server.key"},
            r"cert_file: .*client.pem and .*server.key cannot be used together \(KEY_VALUES_MISMATCH\)",
        ),
        (
            {"cert_file": "{folder}/client.pem", "key_file": "{folder}/client-locked.key"},
            r"is it encrypted \(key_password_env\)\?",
        ),
        ({"cert_file": "{folder}/none.pem", "key_file": "{folder}/none.key"}, r"cert_file: cannot read .*none.pem"),
    ],
)
async def test_certificates_that_cannot_be_used_are_told_before_anything_is_asked(cluster, security, line):
    named = {key: value.replace("{folder}", str(cluster.folder)) for key, value in security.items()}
    with pytest.raises(ConfigError, match=line) as wrong:
        await partitions(cluster.kafka("mutual", protocol="SSL", **named), [TOPIC])
    assert wrong.value.exit_code == 2


async def test_a_worker_with_a_wrong_password_ends_at_once_with_one_line(cluster, tmp_path):
    (tmp_path / "shadowtap.toml").write_text(
        '[upgrade]\nname = "u"\ncurrent = "sim/a"\npinned = true\n[[candidates]]\npin = "sim/b"\npinned = true\n'
        f'[tap]\ntopics = ["{TOPIC}"]\n[kafka]\nbootstrap = "{cluster.sasl_tls}"\n'
        '[kafka.security]\nprotocol = "SASL_SSL"\nmechanism = "SCRAM-SHA-512"\nusername = "shadow"\n'
        f'password_env = "TEST_WRONG"\nca_file = "{cluster.folder / "ca.pem"}"\n'
        '[providers.sim]\nbase_url = "http://127.0.0.1:1/v1"\n'
    )
    program = Path(sys.executable).with_name("shadowtap")
    arguments = ("worker", "--role", "replay", "--listen", "", "--log-level", "DEBUG")
    process = await asyncio.create_subprocess_exec(
        program, *arguments, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 4
    lines = [line for line in said.decode().splitlines() if "DEBUG" not in line]
    assert out == b""
    assert lines[-1].startswith(f"kafka.security: {cluster.sasl_tls} refuses user 'shadow'")
    assert len(lines) == 1, lines
    assert b"marked" not in said
