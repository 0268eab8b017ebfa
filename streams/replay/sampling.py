"""Which exchanges are asked, and asked again, by hash: the same exchange is decided alike however often it comes.

The hash of an exchange is below the share of each candidate that is asked, so a candidate that is asked seldom is asked
what the others are asked too. Reruns are a nested part. Until a feature has `WARM_UP` reruns each of its exchanges is
rerun, because nothing can be judged before the noise is known.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from schemas.ids import unit_interval

WARM_UP = 60


@dataclass
class Sampling:
    """`share(candidate, feature)` and `rerun(feature)` give the shares in force; `is_known` whose noise is known."""

    candidates: Sequence[str]
    share: Callable[[str, str], float]
    rerun: Callable[[str], float]
    is_known: Callable[[str], bool] = lambda _: False
    reruns: Counter[str] = field(default_factory=Counter)

    def asked(self, trial: UUID, feature: str, pace: float = 1.0) -> dict[str, float]:
        """The candidates to ask, each with 1 / the probability in force; none where the exchange is sampled out.

        `pace` is the part of the shares that the budget allows now.
        """
        coin = unit_interval(trial, "candidate")
        rates = {name: self.share(name, feature) * pace for name in self.candidates}
        return {name: 1.0 / rate for name, rate in rates.items() if coin < rate}

    def is_rerun(self, trial: UUID, feature: str) -> bool:
        """Whether the current pin is asked again too."""
        rate = self.rerun(feature)
        if rate <= 0:
            return False
        is_new = self.reruns[feature] < WARM_UP and not self.is_known(feature)
        chosen = is_new or unit_interval(trial, "rerun") < rate
        self.reruns[feature] += chosen
        return chosen
