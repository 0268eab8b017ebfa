r"""Who may do what in an embedded store: two users, and what the reading one may not.

`default` may do everything. `reader` runs as the role `analyst`, whose grants ClickHouse itself checks; and only one
statement at a time that the engine's own parser calls read-only. That leaves three holes, found by trying, closed here:

- the scalar function `file` needs no grant. It hides behind escapes (`` `fi\x6ce` ``), names without a call
  (`arrayMap(file, ...)`, `APPLY file`) and `{f:Identifier}`, so we look for the name in the text as ClickHouse writes
  the statement back (`formatQuery`), and at every parameter used as an identifier.
- settings name files (`format_template_row`) and switch on more: a reader may set those of a list, no others.
- system tables need no grant, and hold queries of others: row policies empty the ones that do.

What a reader may use in an hour is counted here, too: chDB has one user, and a quota of its would stop the worker.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

READER_GRANTS = (
    "GRANT SELECT ON shadowtap.*",
    "REVOKE SELECT(request) ON shadowtap.exchanges_rows",
    "REVOKE SELECT(text, tool_calls_json) ON shadowtap.answers_rows",
)
"""What a reader may see unless told otherwise: everything but texts of users and models."""

FORBIDDEN = frozenset(
    {"file", "python", "eval", "input", "fuzzjson", "fuzzquery", "catboostevaluate", "cluster", "clusterallreplicas"}
    | {"mergetreeindex", "mergetreeprojection", "mergetreetextindex", "mergetreecodecblockcounts"}
    | {"mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid", "getserversetting"}
    | {"addresstoline", "addresstolinewithinlines", "addresstosymbol", "demangle"}
    | {"aiclassify", "aiembed", "aiextract", "aifilter", "aigenerate", "airedact", "aisimilarity", "aitranslate"}
)
"""Functions that need no grant and reach files, the network, this process or stored data; in lower case."""

READER_CAPS: Mapping[str, int] = {
    "max_execution_time": 30,  # seconds
    "max_memory_usage": 2 << 30,  # bytes
    "max_result_bytes": 256 << 20,
    "max_threads": 4,
}

READER_QUOTA: Mapping[str, int] = {
    "queries": 10_000,
    "read_rows": 50_000_000_000,
    "execution_time": 1800,  # seconds
}
"""What the reader may use in an hour: the quota of `schemas/grants.sql`."""

_INTERVAL_S = 3600

_SETTABLE = re.compile(
    r"max_(?:threads|block_size|execution_time|memory_usage|result_rows|result_bytes|rows_to_read|bytes_to_read)"
    r"|(?:result|read|timeout)_overflow_mode|limit|offset|final|extremes|join_use_nulls|session_timezone"
    r"|use_client_time_zone|date_time_(?:in|out)put_format|async_insert|wait_for_async_insert"
    r"|prefer_column_name_to_alias|cast_keep_nullable|output_format_(?:json|native|arrow|csv|tsv|pretty|parquet)_\w+"
)
_HIDDEN = (
    *("processes", "user_processes", "query_cache", "asynchronous_inserts", "session_query_ids", "errors", "warnings"),
    *(
        "parts",
        "parts_columns",
        "projection_parts",
        "projection_parts_columns",
        "detached_parts",
        "merges",
        "mutations",
    ),
    *("stack_trace", "symbols", "users", "roles", "named_collections", "certificates", "remote_data_paths"),
)
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`((?:[^`\\]|\\.)*)`|([A-Za-z_]\w*)", re.DOTALL)
_IDENTIFIER = re.compile(r"\{\s*(\w+)\s*:\s*Identifier\s*\}")
_PLAIN = re.compile(r"\w+(?:\.\w+)*")


def write_configuration(folder: Path, grants: Sequence[str]) -> Path:
    """Write ClickHouse's configuration with the users and their rights into a folder; the path of its main file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = "".join(f"<query>{escape(grant)}</query>" for grant in grants)
    hidden = "".join(f"<{table}><filter>has(currentRoles(), 'admin')</filter></{table}>" for table in _HIDDEN)
    users = folder / "users.xml"
    # The empty password is of no use: the engine listens nowhere, our own process checks passwords.
    users.write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><roles>"
        "<admin><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></admin>"
        f"<analyst><grants>{lines}</grants></analyst></roles>"
        "<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile>"
        "<quota>default</quota><grants><query>GRANT admin</query><query>GRANT analyst</query></grants>"
        f"<databases><system>{hidden}</system></databases></default></users></clickhouse>\n"
    )
    main = folder / "config.xml"
    main.write_text(f"<clickhouse><users_config>{escape(str(users))}</users_config></clickhouse>\n")
    return main


def reader_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a reader's request with the caps put on.

    Raises:
        PermissionError: a setting that a reader may not change; the message names it.
    """
    for name in settings:
        if not _SETTABLE.fullmatch(name):
            raise PermissionError(f"Cannot modify {name!r} setting: this user may not change it. (READONLY)")
    capped = dict(settings)
    for name, cap in READER_CAPS.items():
        asked = settings.get(name, "")
        capped[name] = asked if asked.isdecimal() and 0 < int(asked) < cap else str(cap)
    return capped


def forbidden_name(canonical: str, parameters: Mapping[str, str]) -> str | None:
    """The first name in a statement that a reader may not use, or None.

    `canonical` is the statement as `formatQuery` writes it: no comments, identifiers without escapes, strings in
    single quotes. `parameters` are its `{name:Type}` values.
    """
    for token in _TOKEN.finditer(canonical):
        name = token[1] or token[2]
        if name and name.casefold() in FORBIDDEN:
            return name
    for substituted in _IDENTIFIER.finditer(canonical):
        value = parameters.get(substituted[1], "")
        if not _PLAIN.fullmatch(value) or FORBIDDEN.intersection(value.casefold().split(".")):
            return value
    return None


class Quota:
    """Counts what a user uses up in each hour of the clock."""

    def __init__(self, limits: Mapping[str, int], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._began = 0.0
        self._used: dict[str, float] = {}

    @contextmanager
    def query(self) -> Iterator[Callable[[int], None]]:
        """One query; call what it yields with the rows that were read.

        Raises:
            PermissionError: the hour's share of something is used up; the message says what and when it ends.
        """
        began = self._clock()
        if began // _INTERVAL_S * _INTERVAL_S != self._began:
            self._began, self._used = began // _INTERVAL_S * _INTERVAL_S, dict.fromkeys(READER_QUOTA, 0.0)
        for name, limit in self._limits.items():
            if self._used[name] >= limit:
                left = (self._began + _INTERVAL_S - began) / 60
                raise PermissionError(
                    f"Quota has been exceeded: {name} = {self._used[name]:.0f}/{limit} in this hour, "
                    f"which ends in {left:.0f} minutes. (QUOTA_EXCEEDED)"
                )
        self._used["queries"] += 1
        used = self._used

        def read(rows: int) -> None:
            used["read_rows"] += rows

        try:
            yield read
        finally:
            used["execution_time"] += self._clock() - began
