"""Epochs at the start of a worker: what was in force, what is wanted now, and what begins because of it."""

import time

from comparators.drift.epochs import EpochsInForce, plan_epochs
from schemas.config import Config
from schemas.epochs import EpochRow
from streams.rules import Rules
from streams.store import Store


async def settle_epochs(store: Store, config: Config, rules: Rules) -> EpochsInForce:
    """Begin the epochs that the configuration calls for; several workers may do so at once."""
    upgrade = config.upgrade.name
    new, _ = plan_epochs(await store.epochs(upgrade), rules.identities, int(time.time() * 1000))
    if new:
        dimensions = {
            (feature, dimension.name): dimension
            for feature, rule in {"": rules.common, **rules.own}.items()
            for dimension in rule.dimensions
        }
        rows = []
        for epoch in new:
            dimension = dimensions.get((epoch.feature, epoch.dimension)) or dimensions["", epoch.dimension]
            rows.append(EpochRow(epoch, dimension.kind, dimension.tolerance, dimension.clip))
        await store.add_epochs(upgrade, rows)
    # Whoever stored a number first keeps it: read again what is in force.
    _, in_force = plan_epochs(await store.epochs(upgrade), rules.identities, int(time.time() * 1000))
    return in_force
