"""Pins: exact, immutable model versions, written `provider/model-id`. The rules per provider stand in `pins.toml`."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from schemas.values import immutable


class Pin(NamedTuple):
    """A pin in its two parts; the model id may hold further slashes (`together/meta-llama/Llama-3.3-70B`)."""

    provider: str
    model: str


@cache
def split_pin(pin: str) -> Pin:
    """Provider and model id of a pin.

    >>> split_pin("openai/gpt-4o-2024-08-06")
    Pin(provider='openai', model='gpt-4o-2024-08-06')

    Raises:
        ValueError: not of the form `provider/model-id`.
    """
    provider, slash, model = pin.partition("/")
    if not (provider and slash and model) or any(letter.isspace() for letter in pin):
        raise ValueError(f"{pin!r} is no pin; write provider/model-id, such as openai/gpt-4o-2024-08-06")
    return Pin(provider, model)


def check_pin(pin: str, *, pinned: bool = False) -> None:
    """Refuse what is no exact version; `pinned` is the user's own word for it where the rules cannot tell.

    Raises:
        ValueError: an alias, or a model id the rules do not know and nobody vouched for; says what to write instead.
    """
    provider, model = split_pin(pin)
    rules = _rules().get(provider)
    if rules is None:
        if not pinned:
            raise ValueError(
                f"no rules for provider {provider!r} tell whether {model!r} is an exact version;"
                " if it never changes, add pinned = true"
            )
        return
    if any(alias.search(model) for alias in rules.alias):
        raise ValueError(
            f"{pin!r} is an alias, which {provider} moves to other versions;"
            f" name the exact one, such as {rules.example}"
        )
    if not pinned and not any(exact.search(model) for exact in rules.exact):
        raise ValueError(
            f"{pin!r} does not look like an exact version (such as {rules.example});"
            " if it never changes, add pinned = true"
        )


def rules_dated() -> str:
    """The day the rules were last looked after, ISO date."""
    return str(_file()["dated"])


@immutable
class _Rules:
    example: str
    exact: tuple[re.Pattern[str], ...]
    alias: tuple[re.Pattern[str], ...]


@cache
def _rules() -> dict[str, _Rules]:
    return {
        provider: _Rules(
            entry["example"],
            tuple(re.compile(pattern) for pattern in entry["exact"]),
            tuple(re.compile(pattern) for pattern in entry["alias"]),
        )
        for provider, entry in _file().items()
        if isinstance(entry, dict)
    }


@cache
def _file() -> dict[str, object]:
    return tomllib.loads(resources.files("schemas").joinpath("pins.toml").read_text(encoding="utf-8"))
