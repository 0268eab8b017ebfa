import asyncio
import base64
import datetime as dt
import gzip
import ipaddress
import json
import os
import stat
import uuid
from decimal import Decimal

import aiohttp
import clickhouse_connect
import pytest
import pytest_asyncio
from clickhouse_connect.driver.exceptions import DatabaseError

from streams.embedded.clickhouse import embedded_clickhouse

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = dt.datetime(2026, 11, 23, 12, 0, 0, 456000, tzinfo=dt.UTC)
VALUES = {
    "UInt8": 200,
    "Int64": -5,
    "UInt128": 2**100,
    "Nullable(Float32)": None,
    "String": "tab\tquote'\\ ünïcode\n☃",
    "LowCardinality(Nullable(String))": None,
    "Date": dt.date(2026, 11, 23),
    "DateTime64(3, 'UTC')": NOON,
    "UUID": uuid.UUID(int=7),
    "Decimal(18, 9)": Decimal("1.000000001"),
    "Enum8('a' = 1, 'b' = 2)": "b",
    "Array(Float32)": [0.5, 1.5],
    "Map(LowCardinality(String), Float32)": {"a": 0.5},
    "Tuple(a UInt8, b String)": {"a": 1, "b": "z"},
    "IPv4": ipaddress.ip_address("1.2.3.4"),
    "Bool": True,
}
TEXTS = """
CREATE DATABASE shadowtap;
CREATE TABLE shadowtap.answers_rows (id UInt8, text String, ver UInt8) ENGINE = ReplacingMergeTree(ver) ORDER BY id;
CREATE VIEW shadowtap.answers AS SELECT id, text FROM shadowtap.answers_rows FINAL;
INSERT INTO shadowtap.answers_rows VALUES (1, 'secret one', 1);
INSERT INTO shadowtap.answers_rows VALUES (1, 'secret two', 2)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    async with embedded_clickhouse(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server):
    client = await _client(server)
    for statement in TEXTS.split(";"):
        await client.command(statement)
    yield client
    await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(server, client):
    reader = await clickhouse_connect.get_async_client(
        dsn=server.url, username=server.reader, password=server.reader_password, autogenerate_session_id=False
    )
    yield reader
    await reader.close()


async def _client(server, **settings):
    return await clickhouse_connect.get_async_client(
        dsn=server.url, username=server.user, password=server.password, autogenerate_session_id=False, **settings
    )


def _basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def test_every_type_comes_back_as_it_went(client):
    columns = ", ".join(f"c{index} {kind}" for index, kind in enumerate(VALUES))
    await client.command(f"CREATE TABLE types ({columns}) ENGINE = MergeTree ORDER BY c0")
    await client.insert("types", [list(VALUES.values())])
    row = (await client.query("SELECT * FROM types", query_tz="UTC", tz_mode="aware")).first_row
    assert dict(zip(VALUES, row, strict=True)) == VALUES


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
async def test_a_repeated_insert_with_the_same_token_is_stored_once(server, compression):
    client = await _client(server, compress=compression)
    await client.command(
        "CREATE OR REPLACE TABLE tokens (a UInt64, b String) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    for _ in range(2):
        summary = await client.insert(
            "tokens", [[n, f"v{n}"] for n in range(5000)], settings={"insert_deduplication_token": "T"}
        )
    assert summary.written_rows == 5000
    read = await client.query("SELECT count(), sum(a), max(b) FROM tokens")
    rows = (await client.query("SELECT a, b FROM tokens ORDER BY a")).result_rows
    await client.close()
    assert read.first_row == (5000, 12497500, "v999")
    assert rows[-1] == (4999, "v4999")


@pytest.mark.parametrize("in_a_form", [False, True])
async def test_parameters_are_bound_by_the_server(server, in_a_form):
    client = await _client(server, form_encode_query_params=in_a_form)
    given = {"s": "tab\tq'\\ ☃\nline", "i": 5, "a": ["x'y", "z"], "n": None, "u": uuid.UUID(int=9), "t": "one"}
    if in_a_form:
        given["s"] += "x" * 300_000  # longer than any URL
    row = await client.query(
        "SELECT {s:String}, {i:UInt8}, {a:Array(String)}, {n:Nullable(String)}, {u:UUID} FROM system.{t:Identifier}",
        parameters=given,
    )
    await client.close()
    assert row.first_row == (given["s"], 5, ["x'y", "z"], None, uuid.UUID(int=9))


async def test_errors_carry_their_code_and_name(client):
    with pytest.raises(DatabaseError) as unknown:
        await client.query("SELECT * FROM nowhere")
    assert (unknown.value.code, unknown.value.name) == (60, "UNKNOWN_TABLE")
    await client.command("CREATE TABLE numbers_only (a UInt64) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(DatabaseError) as unreadable:
        await client.raw_insert("numbers_only", ["a"], "1\nnot a number\n", fmt="CSV")
    assert unreadable.value.code == 117
    assert await client.command("SELECT count() FROM numbers_only") == 0
    with pytest.raises(DatabaseError) as unreadable:
        await client.command("SELECT 1", settings={"max_threads": "many"})
    assert unreadable.value.code == 27


async def test_settings_and_database_hold_for_one_request_only(server, client):
    assert await client.command("SELECT getSetting('max_threads')", settings={"max_threads": 3}) == 3
    assert await client.command("SELECT getSetting('max_threads')") != 3
    other = await _client(server, database="shadowtap")
    assert await other.command("SELECT currentDatabase()") == "shadowtap"
    await other.close()
    assert await client.command("SELECT currentDatabase()") == "default"


async def test_the_blocking_client_works_too(server):
    def ask():
        with clickhouse_connect.get_client(dsn=server.url, username=server.user, password=server.password) as client:
            return client.query("SELECT sum(number) FROM numbers(1000)")

    answered = await asyncio.to_thread(ask)
    assert answered.first_row == (499500,)
    assert int(answered.summary["read_rows"]) == 1000


async def test_plain_http_works_as_with_curl(server, client):
    await client.command("CREATE TABLE curled (a UInt8) ENGINE = MergeTree ORDER BY a")
    basic = _basic(server.user, server.password)
    named = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password}
    async with aiohttp.ClientSession() as session:

        async def ask(method, url, **given):
            async with session.request(method, server.url + url, **given) as response:
                return response, await response.text()

        assert (await ask("GET", "/ping"))[1] == "Ok.\n"
        assert (await ask("POST", "/", data="SELECT 1 + 1", headers=basic))[1] == "2\n"
        assert (await ask("GET", "/?query=SELECT+{a:String}&param_a=b", headers=named))[1] == "b\n"
        await ask("POST", "/?query=INSERT+INTO+curled+FORMAT+CSV", data="1\n2\n", headers=basic)
        packed = gzip.compress(b'INSERT INTO curled FORMAT JSONEachRow {"a": 3}')
        response, _ = await ask("POST", "/", data=packed, headers=named | {"Content-Encoding": "gzip"})
        assert json.loads(response.headers["X-ClickHouse-Summary"])["written_rows"] == "1"
        response, text = await ask(
            "POST", "/?default_format=JSONEachRow", data="SELECT sum(a) s FROM curled", headers=basic
        )
        assert response.content_type == "application/x-ndjson"
        assert int(json.loads(text)["s"]) == 6
        response, text = await ask("GET", "/?query=INSERT+INTO+curled+VALUES+(4)", headers=basic)
        assert response.headers["X-ClickHouse-Exception-Code"] == "164", text
        for wrong in ({}, _basic(server.user, "x"), _basic("somebody", "")):
            response, _ = await ask("POST", "/", data="SELECT 1", headers=wrong)
            assert (response.status, response.headers["X-ClickHouse-Exception-Code"]) == (401, "516")
        broken = {"Authorization": "Basic " + base64.b64encode(b"\xff").decode()}
        assert (await ask("POST", "/", data="SELECT 1", headers=broken))[0].status == 401
        assert (await ask("POST", "/", data=b"no", headers=named | {"Content-Encoding": "zstd"}))[0].status == 500


async def test_a_query_ends_when_its_client_goes_away(client):
    running = "SELECT count() FROM system.processes WHERE query LIKE '%4242%' AND query NOT LIKE '%processes%'"
    long = asyncio.create_task(client.query("SELECT count() FROM numbers(1e12) WHERE sipHash64(number) = 4242"))
    await _until(client, running, 1)
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)
    await _until(client, running, 0)


async def _until(client, query, wanted):
    async with asyncio.timeout(10):
        while await client.command(query) != wanted:
            await asyncio.sleep(0.05)


async def test_the_reader_sees_all_but_texts(reader):
    assert (await reader.query("SELECT id FROM shadowtap.answers")).result_rows == [(1,)]
    assert (await reader.query("SELECT count() FROM shadowtap.answers WHERE id = 1 AND 'file' != 'x'")).first_row == (
        1,
    )
    assert (await reader.query("SHOW TABLES FROM shadowtap")).row_count == 2
    assert await reader.command("SELECT count() FROM system.processes") == 0
    for text in (
        "SELECT text FROM shadowtap.answers",
        "SELECT text FROM shadowtap.answers_rows",
        "SELECT count() FROM shadowtap.answers WHERE text LIKE 'secret%'",
        "SELECT text FROM merge('shadowtap', 'answers_rows')",
    ):
        with pytest.raises(DatabaseError) as refused:
            await reader.query(text)
        assert refused.value.code == 497


async def test_a_reader_who_has_used_up_the_quota_is_told_so_and_the_owner_goes_on(tmp_path):
    async with embedded_clickhouse(tmp_path, quota={"queries": 2}) as server, aiohttp.ClientSession() as session:

        async def ask(user, password):
            response = await session.post(server.url, data="SELECT 1", headers=_basic(user, password))
            return response.headers.get("X-ClickHouse-Exception-Code"), await response.text()

        answers = [await ask(server.reader, server.reader_password) for _ in range(3)]
        assert [code for code, _ in answers] == [None, None, "201"]
        assert "QUOTA_EXCEEDED" in answers[-1][1]
        assert await ask(server.user, server.password) == (None, "1\n")


@pytest.mark.parametrize(
    "attempt",
    [
        "INSERT INTO shadowtap.answers_rows VALUES (2, 'x', 1)",
        "DROP TABLE shadowtap.answers_rows",
        "CREATE TABLE mine (a UInt8) ENGINE = Memory",
        "SELECT 1; DROP TABLE shadowtap.answers_rows",
        "SELECT 1 INTO OUTFILE '{folder}/out.txt'",
        "INSERT INTO FUNCTION file('{folder}/out.txt', 'CSV') SELECT 1",
        "SELECT file('{folder}/secret.txt')",
        "SELECT `fi\\x6ce`('{folder}/secret.txt')",
        "SELECT arrayMap(file, ['{folder}/secret.txt'])",
        "SELECT * APPLY(file) FROM (SELECT '{folder}/secret.txt')",
        "WITH file('{folder}/secret.txt') AS x SELECT x",
        "DESCRIBE (SELECT throwIf(1, file('{folder}/secret.txt')))",
        "SHOW TABLES WHERE file('{folder}/secret.txt') = 'x'",
        "SELECT decrypt('aes-128-ecb', file('{folder}/secret.txt'), '0123456789abcdef')",
        "SELECT * FROM file('{folder}/secret.txt', 'LineAsString')",
        "SELECT * FROM `{folder}/secret.txt`",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM s3('http://127.0.0.1:1/x.csv', 'CSV', 'a String')",
        "SELECT * FROM executable('id', 'CSV', 'a String')",
        "SELECT * FROM python(users)",
        "SELECT * FROM eval('SELECT 1')",
        "SET ROLE admin",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 FORMAT Template SETTINGS format_template_row = '{folder}/secret.txt'",
        "KILL QUERY WHERE 1",
        "SYSTEM SHUTDOWN",
        "BACKUP TABLE shadowtap.answers_rows TO File('x')",
        "SELECT * FROM system.users",
        "SELECT * FROM view(SELECT file('{folder}/secret.txt'))",
        "SELECT * FROM sqlite('{folder}/secret.txt', 'x')",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
        "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
        "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
        "SELECT * FROM mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 'a String')",
        "SELECT * FROM azureBlobStorage('http://127.0.0.1:1/a', 'c', 'b', 'u', 'p', 'CSV', 'a String')",
        "INSERT INTO FUNCTION url('http://127.0.0.1:1/', 'CSV', 'a String') SELECT 'x'",
        "SELECT catboostEvaluate('{folder}/secret.txt', 1)",
        "CREATE FUNCTION mine AS x -> x",
        "CREATE USER somebody",
        "GRANT ALL ON *.* TO reader",
        "ATTACH TABLE mine FROM '{folder}' (a UInt8) ENGINE = MergeTree ORDER BY a",
        "ALTER TABLE shadowtap.answers_rows DELETE WHERE 1",
        "TRUNCATE TABLE shadowtap.answers_rows",
        "OPTIMIZE TABLE shadowtap.answers_rows FINAL",
        "SET max_execution_time = 0",
    ],
)
async def test_the_reader_can_neither_write_nor_leave_nor_become_more(reader, client, tmp_path, attempt):
    (tmp_path / "secret.txt").write_text("TOP SECRET")
    with pytest.raises(DatabaseError) as refused:
        await reader.query(attempt.replace("{folder}", str(tmp_path)))
    assert refused.value.code in {164, 497}
    assert "TOP SECRET" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["secret.txt"]
    assert await client.command("SELECT count() FROM shadowtap.answers") == 1


async def test_the_reader_cannot_get_round_it_by_settings_or_parameters(server, client, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET ${id:CSV}")
    ways = [
        {"query": "SELECT 1 AS id FORMAT Template", "format_template_row": str(secret)},
        {"query": "SELECT arrayMap({f:Identifier}, ['" + str(secret) + "'])", "param_f": "file"},
        {"query": "SELECT arrayMap({ f : Identifier }, ['" + str(secret) + "'])", "param_f": r"fi\x6ce"},
        {"query": "SELECT * FROM eval('SELECT 1')", "allow_experimental_eval_table_function": "1"},
    ]
    async with aiohttp.ClientSession(headers=_basic(server.reader, server.reader_password)) as session:
        for way in ways:
            async with session.post(server.url, params={**way, "role": "admin"}) as response:
                assert response.status == 403, await response.text()
                assert "TOP SECRET" not in await response.text()


async def test_passwords_are_for_the_owner_of_the_folder_only(tmp_path):
    async with embedded_clickhouse(tmp_path / "store") as server:
        written = tmp_path / "store" / "server.json"
        assert json.loads(written.read_text()) == server.as_json()
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        assert len({server.password, server.reader_password, ""}) == 3
        os.kill(server.pid, 0)  # somebody lives there
    assert not written.exists()
