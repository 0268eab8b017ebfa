"""ClickHouse over TLS with user and password: the embedded server behind an HTTPS front."""

import ssl

import aiohttp
import pytest
from aiohttp import web

from schemas.config import config_from
from schemas.errors import ConfigError, RefusedError, UnreachableError
from streams.store.configured import open_store
from tests.certificates import make_certificates

FIELDS = {
    "upgrade": {"name": "u", "current": "sim/a", "pinned": True},
    "candidates": [{"pin": "sim/b", "pinned": True}],
    "tap": {"topics": ["t"]},
    "kafka": {"bootstrap": "h:1"},
}
HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tls")
    make_certificates(made)
    return made


@pytest.fixture
async def front(clickhouse, folder):
    """An HTTPS server on `localhost` that passes everything to the embedded ClickHouse; yields its port."""

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        body = await request.read()
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, clickhouse.url + request.path_qs, headers=headers, data=body) as answer,
        ):
            back = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, headers=back, body=await answer.read())

    app = web.Application(client_max_size=1 << 28)
    app.router.add_route("*", "/{path:.*}", forward)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=tls).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
def configured(clickhouse, front, folder, monkeypatch):
    """Settings for the front: its host, our authority's file, the password, if not the right ones."""

    def make(host="localhost", ca="ca.pem", password=None, port=front):
        monkeypatch.setenv("TEST_CLICKHOUSE", password or clickhouse.password)
        house = {"url": f"https://{host}:{port}", "user": clickhouse.user, "password_env": "TEST_CLICKHOUSE"}
        trusted = {"ca_file": str(folder / ca)} if ca else {}
        return config_from({**FIELDS, "clickhouse": {**house, **trusted, "database": "over_tls"}})

    return make


async def test_tables_are_made_and_read_over_tls(configured):
    async with open_store(configured()) as store:
        assert await store.migrate()
        await store.require_schema()
        assert await store.query("SELECT count() FROM comparisons") == [(0,)]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"password": "wrong-marked"}, "refuses the user; are clickhouse.user and password_env right"),
        ({"ca": "other.pem"}, "has a certificate that clickhouse.ca_file does not vouch for"),
        ({"ca": None}, "has a certificate that clickhouse.ca_file does not vouch for"),
        ({"host": "127.0.0.1"}, r"does not vouch for \(IP address mismatch"),
    ],
)
async def test_a_refusal_is_one_line_without_the_password(clickhouse, configured, wrong, line):
    with pytest.raises(RefusedError, match=line) as refused:
        async with open_store(configured(**wrong)):
            pass
    assert "\n" not in str(refused.value)
    assert "marked" not in str(refused.value)
    assert clickhouse.password not in str(refused.value)


async def test_a_port_without_tls_and_an_unreadable_authority_are_told(clickhouse, configured):
    with pytest.raises(UnreachableError, match=r"https://localhost:\d+: .*WRONG_VERSION_NUMBER") as refused:
        async with open_store(configured(port=int(clickhouse.url.rpartition(":")[2]))):
            pass
    assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match=r"clickhouse.ca_file: cannot read .*none.pem"):
        async with open_store(configured(ca="none.pem")):
            pass


def test_trust_without_tls_is_refused():
    with pytest.raises(ConfigError, match=r"clickhouse.ca_file: has no effect without TLS; write https:// in url"):
        config_from({**FIELDS, "clickhouse": {"url": "http://h:8123", "ca_file": "ca.pem"}})
