"""Epochs: the identity under which evidence of a dimension adds up, numbered within candidate and dimension from 1."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from comparators.dimensions import Dimension
from comparators.scoring import FeatureRules
from schemas.ids import content_hash


@dataclass(frozen=True, slots=True)
class Epoch:
    """An identity of a dimension. `feature` is empty for all features without settings of their own."""

    candidate: str
    feature: str
    dimension: str
    epoch: int
    identity: str
    kind: str
    tolerance: float
    clip: float
    reason: str  # why it began


EpochOf = Callable[[str, str, str], int]


def settle_epochs(
    known: Iterable[Epoch], current: str, candidates: Mapping[str, str], rules: Mapping[str, FeatureRules]
) -> tuple[list[Epoch], EpochOf]:
    """The epochs that begin now, and a lookup (candidate, feature, dimension) to the number in force.

    `candidates` maps names to candidate hashes; `rules` holds "" (all other features) and each feature with settings
    of its own. A return to a former identity returns to its number: its evidence still means the same.
    """
    table: dict[tuple[str, str], list[Epoch]] = {}
    for epoch in known:
        table.setdefault((epoch.candidate, epoch.dimension), []).append(epoch)
    begun: list[Epoch] = []
    in_force: dict[tuple[str, str, str], int] = {}
    for candidate, candidate_hash in candidates.items():
        for feature, rule in rules.items():
            for dimension in rule.dimensions:
                identity = content_hash(current, candidate_hash, dimension.identity, rule.assumed_noise)
                epochs = table.setdefault((candidate, dimension.name), [])
                same = [e for e in epochs if e.identity == identity]
                chosen = next((e for e in same if e.feature == feature), None)
                if chosen is None:
                    chosen = _begin(candidate, feature, dimension, identity, epochs)
                    epochs.append(chosen)
                    begun.append(chosen)
                in_force[candidate, feature, dimension.name] = chosen.epoch

    def epoch_of(candidate: str, feature: str, dimension: str) -> int:
        own = in_force.get((candidate, feature, dimension))
        return own if own is not None else in_force[candidate, "", dimension]

    return begun, epoch_of


def _begin(candidate: str, feature: str, dimension: Dimension, identity: str, epochs: list[Epoch]) -> Epoch:
    before = [epoch for epoch in epochs if epoch.feature == feature]
    if not before:
        reason = "first"
    elif before[-1].tolerance != dimension.tolerance:
        reason = f"tolerance {before[-1].tolerance} to {dimension.tolerance}"
    else:
        reason = "pins, changes, comparator or feature rules changed"
    return Epoch(
        candidate,
        feature,
        dimension.name,
        1 + max((epoch.epoch for epoch in epochs), default=0),
        identity,
        str(dimension.kind),
        dimension.tolerance,
        dimension.clip,
        reason,
    )
