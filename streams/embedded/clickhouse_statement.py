"""What must be known of a statement before it runs: its first word, whether data follow, the format of the answer."""

import re

from schemas.values import immutable

_LEAD = re.compile(rb"(?:\s+|--[^\n]*|#[! ][^\n]*|/\*.*?\*/|\()*", re.DOTALL)
_NAME = rb'(?:`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|\w+)'
_INSERT = re.compile(
    rb"INSERT\s+INTO\s+(?:TABLE\s+)?" + _NAME + rb"(?:\s*\.\s*" + _NAME + rb")?"
    rb"(?:\s*\((?:[^()`\"]|`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\")*\))?"
    rb"(?:\s*SETTINGS\s[^;]*?)?"
    rb"\s*(?P<clause>\bFORMAT\s+(?P<format>\w+))[ \t]*;?(?:\r?\n|[ \t]|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*\Z", re.IGNORECASE)
_TAIL = 500  # bytes at the end of a statement in which its FORMAT clause is looked for
_READING = frozenset({b"SELECT", b"WITH", b"FROM", b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS", b"CHECK"})


@immutable
class Insert:
    """`INSERT INTO ... FORMAT name` with the data that follows it."""

    statement: str  # without the FORMAT clause
    format: str
    data: memoryview


def first_word(sql: bytes) -> bytes:
    """The first word in upper case, after blanks, comments and opening brackets; empty if there is none."""
    start = _body(sql)
    word = re.match(rb"\w*", sql[start : start + 32])
    return word[0].upper() if word else b""


def is_reading(sql: bytes) -> bool:
    """Whether the statement changes nothing, so that it may be stopped when nobody waits for it any more."""
    return first_word(sql) in _READING


def as_insert(sql: bytes) -> Insert | None:
    """The parts of an insert whose data follow in a format, Native included; None for every other statement.

    `INSERT ... VALUES`, `INSERT ... SELECT` and `INSERT INTO FUNCTION` are like other statements: they hold their data.
    """
    found = _INSERT.match(sql, _body(sql))
    if found is None:
        return None
    statement = sql[found.start() : found.start("clause")].decode("utf-8", "surrogateescape")
    return Insert(statement, found["format"].decode(), memoryview(sql)[found.end() :])


def answer_format(sql: bytes, default: str) -> str:
    """The format that the statement asks for at its end, else the default."""
    found = _FORMAT.search(sql[-_TAIL:])
    return found[1].decode() if found else default


def _body(sql: bytes) -> int:
    lead = _LEAD.match(sql)
    return lead.end() if lead else 0
