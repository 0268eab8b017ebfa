"""Epochs: under which identity evidence adds up, and what changed when it no longer does.

Numbers are given within a candidate's dimension, over all its features, so that (candidate, dimension, epoch) names
one identity. The rank counts the epochs one feature had: it decides how much alpha is left for the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, field
from typing import NamedTuple

from schemas import json_text
from schemas.calibrations import CALIBRATING
from schemas.values import immutable
from schemas.verdicts import Epoch


class Scope(NamedTuple):
    """Whose epoch: `feature` is empty for all features without rules of their own."""

    candidate: str
    feature: str
    dimension: str


@immutable
class Identity:
    """Everything that gives evidence a meaning; each part is a pin, a hash or a number as text."""

    current: str  # pin
    candidate_hash: str
    dimension: str  # Dimension.identity: comparator, settings, tolerance, clip
    feature_rules: str = ""  # hash of how requests are assigned to features
    assumed_noise: str = ""  # where reruns are off
    calibration: str = ""  # hash of what was frozen, or `calibrating`, for dimensions that calibrate
    accepted: str = ""  # the signatures that people accepted: they score 0 in every arm

    @property
    def text(self) -> str:
        """What is stored and compared: the parts that are not empty, as JSON, so that a new part begins nothing."""
        return json_text.canonical({name: part for name, part in asdict(self).items() if part}).decode()


@immutable
class EpochsInForce:
    """Look-up of the epochs in force: the rows that the wanted identities stand for, and when each scope began."""

    rows: Mapping[Scope, Epoch]
    began_ms: Mapping[Scope, int] = field(default_factory=dict)

    def row(self, candidate: str, feature: str, dimension: str) -> Epoch:
        """The row in force: the feature's own, else the one for all features.

        Raises:
            KeyError: no identity was wanted for this candidate and dimension.
        """
        own = self.rows.get(Scope(candidate, feature, dimension))
        return own if own is not None else self.rows[Scope(candidate, "", dimension)]

    def epoch_of(self, candidate: str, feature: str, dimension: str) -> int:
        """The number of the epoch in force."""
        return self.row(candidate, feature, dimension).epoch

    def later_dimensions(self, candidate: str, feature: str, dimensions: Sequence[str]) -> list[str]:
        """Those of the dimensions that began after the candidate's first ones, in the order they did."""
        first = min((ms for scope, ms in self.began_ms.items() if scope.candidate == candidate), default=0)
        began = {}
        for dimension in dimensions:
            scopes = Scope(candidate, "", dimension), Scope(candidate, feature, dimension)
            began[dimension] = min((self.began_ms[scope] for scope in scopes if scope in self.began_ms), default=first)
        return sorted((name for name, ms in began.items() if ms > first), key=lambda name: (began[name], name))


def plan_epochs(
    known: Iterable[Epoch], wanted: Mapping[Scope, Identity], now_ms: int
) -> tuple[tuple[Epoch, ...], EpochsInForce]:
    """New epoch rows to store, and the look-up for the wanted identities.

    Returning to a former identity returns to its number: its evidence adds up again. A feature that once had rules of
    its own keeps rows of its own, also when it goes back to the common rules: its ranks must not repeat.
    """
    rows = list(known)
    new: list[Epoch] = []
    in_force: dict[Scope, Epoch] = {}
    existing = tuple(rows)
    common = {(scope.candidate, scope.dimension): identity for scope, identity in wanted.items() if not scope.feature}
    returned = {
        scope: common[scope.candidate, scope.dimension]
        for scope in (Scope(row.candidate, row.feature, row.dimension) for row in existing)
        if scope.feature and scope not in wanted and (scope.candidate, scope.dimension) in common
    }
    for scope, identity in (*wanted.items(), *returned.items()):
        text = identity.text
        own = [row for row in rows if _is_of(row, scope)]
        # A feature that leaves the common rules had their epochs until now.
        had = own or [row for row in existing if _is_of(row, scope._replace(feature=""))]
        found = next((row for row in own if row.identity == text), None)
        if found is None:
            found = _next_row(rows, had, scope, text, now_ms)
            rows.append(found)
            new.append(found)
        in_force[scope] = found
    began_ms: dict[Scope, int] = {}
    for row in rows:
        scope = Scope(row.candidate, row.feature, row.dimension)
        began_ms[scope] = min(row.started_ms, began_ms.get(scope, row.started_ms))
    return tuple(new), EpochsInForce(in_force, began_ms)


def _next_row(rows: list[Epoch], had: list[Epoch], scope: Scope, identity: str, now_ms: int) -> Epoch:
    siblings = [row for row in rows if row.candidate == scope.candidate and row.dimension == scope.dimension]
    number = next((row.epoch for row in siblings if row.identity == identity), None)
    if number is None:
        number = 1 + max((row.epoch for row in siblings), default=0)
    before = max(had, key=lambda row: (row.rank, row.epoch), default=None)
    # A feature's first own row may carry the identity it had under the common rules: the same rank again.
    same = next((row for row in had if row.identity == identity), None)
    # An epoch that was still calibrating held no evidence, so it used up no alpha.
    spent = [row.rank for row in had if json_text.loads(row.identity).get("calibration") != CALIBRATING]
    rank = same.rank if same is not None else 1 + max(spent, default=0)
    reason = "first" if before is None else _difference(before.identity, identity)
    return Epoch(scope.candidate, scope.feature, scope.dimension, number, rank, identity, reason, now_ms)


def _difference(before: str, after: str) -> str:
    was, now = json_text.loads(before), json_text.loads(after)
    parts = [part for part in {**was, **now} if was.get(part) != now.get(part)]
    return ", ".join(f"{part}: {was.get(part, 'none')} -> {now.get(part, 'none')}" for part in parts) or "own rules"


def _is_of(row: Epoch, scope: Scope) -> bool:
    return (row.candidate, row.feature, row.dimension) == tuple(scope)
