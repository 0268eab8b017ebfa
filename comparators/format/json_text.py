"""JSON in an answer: as it stands, inside a fence, with prose around it, or not at all.

Shared by the comparators of form, which therefore agree on where an answer's JSON is. All of it is linear in the text.
"""

import json
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from comparators.comparator import Pair

NO_JSON: Final = object()

_FENCE = re.compile(r"(?:```|~~~)[ \t]*([\w+#.-]*)[^\n`]*\n(.*?)(?:```|~~~|\Z)", re.DOTALL)
_OPENS_FENCE = re.compile(r"```|^[ \t]*~~~", re.MULTILINE)
_BEGINS_JSON = re.compile(r"(?:(?:```|~~~)[ \t]*\w*\s*)?(?:\{\s*[\"'}]|\[\s*[{\"])")
_BEGINNINGS = frozenset("`~{[")
_OPENING = re.compile(r'\{\s*+"|\[\s*+[{"]')
_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]"]', re.DOTALL)
_DEEPER = {"{": 1, "[": 1, "}": -1, "]": -1}
_TRAILING_COMMA = re.compile(r",\s*+[}\]]")
_SINGLE_QUOTED = re.compile(r"[{\[,:]\s*+'")

_KEPT_CHARACTERS = 8_192  # longer answers are read anew each time: the cache must stay small
_TRIES = 8  # opening brackets looked at in prose
_SHORT_PROSE = 300  # characters around a payload that begins a line


class Fenced(NamedTuple):
    """A fenced block: the language named at its opening, and what it holds."""

    language: str
    body: str


class Payload(NamedTuple):
    """The JSON of an answer: its value (`NO_JSON` where there is none), and characters in it and around it."""

    value: Any
    is_fenced: bool = False
    size: int = 0
    prose: int = 0  # 0 where it stands alone, bare or in a fence
    begins_line: bool = True


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def has_fence(text: str) -> bool:
    """Whether a code fence stands anywhere in the text."""
    return ("```" in text or "~~~" in text) and _OPENS_FENCE.search(text) is not None


def fenced_blocks(text: str) -> list[Fenced]:
    """The fenced blocks of a text, in order; an unclosed one runs to the end."""
    if not has_fence(text):
        return []
    return [Fenced(match[1].lower(), match[2]) for match in _FENCE.finditer(text)]


def payload(text: str) -> Payload:
    """The one JSON value of an answer.

    It is the whole answer; or the only fenced block that is an object or list; or, without a fence, the first object or
    list of strings or objects in prose.
    """
    return _payload(text) if len(text) > _KEPT_CHARACTERS else _kept_payload(text)


def parsed(text: str) -> Any:
    """The JSON value of a text that is JSON as a whole, bare or as its only fenced block, else `NO_JSON`."""
    found = payload(text)
    return NO_JSON if found.prose else found.value


def json_lines(text: str, fewest: int = 2) -> Any:
    """The objects of a text that has one on each line (JSON Lines), at least so many, else `NO_JSON`."""
    if text.lstrip()[:1] not in _BEGINNINGS:
        return NO_JSON
    blocks = fenced_blocks(text)
    stripped = (blocks[0].body if len(blocks) == 1 else text).strip()
    if stripped[:1] != "{" or stripped[-1:] != "}":
        return NO_JSON
    values = [_loads(line) for line in stripped.split("\n") if line.strip()]
    return values if len(values) >= fewest and all(isinstance(value, dict) for value in values) else NO_JSON


def is_structure(value: Any) -> bool:
    """Whether a JSON value is an object or a list: what a program would read."""
    return isinstance(value, dict | list)


def wants_json(pair: Pair) -> bool:
    """Whether JSON is due: the request asks for it by `response_format`, or the baseline answered it or tried to."""
    return pair.request.wants_json or answers_json(pair.baseline.content)


def answers_json(text: str) -> bool:
    """Whether an answer is JSON for a program: no scalar, no list of nothing but numbers, no example inside a text.

    With prose around it, it is one where it is most of the answer, or begins a line with little around it.

    A broken answer counts by how it begins, so that a baseline is not chosen for being well formed.
    """
    found = payload(text)
    if found.value is NO_JSON:
        return begins_json(text)
    if found.prose > max(found.size, _SHORT_PROSE if found.begins_line else 0):
        return False
    if isinstance(found.value, list):
        return any(isinstance(item, str | dict | list) for item in found.value)
    return isinstance(found.value, dict)


def begins_json(text: str) -> bool:
    """Whether an answer begins as a JSON object or list of strings or objects does, bare or in a fence."""
    begun = text.lstrip()
    return begun[:1] in _BEGINNINGS and _BEGINS_JSON.match(begun) is not None


def json_problem(text: str) -> str:
    """Why an answer holds no JSON: `empty`, `prose`, `several`, `unclosed`, `constant`, `comma`, `quotes`, `malformed`.

    `constant` is NaN or Infinity; `comma` one before a closing bracket; `quotes` single ones around strings.
    """
    blocks = [block.body.strip() for block in fenced_blocks(text)]
    bodies = [body for body in blocks if body[:1] in ("{", "[")]
    body = bodies[0] if bodies else text.strip()
    if not body:
        return "empty"
    if body[0] not in "{[":
        return "prose"
    if len(bodies) > 1 or _is_followed_by_more(body):
        return "several"
    return "unclosed" if is_unclosed(body) else _syntax_problem(body)


def is_unclosed(text: str) -> bool:
    """Whether brackets or a string of JSON-like text are still open at its end."""
    depth = 0
    for token in _BRACKET.finditer(text):
        if token[0] == '"':  # opens a string that never ends
            return True
        depth += _DEEPER.get(token[0], 0)
    return depth > 0


def _syntax_problem(text: str) -> str:
    try:
        json.loads(text)  # which, unlike JSON, takes NaN and Infinity
    except (ValueError, RecursionError):
        if _TRAILING_COMMA.search(text):
            return "comma"
        return "quotes" if _SINGLE_QUOTED.search(text) else "malformed"
    return "constant"


@lru_cache(maxsize=4096)
def _kept_payload(text: str) -> Payload:
    return _payload(text)


def _payload(text: str) -> Payload:
    stripped = text.strip()
    if not stripped:
        return Payload(NO_JSON)
    if stripped[0] in '{["-0123456789tfn':
        value = _loads(stripped)
        if value is not NO_JSON:
            return Payload(value, size=len(stripped))
    if has_fence(stripped):
        return _in_fence(stripped)
    return _in_prose(stripped) if '"' in stripped else Payload(NO_JSON)


def _in_fence(text: str) -> Payload:
    found = []
    for match in _FENCE.finditer(text):
        body = match[2].strip()
        if body[:1] in ("{", "["):
            value = _loads(body)
            if value is not NO_JSON:
                prose = len(text) - len(match[0])
                found.append(Payload(value, is_fenced=True, size=len(body), prose=prose))
    return found[0] if len(found) == 1 else Payload(NO_JSON)


def _in_prose(text: str) -> Payload:
    place = 0
    for _ in range(_TRIES):
        opening = _OPENING.search(text, place)
        if opening is None:
            break
        start = opening.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            place = _closed(text, start)  # what is whole inside something broken is not the answer
            continue
        if _OPENING.match(text[end:].lstrip()):
            break  # one after the other: which is meant?
        begins_line = start == 0 or text[start - 1] == "\n"
        return Payload(value, size=end - start, prose=len(text) - (end - start), begins_line=begins_line)
    return Payload(NO_JSON)


def _closed(text: str, start: int) -> int:
    """Where the bracket that opens at `start` is closed: behind the text where it is not."""
    depth = 0
    for token in _BRACKET.finditer(text, start):
        depth += _DEEPER.get(token[0], 0)
        if depth == 0:
            return token.end()
    return len(text)


def _is_followed_by_more(text: str) -> bool:
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return end < len(text)


def _loads(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return _DECODER.decode(text)  # knows lone surrogates, which real traffic holds
    except (ValueError, RecursionError):
        return NO_JSON
