"""JSON Schemas, made ready once and kept. No network: a schema that refers outside itself is refused.

JSON Schema 2020-12 and the drafts before it, through the library jsonschema.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from comparators.format.json_shapes import folded_key
from schemas.json_text import canonical, loads
from schemas.patterns import may_take_for_ever

_SHOWN_ERRORS = 50
_TELLING = ("type", "required", "enum", "const")  # where several rules are broken, the reason names one of these


def validator(schema: Mapping[str, Any]) -> Validator | None:
    """The schema, ready to use; None where it is no valid schema, or refers to something outside itself.

    Regular expressions with a repeated repetition are left out, because a text could make them run for ever.
    """
    return _validator(canonical(schema))


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Validator | None:
    document = loads(schema)
    kind = jsonschema.validators.validator_for(document, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(document)
        resolver = Registry().resolver_with_root(DRAFT202012.create_resource(document))
        for part in _parts(document):
            reference = part.get("$ref")
            if isinstance(reference, str):
                resolver.lookup(reference)
            if isinstance(part.get("pattern"), str) and may_take_for_ever(part["pattern"]):
                del part["pattern"]
    except (SchemaError, Unresolvable, RecursionError, re.error):
        return None
    return kind(document, registry=Registry())


def first_violation(ready: Validator, value: Any) -> str:
    """What is wrong with a value as a code that can be grouped (`required:$.price`), empty where nothing is."""
    codes = []
    for error, _ in zip(ready.iter_errors(value), range(_SHOWN_ERRORS), strict=False):
        rule = str(error.validator)
        path = "$" + "".join("[]" if isinstance(step, int) else f".{folded_key(step)}" for step in error.absolute_path)
        if rule == "required":
            path += f".{folded_key(_missing(error))}"
        codes.append((_TELLING.index(rule) if rule in _TELLING else len(_TELLING), f"{rule}:{path}"))
    return min(codes)[1] if codes else ""


def _missing(error: ValidationError) -> str:
    instance: Any = error.instance
    names: Any = error.validator_value
    return str(next(name for name in names if name not in instance))


def _parts(document: Any) -> Iterator[dict[str, Any]]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
