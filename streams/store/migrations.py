"""Bring a database to the schema of this program: numbered files once, statement by statement; views on change.

`NNNN_verb_object.sql` is applied once. Each statement leaves a row with its checksum in `schema_migrations`, so that a
run that broke off goes on where it stopped; a crash between a statement and its row repeats the statement, hence each
must be idempotent (`IF NOT EXISTS`). The checksum is of the text before templates are filled: another database name,
cluster or retention is no change. `R_*.sql` (views, retention) is applied again whenever its filled text changes.

Templates: `{db}`; `{cluster}` (`ON CLUSTER name` or nothing); `{engine:column}` (ReplacingMergeTree with its version
column) and `{engine:aggregating}`, or their Replicated twins; `{text_days}` and `{keep_days}`; `{folded:table}` (all
columns of the table but the version, with types and comments, then `SQL SECURITY INVOKER AS SELECT ... FINAL`), so that
a view follows its table and never shows more than its reader may see. `layout.py` fills them.
"""

import hashlib
import re
from importlib import resources
from importlib.resources.abc import Traversable

from schemas.errors import UsageError
from schemas.values import immutable
from streams.store.connection import Connection
from streams.store.layout import Layout, laid_out

_LEDGER = """CREATE TABLE IF NOT EXISTS {db}.schema_migrations {cluster}
(
    file       String          COMMENT 'migration file',
    version    UInt32          COMMENT 'number of the file; 0: repeatable',
    step       UInt32          COMMENT 'number of the statement in its file, from 1; 0: all of a repeatable file',
    checksum   String          COMMENT 'BLAKE2b of the statement',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when it was applied, UTC; row version, the highest wins'
) ENGINE = {engine:applied_at} ORDER BY (file, step)
COMMENT 'One row is an applied statement of a migration. Read with FINAL.'"""


@immutable
class Statement:
    """One statement of a migration file, templates not yet filled."""

    file: str
    version: int  # 0 for repeatable files
    step: int  # from 1
    template: str

    @property
    def checksum(self) -> str:
        """Of the text without comments."""
        return _checksum(self.template)


class SchemaError(UsageError):
    """The database was made by a newer program, or an applied migration was changed, or it is not migrated yet."""


async def migrate(connection: Connection, layout: Layout, folder: Traversable | None = None) -> list[str]:
    """Apply what is missing; what was applied, as `file step/steps`.

    Raises:
        SchemaError: the database is newer than this program, or an applied statement was changed.
        UnreachableError: ClickHouse does not answer or refuses a statement; run again to go on where it stopped.
    """
    folder = folder or resources.files("schemas") / "migrations"
    database = connection.database
    await _run(connection, "CREATE DATABASE IF NOT EXISTS {db} {cluster}", layout)
    await connection.use_database()
    await _run(connection, _LEDGER, layout)
    applied = await _applied(connection)
    statements = read_statements(folder)
    _refuse_newer(statements, applied, database)
    done = []
    for statement in statements:
        key = (statement.file, statement.step)
        if key in applied:
            if applied[key][1] != statement.checksum:
                raise SchemaError(
                    f"{statement.file}: step {statement.step} was changed after it was applied to {database!r}; "
                    "restore the file and put the change into a new migration"
                )
            continue
        await _run(connection, statement.template, layout)
        await _record(connection, statement.file, statement.version, statement.step, statement.checksum)
        done.append(f"{statement.file} {statement.step}")
    for file in _files(folder, r"R_\w+\.sql"):
        ready = [
            await _mirrored(connection, sql)
            for text in split(file.read_text("utf-8"))
            for sql in laid_out(text, database, layout)
        ]
        checksum = _checksum(";".join(ready))
        if applied.get((file.name, 0), (0, ""))[1] == checksum:
            continue
        for sql in ready:
            await connection.command(sql)
        await _record(connection, file.name, 0, 0, checksum)
        done.append(file.name)
    return done


async def require_schema(connection: Connection) -> None:
    """Check that the database has exactly the numbered migrations of this program.

    Raises:
        SchemaError: not migrated, only partly, or by a newer program.
        UnreachableError: ClickHouse does not answer.
    """
    known = await connection.rows(
        "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'",
        {"database": connection.database},
    )
    applied = await _applied(connection) if known[0][0] else {}
    statements = read_statements(resources.files("schemas") / "migrations")
    _refuse_newer(statements, applied, connection.database)
    missing = [s for s in statements if (s.file, s.step) not in applied]
    if missing:
        raise SchemaError(
            f"ClickHouse database {connection.database!r} lacks {missing[0].file} step {missing[0].step}: "
            "run `shadowtap migrate`"
        )


def read_statements(folder: Traversable) -> list[Statement]:
    """All statements of the numbered files, in order.

    Raises:
        ValueError: two files have one number.
    """
    found = [
        Statement(file.name, int(file.name[:4]), step, text)
        for file in _files(folder, r"\d{4}_\w+\.sql")
        for step, text in enumerate(split(file.read_text("utf-8")), start=1)
    ]
    names = {statement.version: statement.file for statement in reversed(found)}
    for statement in found:
        if names[statement.version] != statement.file:
            raise ValueError(f"{names[statement.version]} and {statement.file} have the same number")
    return found


def _files(folder: Traversable, pattern: str) -> list[Traversable]:
    return sorted((f for f in folder.iterdir() if re.fullmatch(pattern, f.name)), key=lambda f: f.name)


def split(text: str) -> list[str]:
    """Statements without comment lines; a statement ends with a semicolon at the end of a line."""
    uncommented = re.sub(r"(?m)^\s*--.*\n?", "", text)
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|\Z)", uncommented) if part.strip()]


def _checksum(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


async def _run(connection: Connection, template: str, layout: Layout) -> None:
    for sql in laid_out(template, connection.database, layout):
        await connection.command(sql)


async def _mirrored(connection: Connection, sql: str) -> str:
    """Fill `{folded:table}` from the table as it is now."""
    match = re.search(r"\{folded:(\w+)\}", sql)
    if match is None:
        return sql
    columns = await connection.rows(
        "SELECT name, type, comment FROM system.columns WHERE database = {database:String} AND table = {table:String} "
        "AND name != 'ver' ORDER BY position",
        {"database": connection.database, "table": match[1]},
    )
    listed = ",\n".join(f"`{name}` {kind} COMMENT {_quoted(comment)}" for name, kind, comment in columns)
    names = ", ".join(f"`{name}`" for name, _, _ in columns)
    body = f"(\n{listed}\n) SQL SECURITY INVOKER AS SELECT {names} FROM {connection.database}.{match[1]} FINAL"  # noqa: S608 - our own names
    return sql.replace(match[0], body)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def _applied(connection: Connection) -> dict[tuple[str, int], tuple[int, str]]:
    rows = await connection.rows(
        f"SELECT file, step, version, checksum FROM {connection.database}.schema_migrations FINAL"  # noqa: S608 - our own setting
    )
    return {(file, step): (version, checksum) for file, step, version, checksum in rows}


def _refuse_newer(statements: list[Statement], applied: dict[tuple[str, int], tuple[int, str]], database: str) -> None:
    newest = max((statement.version for statement in statements), default=0)
    found = max((version for version, _ in applied.values()), default=0)
    if found > newest:
        raise SchemaError(
            f"ClickHouse database {database!r} has schema {found}, this program knows {newest}: upgrade shadowtap"
        )


async def _record(connection: Connection, file: str, version: int, step: int, checksum: str) -> None:
    await connection.insert(
        "schema_migrations", {"file": [file], "version": [version], "step": [step], "checksum": [checksum]}
    )
