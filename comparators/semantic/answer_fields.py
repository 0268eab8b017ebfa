"""Fields of a JSON answer whose value is one of a few: booleans, and labels that the request names."""

from collections.abc import Iterator
from typing import Any

from comparators.format.json_shapes import folded_key
from comparators.format.named_labels import LONGEST_LABEL, is_named
from schemas.exchanges import Request

_MOST_FIELDS = 200
_DEEPEST = 8


def closed_fields(value: Any, request: Request) -> dict[str, str | bool]:
    """Path (`$.priority`) to value of each closed field of an object, outside arrays."""
    return {
        path: member for path, member in _fields(value) if isinstance(member, bool) or is_named(member.strip(), request)
    }


def changed_field(closed: dict[str, str | bool], value: Any) -> tuple[str, str]:
    """The first closed field with another value, and `was -> is`; empty where there is none.

    A field that is missing or has another type there is no other answer but another structure.
    """
    other = dict(_fields(value))
    for path, was in closed.items():
        now = other.get(path)
        if type(now) is type(was) and _plain(now) != _plain(was):
            return path, f"{was} -> {str(now)[:LONGEST_LABEL]}"
    return "", ""


def _fields(value: Any) -> Iterator[tuple[str, str | bool]]:
    waiting = [("$", value, 0)]
    for _ in range(_MOST_FIELDS):
        if not waiting:
            return
        path, member, depth = waiting.pop()
        if isinstance(member, bool | str):
            yield path, member
        elif isinstance(member, dict) and depth < _DEEPEST:
            plain = [(key, inner) for key, inner in member.items() if folded_key(key) == key]  # others have no path
            waiting.extend((f"{path}.{key}", inner, depth + 1) for key, inner in reversed(plain))


def _plain(value: object) -> object:
    return " ".join(value.casefold().split()) if isinstance(value, str) else value
