"""Hard caps, per UTC day and for the upgrade. Each partition owns a share and reserves out of it before asking.

What a request may cost at most is reserved, what it did cost is booked when its answer is there: many in flight at
once cannot overshoot. What a partition has spent rides with each of its trials and ledger records, so that caps hold
across workers and restarts. While anything is in flight these records say a little more than was spent, and nothing is
asked beyond what the last durable one says: after a crash the next owner counts what its record says, so it never
counts too little. What was in flight then counts as spent, because the provider may have billed it.
"""

import asyncio
import math
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from math import inf

from faust.types import TP

from schemas import json_text
from schemas.settings import Budget as Caps
from schemas.values import immutable
from streams import metrics

DAY_S = 86_400
A_GRAIN = 1e-9  # USD: sums of floats are no more exact
AHEAD = 64  # requests that a record allows beyond what was spent, at most
AHEAD_DEAREST = 16  # and as many of the dearest exchange in USD
AHEAD_SHARE = 8  # but no more than this part (1/8) of a day's share: it is lost in a crash


@dataclass
class Spend:
    """What one partition has spent on a UTC day (ISO date), and since the upgrade began.

    `usd` is booked; `held_usd` is reserved for requests of that day whose answers are not there yet.
    """

    day: str = ""
    requests: int = 0
    usd: float = 0.0
    held_usd: float = 0.0
    total_requests: int = 0
    total_usd: float = 0.0
    total_held_usd: float = 0.0

    def to_bytes(self) -> bytes:
        """For the header of a record."""
        return json_text.dumps(self)

    @classmethod
    def from_bytes(cls, value: bytes) -> "Spend":
        """Read such a header; unknown fields are ignored."""
        fields = json_text.loads(value)
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})


@immutable
class Reservation:
    """Requests and the most they may cost, taken out of a partition's share on a day."""

    tp: TP
    day: str
    requests: int
    usd: float


def today() -> str:
    """The day that caps are for: the UTC date, as ISO writes it."""
    return _iso_date(int(time.time() // DAY_S))


@lru_cache(maxsize=2)
def _iso_date(day: int) -> str:
    """The UTC date so many days after 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


@dataclass(eq=False, slots=True)
class _Said:
    """What a record says that is on its way or durable; moments are counted."""

    spend: Spend
    made_at: int
    durable_at: int | None = None

    def is_before(self, other: "_Said") -> bool:
        """Whether the other one stands behind it in the log, however sends overtake each other."""
        return self.durable_at is not None and self.durable_at < other.made_at


@dataclass
class Budget:
    """Caps for all tapped partitions together.

    `places` are all tapped partitions, also those of other workers. Each owns an equal share; the first ones get one
    request more where a cap does not divide, so that the shares add up to it. `record` writes a record that carries
    `snapshot` durably and tells `recorded`; without it caps are kept as long as the process lives.
    """

    caps: Caps
    places: Sequence[TP]
    days: float = 2.0  # that the upgrade takes: spreads a cap for all of it, where the day has none
    spends: dict[TP, Spend] = field(default_factory=dict)
    record: Callable[[TP], Awaitable[None]] | None = None
    _settled: dict[TP, asyncio.Event] = field(default_factory=dict)
    _said: defaultdict[TP, list[_Said]] = field(default_factory=lambda: defaultdict(list))
    _moment: int = 0
    _recording: dict[TP, asyncio.Lock] = field(default_factory=dict)
    _open: Counter[TP] = field(default_factory=Counter)  # reservations that are not settled
    _asked_requests: Counter[TP] = field(default_factory=Counter)  # the largest reservation asked for
    _asked_usd: dict[TP, float] = field(default_factory=dict)  # the dearest one

    async def reserve(self, tp: TP, requests: int, usd: float, day: str) -> Reservation | None:
        """Take requests and the most they may cost out of the partition's share; None if they are not there.

        Where they would be there if everything in flight cost nothing, this waits for its answers.
        """
        while True:
            spend = self.spend(tp, day)
            if self._fits(tp, spend, requests, usd):
                if self.record is not None and not self._is_recorded(tp, spend, requests, usd):
                    await self._record(tp, self.record, requests, usd)
                    continue
                self._take(spend, requests, usd)
                self._open[tp] += 1
                return Reservation(tp, day, requests, usd)
            if spend.total_held_usd <= A_GRAIN or not self._fits(tp, spend, requests, usd, holds=False):
                return None
            event = self._settled.setdefault(tp, asyncio.Event())
            event.clear()
            await event.wait()

    def extend(self, reservation: Reservation, requests: int, usd: float) -> Reservation | None:
        """The reservation with more in it, None where more is not there; never waits."""
        tp, spend = reservation.tp, self.spend(reservation.tp, reservation.day)
        if spend.day != reservation.day or not self._fits(tp, spend, requests, usd):
            return None
        if self.record is not None and not self._is_recorded(tp, spend, requests, usd):
            return None
        self._take(spend, requests, usd)
        return replace(reservation, requests=reservation.requests + requests, usd=reservation.usd + usd)

    def settle(self, reservation: Reservation, usd: float, unsent: int = 0) -> None:
        """Book what the reserved requests did cost, and give back those that were not sent."""
        spend = self.spend(reservation.tp, reservation.day)
        if spend.day == reservation.day:
            spend.held_usd = max(0.0, spend.held_usd - reservation.usd)
            spend.usd += usd
            spend.requests -= unsent
        spend.total_held_usd = max(0.0, spend.total_held_usd - reservation.usd)
        spend.total_usd += usd
        spend.total_requests -= unsent
        self._open[reservation.tp] -= 1
        if reservation.tp in self._settled:
            self._settled[reservation.tp].set()

    def is_spent(self, tp: TP, requests: int, day: str) -> bool:
        """Whether so many requests are no longer there, or no dollar is."""
        return not self._fits(tp, self.spend(tp, day), requests, 3 * A_GRAIN, holds=False)

    def snapshot(self, tp: TP, day: str) -> Spend:
        """What a record is to say: while anything is in flight, a little more than was spent."""
        spend = replace(self.spend(tp, day))
        is_asking = tp in self._recording and self._recording[tp].locked()
        if self._open[tp] <= 0 and not is_asking:
            return self._saying(tp, spend)
        share, usd_share, dearest = self.requests_share(tp), self.usd_share(), self._asked_usd.get(tp, 0.0)
        requests = AHEAD if share is None else max(self._asked_requests[tp], min(AHEAD, share // AHEAD_SHARE))
        usd = AHEAD_DEAREST * dearest if usd_share is None else min(AHEAD_DEAREST * dearest, usd_share / AHEAD_SHARE)
        self._take(spend, requests, max(dearest, usd))
        return self._saying(tp, spend)

    def recorded(self, tp: TP, snapshot: Spend) -> None:
        """A record that carries this snapshot is durable."""
        self._moment += 1
        said = next((one for one in self._said[tp] if one.spend is snapshot), None)
        if said is not None:
            said.durable_at = self._moment
            self._said[tp] = [one for one in self._said[tp] if not one.is_before(said)]

    def restore(self, tp: TP, spend: Spend) -> None:
        """Take over what an earlier owner of the partition has spent, what it had in flight included."""
        usd, total_usd = spend.usd + spend.held_usd, spend.total_usd + spend.total_held_usd
        self.spends[tp] = replace(spend, usd=usd, held_usd=0.0, total_usd=total_usd, total_held_usd=0.0)

    def spend(self, tp: TP, day: str) -> Spend:
        """What the partition has spent on the newest day it knows, at least `day`."""
        spend = self.spends.setdefault(tp, Spend(day))
        if spend.day < day:
            spend.day, spend.requests, spend.usd, spend.held_usd = day, 0, 0.0, 0.0
        return spend

    def keep(self, tps: Collection[TP]) -> None:
        """These are the partitions of this worker; the others are somebody else's now."""
        self.spends = {tp: spend for tp, spend in self.spends.items() if tp in tps}
        self._said.clear()

    def grow(self, places: Sequence[TP], day: str) -> None:
        """Topics have gained partitions: shares get smaller, and the new ones own nothing yet.

        The old ones may have spent all of the day's cap already, so a new one's share of today counts as spent; of a
        cap for the whole upgrade it never gets any. Whoever gets a new one records that at once; a worker that starts
        between the growth and that record cannot tell new from old.
        """
        new = set(places) - set(self.places)
        self.places = places
        for tp in new:
            caps = self.caps
            self.spends[tp] = Spend(
                day,
                requests=self.requests_share(tp) or 0,
                usd=self.usd_share() or 0.0,
                total_requests=self._share(tp, caps.requests_total) or 0,
                total_usd=0.0 if caps.usd_total is None else caps.usd_total / len(places),
            )

    def tell(self, day: str) -> None:
        """What is left today in the partitions of this worker, as metrics."""
        spends = [(tp, self.spend(tp, day)) for tp in tuple(self.spends)]
        requests = [own - spend.requests for tp, spend in spends if (own := self.requests_share(tp)) is not None]
        share = self.usd_share()
        usd = [share - spend.usd - spend.held_usd for _, spend in spends] if share is not None else []
        metrics.BUDGET_LEFT_REQUESTS.set(sum(requests) if requests else inf)
        metrics.BUDGET_LEFT_USD.set(sum(usd) if usd else inf)

    def requests_share(self, tp: TP) -> int | None:
        """Requests that the partition may send on a day, None without a cap."""
        cap, total = self.caps.requests_per_day, self.caps.requests_total
        return self._share(tp, math.ceil(total / self._days) if cap is None and total is not None else cap)

    def usd_share(self) -> float | None:
        """USD that a partition may spend on a day, None without a cap."""
        cap, total = self.caps.usd_per_day, self.caps.usd_total
        cap = total / self._days if cap is None and total is not None else cap
        return None if cap is None else cap / len(self.places)

    @property
    def _days(self) -> float:
        return max(1.0, self.days) if self.caps.pace == "day" else 1.0

    def _fits(self, tp: TP, spend: Spend, requests: int, usd: float, *, holds: bool = True) -> bool:
        """Whether so much is there; without `holds` as if everything in flight had cost nothing."""
        if not self.caps.has_cap:
            return True
        day_requests, all_requests = self.requests_share(tp), self._share(tp, self.caps.requests_total)
        if day_requests is not None and spend.requests + requests > day_requests:
            return False
        if all_requests is not None and spend.total_requests + requests > all_requests:
            return False
        day_usd, all_usd = self.usd_share(), self.caps.usd_total
        if day_usd is not None and spend.usd + holds * spend.held_usd + usd > day_usd + A_GRAIN:
            return False
        total_usd = spend.total_usd + holds * spend.total_held_usd + usd
        return all_usd is None or total_usd <= all_usd / len(self.places) + A_GRAIN

    def _is_recorded(self, tp: TP, spend: Spend, requests: int, usd: float) -> bool:
        """Whether every record that may be the last one says that this was spent."""
        said, total_usd = self._said[tp], spend.total_usd + spend.total_held_usd + usd
        return any(one.durable_at is not None for one in said) and all(
            one.spend.day == spend.day
            and spend.total_requests + requests <= one.spend.total_requests
            and total_usd <= one.spend.total_usd + one.spend.total_held_usd + A_GRAIN
            for one in said
        )

    def _saying(self, tp: TP, spend: Spend) -> Spend:
        if self.record is not None:
            self._moment += 1
            self._said[tp].append(_Said(spend, self._moment))
        return spend

    async def _record(self, tp: TP, record: Callable[[TP], Awaitable[None]], requests: int, usd: float) -> None:
        self._asked_usd[tp] = max(usd, self._asked_usd.get(tp, 0.0))
        self._asked_requests[tp] = max(requests, self._asked_requests[tp])
        lock = self._recording.setdefault(tp, asyncio.Lock())
        is_first = not lock.locked()
        async with lock:
            if is_first:  # the others look again whether what was written is enough for them
                await record(tp)

    @staticmethod
    def _take(spend: Spend, requests: int, usd: float) -> None:
        spend.requests += requests
        spend.total_requests += requests
        spend.held_usd += usd
        spend.total_held_usd += usd

    def _share(self, tp: TP, cap: int | None) -> int | None:
        if cap is None:
            return None
        share, rest = divmod(cap, len(self.places))
        return share + (self.places.index(tp) < rest if tp in self.places else 0)
