"""Migrations against a real ClickHouse, and what they promise of every table and column."""

import shutil
from importlib import resources
from pathlib import Path

import pytest

from schemas.alerts import Alert, AlertState
from schemas.errors import UnreachableError, UsageError
from streams.store import Store
from streams.store.layout import Layout
from streams.store.migrations import SchemaError, migrate, split

SHIPPED = Path(str(resources.files("schemas"))) / "migrations"


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped migrations, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "migrations"))


async def test_a_second_run_applies_nothing(store):
    assert await store.migrate() == []
    await store.require_schema()


async def test_a_run_that_broke_off_goes_on_where_it_stopped(empty_store, folder):
    (folder / "0099_create_more.sql").write_text(
        "CREATE TABLE IF NOT EXISTS {db}.one (a UInt8) ENGINE = MergeTree ORDER BY a;\n"
        "CREATE TABLE IF NOT EXISTS {db}.two (a NoSuchType) ENGINE = MergeTree ORDER BY a;\n"
    )
    with pytest.raises(UnreachableError, match="NoSuchType"):
        await migrate(empty_store.connection, Layout(), folder)
    text = (folder / "0099_create_more.sql").read_text().replace("NoSuchType", "UInt8")
    (folder / "0099_create_more.sql").write_text(text)
    applied = await migrate(empty_store.connection, Layout(), folder)
    assert applied == ["0099_create_more.sql 2", "R_retention.sql", "R_views.sql"]
    assert await empty_store.query("SELECT count() FROM two") == [(0,)]


async def test_a_database_newer_than_the_program_is_refused(store, folder):
    (folder / "0099_create_more.sql").write_text(
        "CREATE TABLE IF NOT EXISTS {db}.one (a UInt8) ENGINE = MergeTree ORDER BY a;"
    )
    await migrate(store.connection, Layout(), folder)
    for refused in (store.migrate(), store.require_schema()):
        with pytest.raises(SchemaError, match=r"has schema 99, this program knows \d+: upgrade shadowtap"):
            await refused


async def test_a_step_that_was_changed_after_it_was_applied_is_refused(store, folder):
    file = folder / "0002_create_scores.sql"
    file.write_text(file.read_text().replace("from 1; only scores", "from 1. Only scores"))
    with pytest.raises(SchemaError, match=r"0002_create_scores\.sql: step 3 was changed"):
        await migrate(store.connection, Layout(), folder)


async def test_a_worker_refuses_a_database_that_is_not_migrated(empty_store):
    with pytest.raises(SchemaError, match="run `shadowtap migrate`"):
        await empty_store.require_schema()


async def test_a_view_follows_a_new_column_of_its_table(store, folder):
    (folder / "0099_add_colour.sql").write_text(
        "ALTER TABLE {db}.families_rows {cluster} ADD COLUMN IF NOT EXISTS colour String COMMENT 'its colour';"
    )
    assert await migrate(store.connection, Layout(), folder) == ["0099_add_colour.sql 1", "R_views.sql"]
    found = await store.query(
        "SELECT comment FROM system.columns "
        "WHERE database = currentDatabase() AND table = 'families' AND name = 'colour'"
    )
    assert found == [("its colour",)]


async def test_another_retention_is_applied_and_changes_no_checksum(store):
    assert await migrate(store.connection, Layout(text_days=7)) == ["R_retention.sql"]
    definition = (await store.query("SHOW CREATE TABLE answers_rows"))[0][0]
    assert "toIntervalDay(7)" in definition
    assert "toIntervalDay(400)" in definition


async def test_texts_go_before_numbers(store):
    for days, request in ((1, "new"), (40, "old"), (500, "gone")):
        await store.connection.command(
            "INSERT INTO exchanges_rows (upgrade, hour, trial_id, request_chars, request, ingested_at) "
            "SELECT 'u', now(), generateUUIDv4(), {days:UInt32}, {request:String}, now() - INTERVAL {days:UInt32} DAY",
            {"days": days, "request": request},
        )
    await store.connection.command("OPTIMIZE TABLE exchanges_rows FINAL")
    found = await store.query("SELECT request_chars, request FROM exchanges ORDER BY request_chars")
    assert found == [(1, "new"), (40, "")]


async def test_every_table_view_and_column_says_what_it_holds(store):
    assert await store.query("SELECT table, column FROM dictionary WHERE meaning = ''") == []
    names = {table for (table,) in await store.query("SELECT DISTINCT table FROM dictionary")}
    analysts = {
        "exchanges", "answers", "comparisons", "scores", "evidence", "verdicts", "families", "epochs", "coverage",
        "alerts",
    }  # fmt: skip
    assert analysts <= names
    said = await store.query("SELECT DISTINCT meaning FROM dictionary WHERE column = 'dimension'")
    assert all(meaning.startswith("metric name") for (meaning,) in said)
    raw = await store.query("SELECT table, meaning FROM dictionary WHERE column = '' AND table LIKE '%_rows'")
    assert raw
    assert all("FINAL" in meaning for _, meaning in raw)


async def test_sql_of_a_person_is_refused_in_one_line_and_an_outage_is_not_their_fault(store, unused_tcp_port):
    assert await store.ask("SELECT 1 AS one") == (("one",), [(1,)])
    with pytest.raises(UsageError, match="no_such_table"):
        await store.ask("SELECT * FROM no_such_table")
    with pytest.raises(UnreachableError, match=r"does not answer|Connect"):
        async with Store.open(f"http://127.0.0.1:{unused_tcp_port}"):
            pass


async def test_rows_of_a_database_without_tables_are_not_lost_but_wait(empty_store):
    with pytest.raises(UnreachableError, match="run `shadowtap migrate`"):
        await empty_store.put_alert(Alert("u", "id", "next", AlertState.PENDING, "", "{}", 0))


async def test_the_shipped_grants_are_sql_that_clickhouse_understands(store):
    statements = split((resources.files("schemas") / "grants.sql").read_text("utf-8"))
    assert len(statements) >= 10
    for statement in statements:
        assert await store.query(f"EXPLAIN AST {statement}")


async def test_no_view_shows_more_than_its_reader_may_see(store):
    views = await store.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    )
    assert len(views) >= 13
    for name, definition in views:
        assert "SQL SECURITY INVOKER" in definition, name
