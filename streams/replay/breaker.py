"""A circuit breaker: a provider that fails again and again is left alone, and tried with one request now and then.

Closed: requests pass. Open: none does, for a while that doubles each time. Half open: one request is out, as a probe;
its success closes the breaker, its failure opens it again. Time is passed in, in seconds.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

CONSECUTIVE = 10  # failures in a row that open it
RECENT, SHARE = 40, 0.6  # or this share of so many outcomes
FIRST_OPEN_S, LONGEST_OPEN_S = 1.0, 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 600.0  # where only a person can mend it
SICK = 0.1  # share of recent failures from which a provider counts as in trouble


class State(StrEnum):
    """What the breaker lets through: all, nothing, one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass
class Breaker:
    """The breaker of one provider."""

    first_open_s: float = FIRST_OPEN_S
    first_pause_s: float = FIRST_PAUSE_S
    state: State = State.CLOSED
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))  # was it a failure?
    _in_a_row: int = 0
    _until: float = -inf
    _open_s: float = FIRST_OPEN_S
    _longest_s: float = LONGEST_OPEN_S

    @property
    def is_sick(self) -> bool:
        """Not closed, or a notable share of what came back lately was trouble."""
        failures = sum(self._recent)
        return self.state is not State.CLOSED or (failures > 1 and failures >= SICK * len(self._recent))

    def wait_s(self, now: float) -> float:
        """Seconds until a request may pass; infinite while a probe is out."""
        if self.state is State.CLOSED:
            return 0.0
        return inf if self.state is State.HALF_OPEN else max(0.0, self._until - now)

    def sent(self) -> bool:
        """A request passes; says whether it is a probe."""
        if self.state is State.CLOSED:
            return False
        self.state = State.HALF_OPEN
        return True

    def succeeded(self, *, is_probe: bool) -> None:
        """A request was answered. What was sent before the breaker opened closes nothing."""
        if is_probe:
            self.close()
        elif self.state is State.CLOSED:
            self._in_a_row = 0
            self._recent.append(False)

    def failed(self, now: float, *, is_probe: bool) -> None:
        """A request met trouble."""
        if is_probe:
            self._open_s = min(self._longest_s, self._open_s * 2)
            self._open(now)
        elif self.state is State.CLOSED:
            self._in_a_row += 1
            self._recent.append(True)
            failures = sum(self._recent)
            if self._in_a_row >= CONSECUTIVE or (len(self._recent) == RECENT and failures >= SHARE * RECENT):
                self._open_s, self._longest_s = self.first_open_s, LONGEST_OPEN_S
                self._open(now)

    def withdrawn(self, *, is_probe: bool) -> None:
        """A request ended without telling anything: if it was the probe, the next one is."""
        if is_probe and self.state is State.HALF_OPEN:
            self.state = State.OPEN

    def pause(self, now: float) -> None:
        """Open for long: no access, no money."""
        self._open_s, self._longest_s = self.first_pause_s, LONGEST_PAUSE_S
        self._open(now)

    def close(self) -> None:
        """All is well again; the past is forgotten."""
        self.state, self._in_a_row = State.CLOSED, 0
        self._recent.clear()

    def _open(self, now: float) -> None:
        self.state, self._until = State.OPEN, now + self._open_s
