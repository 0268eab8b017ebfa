"""Calibrations at work: read what is frozen, write what was observed, freeze what is complete.

What people accept is taken up the same way: it changes the rules of a running upgrade, too.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from comparators.calibration import CalibratedComparator, freeze
from comparators.drift.epochs import EpochsInForce
from comparators.scoring import observe
from schemas.calibrations import Learner, Observation
from schemas.comparisons import Comparison
from schemas.config import Config
from streams.epochs import settle_epochs
from streams.rules import Rules
from streams.store import Store

READ_EVERY_S = 2.0


@dataclass
class InForce:
    """The rules of an upgrade with what is frozen and accepted by now, and their epochs: they change together."""

    config: Config
    store: Store
    rules: Rules
    epochs: EpochsInForce
    _read_at: float = field(default_factory=time.monotonic)

    @classmethod
    async def settle(cls, store: Store, config: Config, rules: Rules) -> "InForce":
        """What holds at the start of a worker."""
        await store.require_schema()
        rules = await _now(store, rules)
        return cls(config, store, rules, await settle_epochs(store, config, rules))

    async def follow(self, within_s: float = READ_EVERY_S) -> None:
        """Take up what was frozen or accepted since, unless that was looked at within so many seconds."""
        now = time.monotonic()
        if now - self._read_at < within_s:
            return
        rules = await _now(self.store, self.rules)
        if (rules.calibrations, rules.acceptances) != (self.rules.calibrations, self.rules.acceptances):
            self.rules, self.epochs = rules, await settle_epochs(self.store, self.config, rules)
        self._read_at = now

    async def freeze(self) -> None:
        """Freeze what has observed a whole window, and take it up. For the judge: nobody else should."""
        upgrade = self.config.upgrade.name
        frozen = []
        for learner, count in (await self.store.observed(upgrade)).items():
            comparator = self._comparator(learner)
            if comparator is not None and count >= comparator.window:
                window = await self.store.first_observations(upgrade, learner, comparator.window)
                found = freeze(comparator, window, int(time.time() * 1000))
                if found is not None:
                    frozen.append(found)
        if frozen:
            await self.store.add_calibrations(upgrade, frozen)
            await self.follow(within_s=0.0)

    def _comparator(self, learner: Learner) -> CalibratedComparator | None:
        for dimension in self.rules.of(learner.feature).dimensions:
            if self.rules.learns(learner.feature, dimension, learner):
                comparator = dimension.comparator
                return comparator if isinstance(comparator, CalibratedComparator) else None
        return None


async def _now(store: Store, rules: Rules) -> Rules:
    upgrade = rules.config.upgrade.name
    return rules.accepting(await store.acceptances(upgrade)).calibrated(await store.calibrations(upgrade))


class Observer:
    """What a score worker has to write down for calibrating: no more than a window of each learner."""

    def __init__(self) -> None:
        self._written: Counter[Learner] = Counter()

    def observations(self, comparisons: Sequence[Comparison], rules: Rules) -> list[Observation]:
        """New observations; they count as written once `written` was told."""
        return [
            observation
            for comparator, observation in observe(comparisons, rules.learner, rules.of)
            if self._written[observation.learner] < comparator.window
        ]

    def written(self, observations: Sequence[Observation]) -> None:
        """These are stored."""
        self._written.update(observation.learner for observation in observations)
