"""Which exchanges are asked again, by hash: the same exchange is decided alike however often it comes.

Reruns are a nested part of what is asked. Until a feature has `WARM_UP` reruns each of its exchanges is rerun,
because nothing can be judged before the noise is known.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from schemas.ids import unit_interval
from schemas.settings import Sampling as Rates

WARM_UP = 60


@dataclass
class Sampling:
    """`rates(feature)` gives the shares in force: asked of the candidates, and of those rerun."""

    rates: Callable[[str], Rates]
    reruns: Counter[str] = field(default_factory=Counter)

    def weight(self, trial: UUID, feature: str, pace: float = 1.0) -> float | None:
        """1 / the probability in force where the exchange is asked, None where it is sampled out.

        `pace` is the part of the feature's share that the budget allows now.
        """
        rate = self.rates(feature).candidate * pace
        return 1.0 / rate if rate > 0 and unit_interval(trial, "candidate") < rate else None

    def is_rerun(self, trial: UUID, feature: str) -> bool:
        """Whether the current pin is asked again too."""
        rate = self.rates(feature).rerun
        if rate <= 0:
            return False
        chosen = self.reruns[feature] < WARM_UP or unit_interval(trial, "rerun") < rate
        self.reruns[feature] += chosen
        return chosen
