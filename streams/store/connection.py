"""The ClickHouse client behind four calls, with its errors sorted by who has to act.

* A row that cannot be stored, today or tomorrow: `RowRefusedError`; the caller finds it and reports it.
* Everything else (no connection, out of memory, read-only, no such table): `UnreachableError`; the rows are fine and
  the caller tries again, so that an outage or a missing migration never costs a row.
* SQL that a person typed: `UsageError`.
"""

import asyncio
import re
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError

from schemas.errors import RefusedError, UnreachableError, UsageError
from schemas.json_text import valid_text
from streams import metrics
from streams.tls import authorities

ROW_FAULTS = frozenset({6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 128, 131, 321, 349, 469, 691})
"""Server errors that name a value that cannot be read, converted or stored (ClickHouse, ErrorCodes.cpp)."""

_WRONG_PASSWORD = 516  # AUTHENTICATION_FAILED, also for a user that is not there
_LONGEST = 500  # characters of what ClickHouse says
_SAID = re.compile(
    r".*DB::Exception: (?P<what>.*?)( FORMAT Native\.?)?( Expected one of: .*?)?(?P<name> \([A-Z_]+\)) \(version .*"
)
"""What ClickHouse says between its code, the words that could have followed, its version and address."""

_SERIALISING = (DataError, ValueError, TypeError, OverflowError, AttributeError, struct.error)
_CONNECTING = (aiohttp.ClientError, OSError, asyncio.TimeoutError)

Columns = Mapping[str, Sequence[Any]]
"""Column name to its values, all of one length. DateTime in seconds, DateTime64(3) in milliseconds, as integers."""


class RowRefusedError(Exception):
    """ClickHouse, or the client's serialiser, will never take these rows; the message holds no value of theirs."""


class Connection:
    """One database on one server. Bound to the event loop that opened it; calls may run concurrently."""

    def __init__(self, client: AsyncClient, url: str, database: str) -> None:
        self._client = client
        self._url = url
        self.database = database
        self._types: dict[str, dict[str, str]] = {}
        self.trouble: str | None = None  # why the last call did not get through, for whoever asks

    @classmethod
    async def open(
        cls,
        url: str,
        user: str,
        password: str,
        database: str,
        *,
        settings: Mapping[str, str | int] | None = None,
        ca_file: str | None = None,
    ) -> "Connection":
        """Connect; the database need not exist yet. `settings` are ClickHouse's, for every statement.

        Raises:
            ConfigError: `ca_file` cannot be read.
            UnreachableError: nobody answers at the URL, or user and password are refused.
        """
        if ca_file is not None:
            authorities(ca_file, "clickhouse.ca_file")
        with _reaching(url):
            client = await clickhouse_connect.get_async_client(
                dsn=url,
                username=user,
                password=password,
                secure=url.startswith("https:"),  # of an address with scheme the client takes host and port only
                ca_cert=ca_file,
                form_encode_query_params=True,  # parameters in the body: an URL has room for 8 kB
                autogenerate_session_id=False,  # calls run concurrently, and a session allows one at a time
                settings={"async_insert": 0, **(settings or {})},  # an acknowledged row is a stored row
            )
        connection = cls(client, url, database)
        try:
            await connection.use_database()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def use_database(self) -> None:
        """Make the database the one that names without a database mean, if it exists by now."""
        found = await self.rows(
            "SELECT count() FROM system.databases WHERE name = {database:String}", {"database": self.database}
        )
        if found[0][0]:
            self._client.database = self.database

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing.

        Raises:
            UnreachableError: it did not run.
        """
        with self._reaching():
            # Not `command`, which puts parameters into the URL: a list of hours is too long for it.
            await self._client.raw_query(sql, parameters=dict(parameters or {}))

    async def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query of ours; `{name:Type}` in it are filled from `parameters` by the server.

        Raises:
            UnreachableError: it did not run.
        """
        return (await self.named_rows(sql, parameters))[1]

    async def named_rows(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The same with the names of the columns before the rows.

        Raises:
            UnreachableError: it did not run.
        """
        with self._reaching():
            answered = await self._client.query(sql, parameters=dict(parameters or {}))
        return tuple(answered.column_names), [tuple(row) for row in answered.result_rows]

    async def ask(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Run SQL that a person typed, and that may only read; column names and rows.

        Raises:
            UsageError: ClickHouse refuses it, because it would write, say; the message is ClickHouse's.
            UnreachableError: nobody answers.
        """
        # A user who may only read may not say so of himself, either.
        reads_only = (await self.rows("SELECT getSetting('readonly')"))[0][0]
        settings = {} if reads_only else {"readonly": 2}
        with self._reaching():
            try:
                answered = await self._client.query(sql, parameters=dict(parameters or {}), settings=settings)
            except ClickHouseError as refused:
                if getattr(refused, "code", None) is None:
                    raise
                raise UsageError(f"ClickHouse refuses the query: {_said(refused)}") from refused
        return tuple(answered.column_names), [tuple(row) for row in answered.result_rows]

    async def insert(self, table: str, columns: Columns) -> None:
        """Insert rows, given by column; columns left out take their default. All of them are stored, or none.

        The client sends a body again when the server closes the connection after it: the token, one per call, makes
        that one insert. It is not made from the rows, because ClickHouse drops a repeated token silently, and a value
        that is corrected and then corrected back would be lost. Rows that a caller repeats are folded by their table.

        Raises:
            RowRefusedError: at least one of the rows can never be stored.
            UnreachableError: not stored, or not known to be stored; insert the same rows again.
        """
        if not columns or not next(iter(columns.values())):
            return
        types = await self._column_types(table)
        data = [_cleaned(values, types[name]) for name, values in columns.items()]
        with metrics.INSERT_SECONDS.labels(table).time(), self._reaching():
            try:
                context = await self._client.create_insert_context(
                    table,
                    list(columns),
                    column_type_names=[types[name] for name in columns],
                    database=self.database,
                    column_oriented=True,
                    settings={"insert_deduplication_token": uuid4().hex, "max_partitions_per_insert_block": 0},
                )
                # One block: of several ones of an insert ClickHouse would take the second for a repeat of the first,
                # because they have one token, and drop it without a word.
                context.req_block_size = len(data[0])
                await self._client.insert(context=context, data=data)
            except _SERIALISING as refused:
                raise RowRefusedError(f"{table}: {type(refused).__name__} in the client") from refused
            except ClickHouseError as refused:
                code, name = getattr(refused, "code", None), getattr(refused, "name", None)
                if code not in ROW_FAULTS:
                    raise
                raise RowRefusedError(f"{table}: ClickHouse error {code} {name or ''}".rstrip()) from refused

    async def _column_types(self, table: str) -> dict[str, str]:
        if table not in self._types:
            found = await self.rows(
                "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String}",
                {"database": self.database, "table": table},
            )
            if not found:
                raise UnreachableError(
                    f"ClickHouse at {self._url} has no table {self.database}.{table}: run `shadowtap migrate`"
                )
            self._types[table] = {str(name): str(kind) for name, kind in found}
        return self._types[table]

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            with _reaching(self._url):
                yield
        except UnreachableError as away:
            self.trouble = f"ClickHouse at {self._url} does not take it ({type(away.__cause__).__name__})"
            raise
        self.trouble = None


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Say where the fault lies for everything that is neither a row's nor a person's."""
    try:
        yield
    except (ClickHouseError, *_CONNECTING) as failed:
        raise _told(url, failed) from failed


def _told(url: str, failed: BaseException) -> UnreachableError:
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(failed)):
        why = next((cause.verify_message for cause in _causes(failed) if hasattr(cause, "verify_message")), "no reason")
        return RefusedError(
            f"clickhouse.url: {url} has a certificate that clickhouse.ca_file does not vouch for ({why})"
        )
    if getattr(failed, "code", None) == _WRONG_PASSWORD:
        return RefusedError(f"ClickHouse at {url} refuses the user; are clickhouse.user and password_env right?")
    if isinstance(failed, ClickHouseError):
        return UnreachableError(f"ClickHouse at {url}: {_said(failed)}")
    return UnreachableError(f"ClickHouse at {url} does not answer: {_said(failed)}")


def _said(failed: BaseException) -> str:
    said = " ".join(str(failed).split())
    return _SAID.sub(r"\g<what>\g<name>", said)[:_LONGEST]


def _causes(raised: BaseException | None) -> Iterator[BaseException]:
    while raised is not None:
        yield raised
        raised = raised.__cause__ or raised.__context__


def _cleaned(values: Sequence[Any], kind: str) -> Sequence[Any]:
    """Replace lone surrogates, which real traffic holds and ClickHouse's protocol cannot carry."""
    if "String" not in kind:
        return values
    if kind.startswith("Map"):
        return [{valid_text(key): value for key, value in entry.items()} for entry in values]
    if kind.startswith("Array"):
        return [[valid_text(text) for text in entry] for entry in values]
    return [text if text is None else valid_text(text) for text in values]
