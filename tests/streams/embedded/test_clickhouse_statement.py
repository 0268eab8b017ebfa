import re
from importlib import resources

import pytest

from streams.embedded.clickhouse_access import READER_QUOTA, Quota, forbidden_name, reader_settings
from streams.embedded.clickhouse_statement import answer_format, as_insert, first_word, is_reading


@pytest.mark.parametrize(
    ("sql", "statement", "form", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x00FORMAT CSV\n", "INSERT INTO t ", "Native", b"\x00FORMAT CSV\n"),
        (b'-- why\n insert into `d b`.`values` (`a)`, "select", b) FORMAT Native\r\nx', None, "Native", b"x"),
        (b"INSERT INTO t SETTINGS async_insert=1 FORMAT CSV 1,2", None, "CSV", b"1,2"),
        (b'INSERT INTO t FORMAT JSONEachRow {"a": 1}', None, "JSONEachRow", b'{"a": 1}'),
        (b"INSERT INTO t FORMAT Native", None, "Native", b""),
    ],
)
def test_an_insert_is_parted_from_its_data(sql, statement, form, data):
    insert = as_insert(sql)
    assert (insert.format, bytes(insert.data)) == (form, data)
    assert statement in {None, insert.statement}


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t VALUES (1, 'INSERT INTO t FORMAT CSV x')",
        b"INSERT INTO t SELECT ' FORMAT CSV '",
        b"INSERT INTO FUNCTION file('x', 'CSV') FORMAT CSV 1",
        b"SELECT 1 FORMAT CSV",
    ],
)
def test_what_holds_its_own_data_is_not_parted(sql):
    assert as_insert(sql) is None


def test_the_first_word_stands_behind_comments_and_brackets():
    assert first_word(b" /* INSERT */ -- x\n ((select 1)") == b"SELECT"
    assert first_word(b"-- nothing") == b""
    assert is_reading(b"EXPLAIN SELECT 1")
    assert not is_reading(b"ALTER TABLE t ADD COLUMN a UInt8")


def test_the_format_of_an_answer_is_the_one_asked_for():
    assert answer_format(b"SELECT 1 format Native;", "TSV") == "Native"
    assert answer_format(b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "TSV") == "JSON"
    assert answer_format(b"SELECT 'FORMAT CSV'", "TSV") == "TSV"


def test_a_forbidden_name_is_found_wherever_it_may_act_and_nowhere_else():
    assert forbidden_name("SELECT x APPLY file FROM t", {}) == "file"
    assert forbidden_name("SELECT `FILE`('x')", {}) == "FILE"
    assert forbidden_name(r"SELECT 'it\'s a file', file_name FROM t", {}) is None
    assert forbidden_name("SELECT a FROM {t:Identifier}", {"t": "shadowtap.scores", "u": "file"}) is None
    for value in ("file", r"fi\x6ce", "system.File"):
        assert forbidden_name("SELECT arrayMap({f:Identifier}, a)", {"f": value}) == value


def test_a_reader_may_lower_a_cap_but_not_raise_it():
    assert reader_settings({"max_execution_time": "5"})["max_execution_time"] == "5"
    assert reader_settings({"max_execution_time": "0"})["max_execution_time"] == "30"
    with pytest.raises(PermissionError, match="format_template_row"):
        reader_settings({"format_template_row": "/etc/passwd"})


def test_a_quota_holds_for_an_hour_of_the_clock_and_says_when_it_ends():
    now = 7200.0
    quota = Quota({"queries": 3, "read_rows": 100, "execution_time": 60}, lambda: now)

    def ask(rows=0, seconds=0.0):
        nonlocal now
        with quota.query() as read:
            now += seconds
            read(rows)

    ask()
    ask(rows=100)
    with pytest.raises(PermissionError, match=r"read_rows = 100/100 in this hour, which ends in 60 minutes"):
        ask()
    now += 3600
    ask(seconds=61)
    with pytest.raises(PermissionError, match="execution_time = 61/60"):
        ask()
    now += 3600
    for _ in range(3):
        ask()
    with pytest.raises(PermissionError, match="queries = 3/3"):
        ask()


def test_the_embedded_reader_has_the_quota_that_the_grants_give_analysts():
    sql = (resources.files("schemas") / "grants.sql").read_text("utf-8")
    given = re.search(r"FOR INTERVAL 1 hour MAX (.*)", sql)[1]
    assert dict(part.split(" = ") for part in given.split(", ")) == {k: str(v) for k, v in READER_QUOTA.items()}
