"""JSON in an answer: as it stands, inside a fence, or not at all. Shared by the comparators of form."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from comparators.comparator import Pair
from schemas import json_text

_FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)


class Fenced(NamedTuple):
    """A fenced block: the language named at its opening, and what it holds."""

    language: str
    body: str


NO_JSON = object()


def fenced_blocks(text: str) -> list[Fenced]:
    """The fenced blocks of a text, in order; an unclosed one runs to the end."""
    if "```" not in text:
        return []
    return [Fenced(match[1].lower(), match[2]) for match in _FENCE.finditer(text)]


@lru_cache(maxsize=512)
def parsed(text: str) -> Any:
    """The JSON value of a text that is JSON as a whole, bare or as its only fenced block, else `NO_JSON`."""
    stripped = text.strip()
    blocks = fenced_blocks(stripped) if stripped.startswith("```") else []
    if len(blocks) == 1:
        stripped = blocks[0].body.strip()
    if not stripped or stripped[0] not in '{["-0123456789tfn':
        return NO_JSON
    try:
        return json_text.loads(stripped)
    except ValueError:
        return NO_JSON


def is_structure(value: Any) -> bool:
    """Whether a JSON value is an object or a list: what a program would read."""
    return isinstance(value, dict | list)


def wants_json(pair: Pair) -> bool:
    """Whether JSON is due: the request asks for it by `response_format`, or the baseline answered an object or list."""
    return pair.request.wants_json or is_structure(parsed(pair.baseline.content))
