"""ClickHouse's HTTP interface over an embedded store, so that every ClickHouse client over HTTP can talk to it.

Protocol: https://clickhouse.com/docs/interfaces/http, checked with clickhouse-connect and curl. Left out, and refused:
external tables and ClickHouse's own block compression. Sessions are ignored: each request stands alone. Answers
are sent whole, not streamed.
"""

import asyncio
import base64
import binascii
import gzip
import hmac
import re
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Mapping

import lz4.frame
from aiohttp import BodyPartReader, web

from schemas import json_text
from schemas.values import immutable
from streams.embedded.clickhouse_access import Quota
from streams.embedded.clickhouse_statement import is_reading
from streams.embedded.clickhouse_store import EmbeddedStore, Reply, Statement, StatementError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_BODY = 256 << 20  # bytes
COMPRESSED_FROM = 4096  # bytes: below, compressing costs more than it saves
_NOT_SETTINGS = frozenset(
    {"query", "database", "user", "password", "query_id", "session_id", "session_timeout", "session_check", "role"}
    | {"compress", "decompress", "quota_key", "buffer_size", "wait_end_of_query", "default_format", "stacktrace"}
    | {"client_protocol_version", "enable_http_compression", "http_zlib_compression_level", "add_http_cors_header"}
    | {"send_progress_in_http_headers", "http_headers_progress_interval_ms", "readonly"}
    | {"cancel_http_readonly_queries_on_client_close"}
)
_STATUS = (
    dict.fromkeys((6, 27, 36, 38, 41, 42, 43, 47, 48, 50, 53, 62, 73, 79, 117, 158, 396, 456, 457), 400)
    | dict.fromkeys((164, 192, 497), 403)
    | dict.fromkeys((46, 60, 81, 115), 404)
    | {159: 504, 194: 401, 202: 503, 516: 401}
)  # HTTP status of ClickHouse's error codes; 500 for all others
_CONTENT_TYPES = {
    "Native": "application/octet-stream",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
}
_DECODE: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": zstd.decompress,
}
_ENCODE: Mapping[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda plain: zstd.compress(plain, 1),
    "gzip": lambda plain: gzip.compress(plain, 1),
}
_BROKEN_BODY = (OSError, EOFError, RuntimeError, zlib.error, zstd.ZstdError)
_WORD = re.compile(r"[A-Za-z_]\w*")


@immutable
class Users:
    """The passwords of the two users: `default` may do everything, `reader` reads."""

    default: str
    reader: str


def http_runner(store: EmbeddedStore, users: Users, quota: Mapping[str, int]) -> web.AppRunner:
    """The interface, ready to be bound to an address; `quota` is what the reader may use in an hour."""
    gate = _Gate(store, users, Quota(quota, time.time))
    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_get("/ping", _ok)
    application.router.add_get("/replicas_status", _ok)
    application.router.add_get("/", gate.answer)
    application.router.add_post("/", gate.answer)
    # Bodies are decompressed here: aiohttp knows neither lz4 nor every zstd frame. A handler is cancelled when its
    # client goes away; at the end the ones that still run get a few seconds.
    return web.AppRunner(
        application, access_log=None, auto_decompress=False, handler_cancellation=True, shutdown_timeout=2
    )


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


class _Gate:
    """Turns requests into statements and replies into responses."""

    def __init__(self, store: EmbeddedStore, users: Users, quota: Quota) -> None:
        self._store = store
        self._users = users
        self._quota = quota
        self._stopping: set[asyncio.Task[None]] = set()

    async def answer(self, request: web.Request) -> web.Response:
        headers = {
            "X-ClickHouse-Query-Id": _one_line(request.query.get("query_id")) or str(uuid.uuid4()),
            "X-ClickHouse-Server-Display-Name": "shadowtap-embedded",
            "X-ClickHouse-Timezone": self._store.timezone,
        }
        try:
            user = self._user(request)
            statement = await _statement(request, is_reader=user != "default")
            if not statement.sql.strip():
                return web.Response(text="Ok.\n", headers=headers)
            reply = await (self._run_within_quota(statement) if statement.is_reader else self._run(statement))
        except StatementError as refused:
            headers["X-ClickHouse-Exception-Code"] = str(refused.code)
            text = f"{refused} (version {self._store.version} (embedded))\n"
            return web.Response(status=_STATUS.get(refused.code, 500), text=text, headers=headers)
        body = reply.body
        headers["X-ClickHouse-Summary"] = json_text.dumps(
            {name: str(value) for name, value in reply.summary.items()}
        ).decode()
        if reply.format and body:
            headers["X-ClickHouse-Format"] = reply.format
        headers["Content-Type"] = _CONTENT_TYPES.get(reply.format or "", "text/plain; charset=UTF-8")
        encoding = _accepted(request) if len(body) > COMPRESSED_FROM else None
        if encoding:
            body = await asyncio.to_thread(_ENCODE[encoding], body)
            headers["Content-Encoding"] = encoding
        return web.Response(body=body, headers=headers)

    async def _run_within_quota(self, statement: Statement) -> Reply:
        try:
            with self._quota.query() as read:
                reply = await self._run(statement)
                read(reply.summary.get("read_rows", 0))
                return reply
        except PermissionError as exceeded:
            raise StatementError(201, str(exceeded)) from exceeded

    async def _run(self, statement: Statement) -> Reply:
        threads = self._store.threads_for(statement)
        running = asyncio.get_running_loop().run_in_executor(threads, self._store.run, statement)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # The client went away. What it wrote shall not depend on when: only reading is stopped.
            running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            if is_reading(statement.sql):
                running.cancel()  # enough while it waits for a thread
                stopping = asyncio.create_task(self._stop(statement.ticket))
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)
            raise

    async def _stop(self, ticket: str) -> None:
        # Twice: a statement that had just been handed to a thread may not have been running yet.
        for pause_s in (0.0, 0.5):
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(self._store.kill, ticket)

    def _user(self, request: web.Request) -> str:
        """Who asks.

        Raises:
            StatementError: nobody we know, or with another password.
        """
        user = request.headers.get("X-ClickHouse-User") or request.query.get("user") or "default"
        password = request.headers.get("X-ClickHouse-Key") or request.query.get("password") or ""
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith("Basic "):
            try:
                user, _, password = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                user = ""
        wanted = {"default": self._users.default, "reader": self._users.reader}.get(user)
        if wanted is None or not hmac.compare_digest(wanted.encode(), password.encode("utf-8", "surrogateescape")):
            raise StatementError(
                516,
                f"{user}: Authentication failed: password is incorrect, or there is no user with such name. "
                "(AUTHENTICATION_FAILED)",
            )
        return user


async def _statement(request: web.Request, *, is_reader: bool) -> Statement:
    """The statement in a request: text from the URL, then from the body."""
    fields = dict(request.query)
    if "1" in (fields.get("compress"), fields.get("decompress")):
        raise StatementError(48, "native block compression is not supported by the embedded server. (NOT_IMPLEMENTED)")
    body = b""
    if request.content_type.startswith("multipart/"):
        fields |= await _form(request)
    else:
        body = await request.read()
        encoding = request.headers.get("Content-Encoding")
        if encoding:
            body = await _decoded(encoding, body)
    text = fields.get("query", "").encode()
    settings = {name: value for name, value in fields.items() if name not in _NOT_SETTINGS and name[:6] != "param_"}
    for name in settings:
        if not _WORD.fullmatch(name):
            raise StatementError(115, f"Unknown setting {name!r}. (UNKNOWN_SETTING)")
    default_format = fields.get("default_format") or request.headers.get("X-ClickHouse-Format") or "TabSeparated"
    if not _WORD.fullmatch(default_format):
        raise StatementError(73, f"Unknown format {default_format!r}. (UNKNOWN_FORMAT)")
    return Statement(
        sql=text + b"\n" + body if text and body else text or body,
        ticket=str(uuid.uuid4()),
        is_reader=is_reader,
        is_readonly=request.method == "GET" or fields.get("readonly") in {"1", "2"},
        database=fields.get("database") or request.headers.get("X-ClickHouse-Database") or "",
        default_format=default_format,
        parameters={name[6:]: value for name, value in fields.items() if name[:6] == "param_"},
        settings=settings,
    )


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a multipart body: the query and its parameters."""
    fields: dict[str, str] = {}
    async for part in await request.multipart():
        name = part.name or "" if isinstance(part, BodyPartReader) else ""
        if not isinstance(part, BodyPartReader) or not (name == "query" or name.startswith("param_")):
            raise StatementError(48, "external tables are not supported by the embedded server. (NOT_IMPLEMENTED)")
        fields[name] = (await part.read()).decode()
    return fields


async def _decoded(encoding: str, body: bytes) -> bytes:
    decode = _DECODE.get(encoding)
    if decode is None:
        raise StatementError(79, f"Unknown Content-Encoding {encoding!r}. (INCORRECT_DATA)")
    try:
        return await asyncio.to_thread(decode, body)
    except _BROKEN_BODY as broken:
        raise StatementError(354, f"Cannot decompress {encoding}: {broken}. (ZLIB_INFLATE_FAILED)") from broken


def _accepted(request: web.Request) -> str | None:
    """The first compression that the client wants and we have."""
    if request.query.get("enable_http_compression") != "1":
        return None
    wanted = (entry.split(";")[0].strip() for entry in request.headers.get("Accept-Encoding", "").split(","))
    return next((encoding for encoding in wanted if encoding in _ENCODE), None)


def _one_line(text: str | None) -> str:
    return "".join(character for character in text or "" if character.isprintable())
