"""Labels that a request names: in a schema's `enum`, in quotes, or as words of the system prompt."""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.exchanges import Request

LONGEST_LABEL = 40  # characters of a string that may be one of a few labels
_DEEPEST = 32


def is_named(label: str, request: Request) -> bool:
    """Whether the request names the label as such."""
    if not label or len(label) > LONGEST_LABEL:
        return False
    schema = request.response_schema
    if schema is not None and label in _enums(schema, _DEEPEST):
        return True
    text = f"{request.system_text}\n{request.user_text}"
    return any(f"{quote}{label}{quote}" in text for quote in "\"'`") or _stands_in(request.system_text, label)


def _stands_in(text: str, words: str) -> bool:
    at = text.find(words)
    while at >= 0:
        end = at + len(words)
        if not (at and text[at - 1].isalnum()) and not (end < len(text) and text[end].isalnum()):
            return True
        at = text.find(words, end)
    return False


def _enums(schema: Any, depth: int) -> Iterator[Any]:
    """Every value that some `enum` or `const` of the schema lists."""
    if isinstance(schema, Mapping) and depth:
        listed = schema.get("enum")
        yield from listed if isinstance(listed, list | tuple) else ()
        yield schema.get("const")
        for member in schema.values():
            yield from _enums(member, depth - 1)
    elif isinstance(schema, list | tuple) and depth:
        for member in schema:
            yield from _enums(member, depth - 1)
