"""To which product feature an exchange belongs."""

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.exchanges import Exchange
from schemas.json_paths import json_path

DEFAULT = "default"
OTHER = "other"
UNDECLARED = 50  # features beyond these are `other`
_LONGEST = 100  # characters of a name


def feature_of(exchange: Exchange, rules: Sequence[str]) -> str:
    """The first hit of the rules, else the feature the envelope itself names, else `default`.

    `header:NAME` reads a header of the request or of the record; a path such as `$.metadata.feature` is looked up in
    the record without its request and answer, then in the request (also as `$.request.metadata.feature`).
    """
    for rule in (*rules, "$.feature"):
        name = _name(_hit(exchange, rule))
        if name:
            return name
    return DEFAULT


class FeatureNames:
    """Which features have a name of their own: declared ones, and undeclared ones in order of appearance up to a limit.

    Every name is a family of tests and rows in every table, and a client that writes ids into the feature header must
    not make millions of them. Whoever stores the order passes in `seen` what is known already.
    """

    def __init__(self, declared: Iterable[str], seen: Iterable[str] = (), limit: int = UNDECLARED) -> None:
        self._declared = frozenset(declared)
        self._limit = limit
        self._seen: dict[str, None] = {}
        for name in seen:
            self.admit(name)

    @property
    def seen(self) -> tuple[str, ...]:
        """Undeclared features that have a name of their own, in order of appearance."""
        return tuple(self._seen)

    def admit(self, name: str) -> str:
        """The name under which a feature is counted: its own, or `other`."""
        if name in self._declared or name in self._seen or name == OTHER:
            return name
        if len(self._seen) >= self._limit:
            return OTHER
        self._seen[name] = None
        return name


def _hit(exchange: Exchange, rule: str) -> Any:
    if rule.startswith("header:"):
        return exchange.headers.get(rule.removeprefix("header:").lower())
    path = json_path(rule)
    body = exchange.request.body
    return next(
        (hit for place in (exchange.fields, body, {"request": body}) if (hit := path.find(place)) is not None), None
    )


def _name(hit: Any) -> str:
    if isinstance(hit, bool) or not isinstance(hit, str | int):
        return ""
    name = str(hit)
    if not name.isprintable():
        name = "".join(letter for letter in name if letter.isprintable())
    return name.strip()[:_LONGEST]
