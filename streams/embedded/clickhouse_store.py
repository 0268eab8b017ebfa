"""The embedded ClickHouse itself: chDB in this process, one handle per statement, rights checked by its engine.

A handle costs 0.8 ms, so every statement gets a fresh one and no SET, USE or ROLE outlives it. One more is kept open,
because the engine ends with its last handle. Only this module knows chDB.
"""

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import field
from pathlib import Path
from typing import Any

from chdb.state.sqlitelike import connect

from schemas.values import immutable
from streams.embedded.clickhouse_access import forbidden_name, reader_settings, write_configuration
from streams.embedded.clickhouse_statement import answer_format, as_insert, first_word

PIECE = 8 << 20  # bytes of an insert's data handed over at once
_PYTHON_FORMATS = frozenset({"arrowtable", "dataframe", "datastore"})  # objects in this process, not bytes
_ERROR = re.compile(r"Code: (\d+)\.\s*(?:DB::Exception: )?(.*?)(?:\s*\(version [^()]*\))?\s*\Z", re.DOTALL)


class StatementError(Exception):
    """ClickHouse, or we in its place, refused a statement; the message is in ClickHouse's form."""

    def __init__(self, code: int, message: str) -> None:
        """`code` is ClickHouse's number of the error; `message` ends with its name in brackets."""
        super().__init__(f"Code: {code}. DB::Exception: {message}")
        self.code = code


@immutable
class Statement:
    """One statement as a user sent it; the data of an insert follow the text."""

    sql: bytes
    ticket: str  # ours, unique: by it a running statement is found and stopped
    is_reader: bool = False
    is_readonly: bool = False  # an HTTP GET
    database: str = ""
    default_format: str = "TabSeparated"
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


@immutable
class Reply:
    """What a statement gave; `format` is None for an insert."""

    body: bytes
    format: str | None
    summary: Mapping[str, int]


class EmbeddedStore:
    """A chDB database in a folder. One per process, and one process per folder.

    Readers, the owner's reads and the owner's inserts have threads of their own: none of them waits for another kind.
    """

    def __init__(self, folder: Path, grants: Sequence[str], *, read_threads: int = 4) -> None:
        folder = folder.absolute()  # chDB keeps the path as it is given
        configuration = write_configuration(folder / "conf", grants)
        self._address = f"{folder / 'data'}?log-level=none&config-file={configuration}"
        self._anchor = connect(self._address)
        described = str(self._anchor.query("SELECT version(), timezone()", "TSV"))
        self.version, self.timezone = described.strip().split("\t")
        self._reads = ThreadPoolExecutor(read_threads, "clickhouse-read")
        self._writes = ThreadPoolExecutor(2, "clickhouse-write")
        self._readers = ThreadPoolExecutor(2, "clickhouse-reader")

    def threads_for(self, statement: Statement) -> Executor:
        """Where the statement is to run."""
        if statement.is_reader:
            return self._readers
        return self._writes if first_word(statement.sql) == b"INSERT" else self._reads

    def run(self, statement: Statement) -> Reply:
        """Run one statement; blocks.

        Raises:
            StatementError: it was refused or failed.
        """
        began = time.perf_counter_ns()
        try:
            with closing(connect(self._address)) as handle:
                reply = self._run(handle, statement)
        except StatementError:
            raise
        except PermissionError as refused:
            raise StatementError(164, str(refused)) from refused
        except (RuntimeError, ValueError) as failed:  # what chDB raises, its own ChdbError included
            text = str(failed)
            found = _ERROR.search(text)
            if found is None:
                raise StatementError(1001, f"{type(failed).__name__}: {text}. (STD_EXCEPTION)") from failed
            raise StatementError(int(found[1]), found[2]) from failed
        summary = {**reply.summary, "elapsed_ns": time.perf_counter_ns() - began}
        return Reply(reply.body, reply.format, summary)

    def kill(self, ticket: str) -> None:
        """Stop the statement with this ticket if it runs."""
        with closing(connect(self._address)) as handle:
            handle.query(
                "KILL QUERY WHERE Settings['log_comment'] = {ticket:String} ASYNC", "TSV", params={"ticket": ticket}
            )

    def close(self) -> None:
        """Wait for what runs and close the engine: everything acknowledged is on disk."""
        for threads in (self._reads, self._writes, self._readers):
            threads.shutdown()
        self._anchor.close()

    def _run(self, handle: Any, statement: Statement) -> Reply:
        if statement.database and statement.database != "default":
            handle.query("USE `" + statement.database.replace("\\", "\\\\").replace("`", "\\`") + "`")
        settings = reader_settings(statement.settings) if statement.is_reader else statement.settings
        # Acknowledged means stored, so inserts are synchronous unless asked. chDB makes query ids of its own: the
        # comment is what a running statement can be found by.
        settings = {"async_insert": "0", **settings, "log_comment": statement.ticket}
        handle.query("SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items()))
        if statement.is_reader:
            _refuse_unless_harmless(handle, statement)
            handle.query("SET ROLE analyst")
        if statement.is_reader or statement.is_readonly:
            # 2, as in ClickHouse for GET: settings may be changed; a reader has been asked about each already.
            handle.query(f"SET readonly = {1 if statement.is_reader else 2}")
        insert = None if statement.is_reader else as_insert(statement.sql)
        if insert is not None:
            with closing(handle.send_insert(insert.statement, insert.format)) as sink:
                for start in range(0, len(insert.data), PIECE):
                    sink.append(insert.data[start : start + PIECE])
                stored = sink.finish()
            return Reply(b"", None, {"written_rows": stored.rows_written, "written_bytes": stored.bytes_written})
        form = answer_format(statement.sql, statement.default_format)
        if form.casefold() in _PYTHON_FORMATS:
            raise StatementError(73, f"Unknown format {form}. (UNKNOWN_FORMAT)")
        got = handle.query(
            statement.sql.decode("utf-8", "surrogateescape"), form, params=dict(statement.parameters) or None
        )
        body = got.bytes() if got.size() else b""
        return Reply(
            body,
            form,
            {
                "read_rows": got.storage_rows_read(),
                "read_bytes": got.storage_bytes_read(),
                "written_rows": got.rows_written(),
                "written_bytes": got.bytes_written(),
                "result_rows": got.rows_read(),
                "result_bytes": len(body),
            },
        )


def quoted(text: str) -> str:
    """A string literal of ClickHouse."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _refuse_unless_harmless(handle: Any, statement: Statement) -> None:
    """Let a reader's statement pass if the engine's parser calls it one read-only statement of harmless functions."""
    text = statement.sql.decode("utf-8", "surrogateescape")
    # Private in Python, but part of the ABI that chdb exports for its own durable sessions.
    seen = handle._conn.classify_query(text, statement.database or "default")  # noqa: SLF001 - see above
    kind, count = seen["query_class"].name, seen["statement_count"]
    if count != 1 or kind != "READ_ONLY":
        raise StatementError(164, f"this user may run one read-only statement, not {count} ({kind}). (READONLY)")
    canonical = handle.query(f"SELECT formatQuerySingleLine({quoted(text)}) FORMAT TSVRaw", "TSVRaw")
    name = forbidden_name(str(canonical), statement.parameters)
    if name is not None:
        raise StatementError(497, f"this user may not use {name!r}. (ACCESS_DENIED)")
