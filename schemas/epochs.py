"""Epochs and families: under which identity evidence adds up, and which share of alpha a feature may spend."""

from dataclasses import dataclass

from schemas.comparisons import Kind


@dataclass(frozen=True, slots=True)
class Epoch:
    """An identity under which evidence of a dimension adds up.

    `epoch` is numbered within upgrade, candidate and dimension, from 1. `feature` is empty for every feature without
    settings of its own. `identity` hashes all that gives the evidence its meaning; `reason` says in words why the
    epoch began. `tolerance` and `clip` are in [0, 1]; a clip of 1 clips nothing. `started_ms` is milliseconds since
    1970 UTC.
    """

    upgrade: str
    candidate: str
    feature: str
    dimension: str
    epoch: int
    identity: str
    reason: str
    kind: Kind
    tolerance: float
    clip: float
    started_ms: int


@dataclass(frozen=True, slots=True)
class Family:
    """A feature of a candidate in order of appearance, with its share of alpha (0 to 1).

    `position` counts from 1, declared and undeclared features apart.
    """

    upgrade: str
    candidate: str
    feature: str
    position: int
    declared: bool
    share: float
