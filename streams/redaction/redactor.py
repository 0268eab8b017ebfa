"""Puts a placeholder such as `[EMAIL]` where a text holds personal data or a key."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from streams.redaction import key_shapes, personal

Finder = Callable[[str], Iterable[key_shapes.Span]]

KINDS: Mapping[str, Finder] = {  # where two overlap, the first one counts
    "private_key": key_shapes.private_keys,
    "file": personal.files,
    "jwt": key_shapes.tokens,
    "key": key_shapes.keys,
    "password": key_shapes.passwords,
    "email": personal.emails,
    "iban": personal.ibans,
    "card": personal.cards,
    "ip": personal.addresses,
    "phone": personal.phones,
}
_TAKEN = "\n"  # stands where something was found already: no kind reaches over the end of a line
_LONG_NUMBER = 10**12  # the shortest card number


class Found(NamedTuple):
    """One piece of personal data: first character, the one after the last, and its kind."""

    start: int
    end: int
    kind: str


class Redactor:
    r"""Redacts by the built-in kinds and by own patterns, a name to a regular expression, which come first.

    >>> Redactor({"customer": r"KD-\d{6}"}).text("KD-123456 wrote from ada@example.org")
    '[CUSTOMER] wrote from [EMAIL]'
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        patterns = {name: re.compile(pattern) for name, pattern in (own or {}).items()}
        self._kinds: dict[str, Finder] = {
            **{name: _finder(pattern) for name, pattern in patterns.items()},
            **{name: find for name, find in KINDS.items() if name not in patterns},
        }

    def find(self, text: str) -> list[Found]:
        """What is to be redacted, in the order of the text, nothing overlapping."""
        found: list[Found] = []
        is_taken = bytearray(len(text))
        for kind, find in self._kinds.items():
            here: list[Found] = []
            for start, end in sorted(find(text)):
                if end > start and 1 not in is_taken[start:end]:
                    here.append(Found(start, end, kind))
                    is_taken[start:end] = b"\x01" * (end - start)
            if here:
                text = _replaced(text, here, lambda one: _TAKEN * (one.end - one.start))
                found += here
        return sorted(found)

    def text(self, text: str) -> str:
        """The text with placeholders."""
        return _replaced(text, self.find(text), lambda one: f"[{one.kind.upper()}]")

    def value(self, value: Any) -> Any:
        """A copy of parsed JSON with placeholders in its texts, names of keys too, and in place of long numbers."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self.value(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if isinstance(value, int) and value >= _LONG_NUMBER and not isinstance(value, bool):
            shown = self.text(str(value))
            return value if shown == str(value) else shown
        return value


def _finder(pattern: re.Pattern[str]) -> Finder:
    return lambda text: (found.span() for found in pattern.finditer(text))


def _replaced(text: str, found: Iterable[Found], by: Callable[[Found], str]) -> str:
    pieces, place = [], 0
    for one in found:
        pieces += [text[place : one.start], by(one)]
        place = one.end
    return "".join([*pieces, text[place:]])
