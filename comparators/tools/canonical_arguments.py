"""One form for arguments that mean the same, and the paths at which two of them differ.

Same are: another order of keys, 1 and 1.0, white space around a string; and where the tool's schema says so, "1" for
a number, "true" for a boolean, 1 for a string, an object written as a JSON string, an argument left out and its
default value (the schema's `default`, or the one that the description tells), an optional argument left out and null.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from comparators.tools.offered_tools import Schema
from schemas import json_text

_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?")
_KEY = re.compile(r"[\w\-$.]{1,40}")
_NUMBER_TYPES = {"number", "integer", "float", "double", "int"}  # beyond JSON Schema's own: as prompts write them
_BOOLEAN_TYPES = {"boolean", "bool"}
_STRING_TYPES = {"string", "str"}
_NESTED_TYPES = {"object", "dict", "array", "list", "tuple"}
_DEFAULT = re.compile(
    r"""\bdefaults?(?:\s(?:value|being)){0,2}(?:\s?[:=]\s?|\s(?:is|to)\s|\s(?=[-"'`\d]))"""
    r"""("[^"]{0,80}"|'[^']{0,80}'|`[^`]{0,80}`|-?\w[\w.]{0,80})""",
    re.IGNORECASE,
)
_LONGEST_DESCRIPTION = 2_000  # characters of a description in which a default is looked for
_DEEPEST = 60  # levels of nesting that are normalised; what lies deeper is compared as it is


def canonical_arguments(arguments: Any, schema: Schema) -> Any:
    """The arguments in the form in which equal meaning is equal value; text that holds a JSON object is parsed."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        arguments = {}
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        arguments = _parsed(arguments)
    return _canonical(arguments, schema, schema, _DEEPEST)


def differing_paths(one: Any, other: Any, path: str = "$") -> Iterator[tuple[str, bool]]:
    """Each leaf of either value as (path with indexes folded, whether it differs)."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            inner = f"{path}.{key if _KEY.fullmatch(key) else '*'}"
            if key in one and key in other:
                yield from differing_paths(one[key], other[key], inner)
            else:
                yield inner, True
    elif isinstance(one, list) and isinstance(other, list):
        for left, right in zip(one, other, strict=False):
            yield from differing_paths(left, right, f"{path}[]")
        for _ in range(abs(len(one) - len(other))):
            yield f"{path}[]", True
    else:
        yield path, json_text.canonical(one) != json_text.canonical(other)


def _canonical(value: Any, schema: Any, root: Schema, depth: int) -> Any:
    schema = _resolved(schema, root)
    types = _types(schema)
    if isinstance(value, str):
        value = _from_text(value, types)
    if isinstance(value, bool):
        return str(value).lower() if types and types <= _STRING_TYPES else value
    if isinstance(value, int | float):
        number = _number(value)
        return str(number) if types and types <= _STRING_TYPES else number
    if depth <= 0:
        return value
    if isinstance(value, Mapping):
        return _object(value, schema, root, depth)
    if isinstance(value, list | tuple):
        items = schema.get("items")
        return [_canonical(item, items, root, depth - 1) for item in value]
    return value


def _object(value: Mapping[Any, Any], schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    """Without the members that say what the schema says already."""
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    required = required if isinstance(required, list | tuple) else ()
    kept = {}
    for key, member in value.items():
        described = properties.get(key)
        canonical = _canonical(member, described, root, depth - 1)
        if isinstance(described, Mapping):
            if member is None and key not in required and described.get("default") is None:
                continue
            default = described["default"] if "default" in described else _default_told(described.get("description"))
            if default is not None and json_text.canonical(
                _canonical(default, described, root, depth - 1)
            ) == json_text.canonical(canonical):
                continue
        kept[str(key)] = canonical
    return kept


def _default_told(description: Any) -> str | None:
    """The default value that a description tells ("Defaults to 5.", "(default: 'metric')"), as text."""
    told = _DEFAULT.search(description[:_LONGEST_DESCRIPTION]) if isinstance(description, str) else None
    return told[1].rstrip(".").strip("\"'`") if told else None


def _from_text(text: str, types: frozenset[str]) -> Any:
    text = text.strip()
    if not types or types & _STRING_TYPES:
        return text
    if types & _NUMBER_TYPES and _NUMBER.fullmatch(text):
        return float(text) if not text.lstrip("+-").isdigit() else int(text)
    if types & _BOOLEAN_TYPES and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if types & _NESTED_TYPES and text[:1] in ("{", "["):
        return _parsed(text)
    return text


def _parsed(text: str) -> Any:
    try:
        return json_text.loads(text)
    except (ValueError, RecursionError):
        return text.strip()


def _number(value: float) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value.is_integer() else value
    return value


def _resolved(schema: Any, root: Schema) -> Schema:
    """The schema, with one local `$ref` followed; empty where there is none to read."""
    if not isinstance(schema, Mapping):
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found: Any = root
        for part in reference[2:].split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}
    return schema


def _types(schema: Schema) -> frozenset[str]:
    """The types a schema allows, null aside; empty where it does not say."""
    named = schema.get("type")
    types = {named} if isinstance(named, str) else set(named) if isinstance(named, list | tuple) else set()
    for key in ("anyOf", "oneOf"):
        for option in schema.get(key) or ():
            types |= _types(option) if isinstance(option, Mapping) else set()
    return frozenset(kind for kind in types if isinstance(kind, str) and kind != "null")
