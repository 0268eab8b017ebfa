"""From pydantic's errors to lines a user can act on: "shadowtap.toml: tap.topcis: unknown key; did you mean 'topics'?".

Every problem of a file is one line, all of them are said at once. Values are repeated only where they cannot be a
secret: numbers, and words that should have been one of a few.
"""

import difflib
from collections.abc import Iterable
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from schemas.errors import ConfigError

Settings = TypeVar("Settings", bound=BaseModel)

_ASK = {
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": 'must be a list, such as ["..."]',
    "dict_type": "must be a table of key = value",
    "model_type": "must be a table of key = value",
    "model_attributes_type": "must be a table of key = value",
    "finite_number": "must be a finite number",
}  # fmt: skip


def problem(key: str, message: str) -> PydanticCustomError:
    """What a validator of a whole table raises, so that the line names the key inside the table."""
    return PydanticCustomError("setting", "{message}", {"key": key, "message": message})


def validated(model: type[Settings], fields: dict[str, Any], label: str) -> Settings:
    """The settings of a parsed file.

    Raises:
        ConfigError: one line per problem, each beginning with `label`.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
        inside = {error["loc"][:-1] for error in errors} | {error["loc"][:-2] for error in errors}
        lines = [
            f"{label}: {_line(model, error)}"
            for error in errors
            if not (error["type"] == "too_short" and error["loc"] in inside)  # empty only for want of the wrong ones
        ]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Half a sentence that names the nearest known name, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known here are {', '.join(names)}"


def _line(model: type[BaseModel], error: ErrorDetails) -> str:
    place = error["loc"]
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        return f"{_dotted(place)}: unknown key; {nearest(str(place[-1]), _keys_at(model, place[:-1]))}"
    if kind == "missing":
        return f"{_dotted(place)}: is missing; add it ('shadowtap init' writes a file with every key)"
    if kind == "setting":
        inside = str(context["key"])
        return f"{_dotted(place) + '.' if place else ''}{inside}: {context['message']}"
    if kind == "value_error":
        return f"{_dotted(place)}: {context['error']}"
    if kind == "too_short":
        return f"{_dotted(place)}: is empty; name at least one"
    wanted = _ASK.get(kind) or error["msg"].replace("Input should be", "must be", 1)
    told = kind == "literal_error" or (isinstance(given, int | float) and not isinstance(given, bool))
    return f"{_dotted(place)}: {wanted}{f', not {given!r}' if told else ''}"


def _dotted(place: tuple[int | str, ...]) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "file"


def _keys_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at a place inside the settings."""
    here: Any = model
    for step in place:
        if get_origin(here) is dict:
            here = get_args(here)[1]
        elif get_origin(here) is tuple:
            here = get_args(here)[0]
        else:
            here = here.model_fields[str(step)].annotation
        here = _table(here)
    return list(here.model_fields)


def _table(annotation: Any) -> Any:
    """The annotation without `| None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation
