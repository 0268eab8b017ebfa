"""Tables on a cluster: what one setting makes of the migrations, and that the same code and queries work on them.

An embedded server has no Keeper, so nothing is replicated here; distributed tables are real, over its one shard.
"""

import re
from importlib import resources
from pathlib import Path

import pytest
import pytest_asyncio

from comparators.drift.evidence import EvidenceKey
from schemas.comparisons import Kind
from schemas.epochs import EpochRow
from schemas.settings import ClickHouse
from schemas.touched import Touched
from schemas.verdicts import Epoch
from streams.embedded.clickhouse import embedded_clickhouse
from streams.store import Store
from streams.store.layout import Layout, laid_out
from streams.store.migrations import migrate, read_statements, split

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHIPPED = Path(str(resources.files("schemas")))
BLUE = Layout.of(ClickHouse(cluster="blue"))
HOUR = 1_790_000_000 // 3600 * 3600
PARAMETERS = {
    "upgrade": "u", "candidate": "next", "feature": "chat", "dimension": "refusal", "threshold": 0.5, "top": 5,
    "since": "2020-01-01 00:00:00", "wanted": 10, "request_id": "r1",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory):
    """An embedded store laid out as on a cluster."""
    tmp_path = tmp_path_factory.mktemp("cluster")
    (tmp_path / "conf" / "config.d").mkdir(parents=True)
    (tmp_path / "conf" / "config.d" / "cluster.xml").write_text(
        "<clickhouse><tcp_port>9000</tcp_port><remote_servers><blue><shard><replica><host>127.0.0.1</host>"
        "<port>9000</port></replica></shard></blue></remote_servers></clickhouse>"
    )
    async with (
        embedded_clickhouse(tmp_path) as server,
        Store.open(server.url, user=server.user, password=server.password, layout=BLUE) as store,
    ):
        await migrate(OneServer(store.connection), BLUE)
        yield store


class OneServer:
    """A connection that leaves out what needs a Keeper."""

    def __init__(self, connection):
        self._connection = connection

    def __getattr__(self, name):
        return getattr(self._connection, name)

    async def command(self, sql, parameters=None):
        sql = sql.replace("ON CLUSTER blue", "")
        sql = re.sub(r"Replicated(\w+MergeTree)\('[^']*', '[^']*'(?:, )?", r"\1(", sql)
        await self._connection.command(sql, parameters)


async def test_one_setting_makes_every_table_replicated_and_distributed(store):
    made = [
        sql
        for statement in read_statements(SHIPPED / "migrations")
        for sql in laid_out(statement.template, "shadow", BLUE)
    ]
    made += [
        sql
        for text in split((SHIPPED / "migrations" / "R_retention.sql").read_text("utf-8"))
        for sql in laid_out(text, "shadow", BLUE)
    ]
    stored, spread = set(), set()
    for sql in made:
        assert " ON CLUSTER blue" in sql
        assert await store.query(f"EXPLAIN AST {sql}")
        if sql.startswith("CREATE TABLE"):
            table = re.search(r"shadow\.(\w+)", sql)[1]
            (stored if re.search(r"ENGINE = Replicated\w+MergeTree\('/clickhouse/tables/", sql) else spread).add(table)
            assert table in stored or "ENGINE = Distributed(blue, shadow," in sql
        else:
            assert "_rows_local" in sql
    assert stored == {f"{table}_local" for table in spread}
    assert {"scores_rows", "evidence_rows", "answers_rows"} <= spread


async def test_views_are_made_on_the_cluster_and_a_new_column_comes_to_both_tables(store):
    for text in split((SHIPPED / "migrations" / "R_views.sql").read_text("utf-8")):
        (view,) = laid_out(re.sub(r"\{folded:\w+\}", "AS SELECT 1 FROM t FINAL", text), "shadow", BLUE)
        assert " ON CLUSTER blue" in view
        assert await store.query(f"EXPLAIN AST {view}")
    added = laid_out("ALTER TABLE {db}.families_rows {cluster} ADD COLUMN colour String COMMENT 'its'", "d", BLUE)
    assert [sql.split()[2] for sql in added] == ["d.families_rows_local", "d.families_rows"]
    for sql in added:
        assert await store.query(f"EXPLAIN AST {sql}")


async def test_what_is_written_to_distributed_tables_is_read_from_them(store):
    engines = dict(await store.query("SELECT name, engine FROM system.tables WHERE database = currentDatabase()"))
    assert {engine for name, engine in engines.items() if name.endswith("_rows")} == {"Distributed"}
    assert engines["scores_rows_local"] == "ReplacingMergeTree"
    assert await store.query("SELECT table, column FROM dictionary WHERE meaning = ''") == []
    epoch = Epoch("next", "", "refusal", 1, 1, "", "first", HOUR * 1000)
    await store.add_epochs("u", [EpochRow(epoch, Kind.PROPERTY, 0.01, 1.0)])
    for ver in (1, 2):  # delivered twice
        await store.connection.command(
            "INSERT INTO scores_rows (upgrade, feature, candidate, epoch, hour, ts, comparison_id, dimension, kind, "
            "baseline_score, candidate_score, d, status, ver) SELECT 'u', 'chat', 'next', 1, {hour:UInt32}, "
            "{hour:UInt32}, reinterpretAsUUID(number), 'refusal', 'property', 0, number % 2, number % 2, 'scored', "
            "{ver:UInt64} FROM numbers(10)",
            {"hour": HOUR, "ver": ver},
        )
    await store.refresh_evidence({Touched("u", "next", "chat", HOUR)})
    evidence = (await store.read_evidence("u"))[EvidenceKey("next", "chat", "refusal", 1)]
    assert (evidence.n, evidence.d_sum) == (10, 5)
    stored = await store.query("SELECT count() FROM scores_rows_local FINAL")
    assert stored == await store.query("SELECT count() FROM scores") == [(10,)]


async def test_every_shipped_query_runs_on_distributed_tables(store):
    for query in (SHIPPED / "queries").glob("*.sql"):
        await store.connection.rows(query.read_text("utf-8"), PARAMETERS)


async def test_an_embedded_store_is_no_cluster():
    with pytest.raises(ValueError, match="leave cluster out"):
        ClickHouse(url="embedded:here", cluster="blue")
