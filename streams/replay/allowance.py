"""How much may be asked per minute: what the settings allow, and what the provider says is left.

Own code rather than aiolimiter, because the provider's word moves the limit while requests wait. Time is passed in, in
seconds of any clock that only goes forward. The same serves requests and tokens.
"""

from dataclasses import dataclass
from math import inf

MINUTE_S = 60.0
BURST = 0.1  # of a minute's allowance may go out at once


@dataclass
class Bucket:
    """Fills at `rate` per second up to `capacity`; an amount larger than that passes when it is full."""

    rate: float
    capacity: float
    level: float
    at: float

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much may be taken."""
        self._fill(now)
        lacking = min(amount, self.capacity) - self.level
        return 0.0 if lacking <= 0 else lacking / self.rate if self.rate > 0 else inf

    def take(self, amount: float, now: float) -> None:
        """Take so much (less than zero: give back); the level may go below zero."""
        self._fill(now)
        self.level = min(self.capacity, self.level - amount)

    def _fill(self, now: float) -> None:
        self.level = min(self.capacity, self.level + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)


def per_minute(limit: float, now: float) -> Bucket:
    """A full bucket that never gives more than `limit` in any 60 seconds, bursts included."""
    capacity = max(1.0, float(int(limit * BURST)))
    return Bucket((limit - capacity + 1) / MINUTE_S, capacity, capacity, now)


@dataclass
class Allowance:
    """Of one kind, requests or tokens; nothing limits it before somebody says so.

    `own` is the settings' limit, `told` the provider's. `reserve` is the share of the latter that production keeps.
    """

    own: Bucket | None = None
    reserve: float = 0.0
    told: Bucket | None = None
    outstanding: float = 0.0  # taken by requests that have not come back

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much may be asked."""
        return max((bucket.wait_s(amount, now) for bucket in (self.own, self.told) if bucket is not None), default=0.0)

    def take(self, amount: float, now: float) -> None:
        """A request goes out that is thought to need so much."""
        self.outstanding += amount
        for bucket in (self.own, self.told):
            if bucket is not None:
                bucket.take(amount, now)

    def settle(self, amount: float, needed: float, now: float) -> None:
        """It came back, and needed so much in truth. The provider corrects its own count itself."""
        self.outstanding -= amount
        if self.own is not None:
            self.own.take(needed - amount, now)

    def restrict(self, limit: float, now: float) -> None:
        """The settings allow so much per minute, from now on; what was taken stays taken."""
        before, self.own = self.own, per_minute(limit, now)
        if before is not None:
            self.own.level = min(self.own.level, before.level)

    def hear(self, limit: float, remaining: float, reset_s: float | None, now: float) -> None:
        """What the provider reports: its limit, what is left of it, and when all of it is there again.

        We stay above `reserve * limit`, and take no more than our share of what comes back: so production, which draws
        on the same limit, always finds that much. Requests still out may not be counted yet, so they are counted here.
        """
        ours = 1 - self.reserve
        rate = limit / MINUTE_S
        if reset_s and remaining < limit:
            rate = min(rate, (limit - remaining) / reset_s)  # some limits are per day
        capacity = max(1.0, ours * limit * BURST)
        usable = remaining - self.reserve * limit - self.outstanding
        self.told = Bucket(max(ours * rate, 1e-9), capacity, min(usable, capacity), now)
