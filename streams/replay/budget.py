"""Hard daily caps. Each partition owns a share, reserved before asking, so caps hold across workers.

What a partition has spent today stands in its newest ledger record, so caps hold across restarts too.
"""

from dataclasses import dataclass, field


@dataclass
class Spend:
    """What one partition has spent on a UTC day (ISO date)."""

    day: str = ""
    requests: int = 0
    usd: float = 0.0


@dataclass
class Budget:
    """Caps per UTC day for all partitions together; None is no cap.

    `partitions` is how many share them. A share is rounded down, and partition 0..k-1 get one more request so that
    the shares add up to the cap.
    """

    requests_per_day: int | None
    usd_per_day: float | None
    partitions: int
    spends: dict[int, Spend] = field(default_factory=dict)

    def reserve(self, partition: int, requests: int, day: str) -> bool:
        """Take so many requests out of today's share of the partition; False if they are not there."""
        spend = self.spend(partition, day)
        if self.requests_per_day is not None and spend.requests + requests > self._share(partition):
            return False
        if self.usd_per_day is not None and spend.usd >= self.usd_per_day / self.partitions:
            return False
        spend.requests += requests
        return True

    def spent(self, partition: int, usd: float, day: str) -> None:
        """Book what asking has cost."""
        self.spend(partition, day).usd += usd

    def restore(self, partition: int, spend: Spend) -> None:
        """Take over what an earlier owner of the partition has spent; the larger of the two counts."""
        known = self.spend(partition, spend.day)
        known.requests, known.usd = max(known.requests, spend.requests), max(known.usd, spend.usd)

    def spend(self, partition: int, day: str) -> Spend:
        """Today's spend of the partition."""
        spend = self.spends.setdefault(partition, Spend(day))
        if spend.day < day:
            spend.day, spend.requests, spend.usd = day, 0, 0.0
        return spend

    def _share(self, partition: int) -> int:
        share, rest = divmod(self.requests_per_day or 0, self.partitions)
        return share + (partition % self.partitions < rest)
