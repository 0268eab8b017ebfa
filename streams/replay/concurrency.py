"""How many requests may be in flight at a provider: one more per round of successes, a cut at trouble (AIMD).

Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance" (1989). Time is passed in,
in seconds of any clock that only goes forward.
"""

from dataclasses import dataclass, field
from math import inf

CUT = 0.7  # what is left of the limit after trouble


@dataclass
class Concurrency:
    """`limit` moves between 1 and `ceiling`; it starts at the ceiling, which is what the user allows."""

    ceiling: int
    limit: float = field(init=False)
    in_flight: int = 0
    held_until: float = -inf  # Retry-After: nothing is sent and nothing grows before
    _cut_at: float = -inf

    def __post_init__(self) -> None:
        self.limit = float(self.ceiling)

    def wait_s(self, now: float) -> float:
        """Seconds until one more may be sent; infinite where one has to come back first."""
        if self.in_flight >= int(self.limit):
            return inf
        return max(0.0, self.held_until - now)

    def sent(self) -> None:
        """One more is in flight."""
        self.in_flight += 1

    def succeeded(self, now: float) -> None:
        """One came back well: about one more per round."""
        self.in_flight -= 1
        if now >= self.held_until:
            self.limit = min(float(self.ceiling), self.limit + 1 / self.limit)

    def failed(self, sent_at: float, now: float, hold_s: float = 0.0) -> None:
        """One met trouble. A cut answers what was sent after the last cut only: one cut per round, not per failure."""
        self.in_flight -= 1
        if sent_at >= self._cut_at:
            self.limit = max(1.0, self.limit * CUT)
            self._cut_at = now
        self.held_until = max(self.held_until, now + hold_s)

    def withdrawn(self) -> None:
        """One ended without telling anything about the provider."""
        self.in_flight -= 1
