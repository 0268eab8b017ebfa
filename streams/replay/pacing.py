"""Spreads a day's share over the day: the scarcer what may be spent now, the smaller the part that is sampled.

Each partition has a bucket per cap. It fills at the pace at which what is left of the day's share lasts until
midnight (UTC), never at more than twice the even pace, and holds an hour's worth. The rate is 1 while it is half full
and falls with it from there, so it settles where spending equals the pace, at night as at noon, and it depends on past
spending only.
It is never 0: every exchange can be sampled, and 1 / rate is a weight.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from faust.types import TP

from streams.replay.budget import DAY_S, Budget

BURST = 1 / 24  # of a day's share
FIRST = 25  # exchanges that a bucket holds at least: a small budget is for trying things out
FASTEST = 2.0  # times the even pace
LEAST = 1e-4  # rate


@dataclass(slots=True)
class _Bucket:
    holds: float
    level: float
    at: float

    def fill(self, now: float, share: float, spent: float) -> None:
        left_s = DAY_S - now % DAY_S
        pace = min(FASTEST * share / DAY_S, max(0.0, share - spent) / left_s)
        self.level = min(self.holds, self.level + pace * max(0.0, now - self.at))
        self.at = now

    @property
    def rate(self) -> float:
        return 1.0 if self.holds <= 0 else min(1.0, max(LEAST, 2 * self.level / self.holds))


@dataclass
class Pace:
    """The part of the exchanges to sample now, per partition. `clock` gives seconds since 1970 UTC."""

    budget: Budget
    clock: Callable[[], float]
    _requests: dict[TP, _Bucket] = field(default_factory=dict)
    _usd: dict[TP, _Bucket] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to spread."""
        return self.budget.caps.pace != "none" and self.budget.caps.has_cap

    def rate(self, tp: TP, requests: int, usd: float) -> float:
        """In (0, 1], for an exchange that takes so many requests and about so many USD."""
        if not self.is_kept:
            return 1.0
        now = self.clock()
        spend = self.budget.spend(tp, datetime.fromtimestamp(now, UTC).date().isoformat())
        rate = 1.0
        for buckets, share, spent, each in (
            (self._requests, self.budget.requests_share(tp), spend.requests, requests),
            (self._usd, self.budget.usd_share(), spend.usd, usd),
        ):
            if not share:
                continue
            if tp not in buckets:
                holds = min(share, max(share * BURST, FIRST * each))
                buckets[tp] = _Bucket(holds, holds, now)
            buckets[tp].fill(now, share, spent)
            rate = min(rate, buckets[tp].rate)
        return rate

    def took(self, tp: TP, requests: int, usd: float) -> None:
        """So much was spent, or (negative) was less than thought."""
        for buckets, amount in ((self._requests, requests), (self._usd, usd)):
            if tp in buckets:
                buckets[tp].level -= amount

    def forget(self, tp: TP) -> None:
        """Somebody else had the partition meanwhile."""
        self._requests.pop(tp, None)
        self._usd.pop(tp, None)
