"""Hard daily caps. Each partition owns a share, reserved before asking, so caps hold across workers.

What a partition has spent today stands in its newest ledger record, so caps hold across restarts too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from faust.types import TP


@dataclass
class Spend:
    """What one partition has spent on a UTC day (ISO date)."""

    day: str = ""
    requests: int = 0
    usd: float = 0.0


@dataclass
class Budget:
    """Caps per UTC day for all tapped partitions together; None is no cap.

    `places` are all tapped partitions, also those of other workers. Each owns an equal share; the first ones get one
    request more where the cap does not divide, so that the shares add up to it.
    """

    requests_per_day: int | None
    usd_per_day: float | None
    places: Sequence[TP]
    spends: dict[TP, Spend] = field(default_factory=dict)

    def reserve(self, tp: TP, requests: int, day: str) -> bool:
        """Take so many requests out of today's share of the partition; False if they are not there."""
        spend = self.spend(tp, day)
        if self.requests_per_day is not None and spend.requests + requests > self._share(tp):
            return False
        if self.usd_per_day is not None and spend.usd >= self.usd_per_day / len(self.places):
            return False
        spend.requests += requests
        return True

    def spent(self, tp: TP, usd: float, day: str) -> None:
        """Book what asking has cost."""
        self.spend(tp, day).usd += usd

    def restore(self, tp: TP, spend: Spend) -> None:
        """Take over what an earlier owner of the partition has spent; the larger of the two counts."""
        known = self.spend(tp, spend.day)
        known.requests, known.usd = max(known.requests, spend.requests), max(known.usd, spend.usd)

    def spend(self, tp: TP, day: str) -> Spend:
        """Today's spend of the partition."""
        spend = self.spends.setdefault(tp, Spend(day))
        if spend.day < day:
            spend.day, spend.requests, spend.usd = day, 0, 0.0
        return spend

    def _share(self, tp: TP) -> int:
        share, rest = divmod(self.requests_per_day or 0, len(self.places))
        return share + (self.places.index(tp) < rest if tp in self.places else 0)
