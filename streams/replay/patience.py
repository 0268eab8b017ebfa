"""How long one request is worth waiting for, and how long until it is tried again.

In line at a provider that is well it waits as long as Kafka allows; that is backpressure. In trouble it waits
`patience_s` from when it first met the trouble. Time is passed in, in seconds of any clock that only goes forward.
"""

import random
from dataclasses import dataclass
from math import inf

from streams.replay.outages import FIRST_WAIT_S, backoff_s

LONGEST_S = 1800.0  # Kafka takes a worker for dead that holds a record for an hour
MOST_PAID = 4  # how often a request is sent where the provider may have billed an answer that did not arrive


class Trouble(Exception):  # noqa: N818 - an instruction to whoever asks, not an error of ours
    """The provider did not answer this time; `reason` is a code.

    `after_s` is how long it wants to be left alone. `may_be_paid` says that an answer may have been made and billed,
    `is_final` that trying again is no use.
    """

    def __init__(
        self, reason: str, *, after_s: float | None = None, may_be_paid: bool = False, is_final: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.after_s, self.may_be_paid, self.is_final = reason, after_s, may_be_paid, is_final


@dataclass
class Patience:
    """Of one request, asked since `since`."""

    patience_s: float
    since: float
    first_wait_s: float = FIRST_WAIT_S
    reason: str = "waited_too_long"  # the last trouble it met
    _failed_at: float = inf  # when it met trouble itself, the first time
    _sick_since: float = inf  # since when the provider has been in trouble, as far as it could see
    _failed: int = 0
    _paid: int = 0

    def is_over(self, now: float, *, is_sick: bool, paused: str | None) -> bool:
        """Whether it waits in vain; `paused` is why only a person can mend the trouble, and takes more patience."""
        in_trouble_s = 0.0
        self._sick_since = min(self._sick_since, now) if is_sick and not paused else inf
        if paused:
            self.reason = f"paused:{paused}"
        elif is_sick:
            in_trouble_s = now - min(self._failed_at, self._sick_since)
            self.reason = self.reason if self._failed else "provider_away"
        return in_trouble_s > self.patience_s or now - self.since > LONGEST_S

    def pause_s(self, trouble: Trouble, now: float, rng: random.Random) -> float | None:
        """Seconds to wait after this trouble, None where it is not worth it.

        The wait has full jitter; what the provider asks for comes on top, so that not all return at the same moment.
        """
        self._failed_at, self.reason = min(self._failed_at, now), trouble.reason
        pause_s = backoff_s(self._failed, rng, self.first_wait_s) + (trouble.after_s or 0.0)
        self._failed += 1
        self._paid += trouble.may_be_paid
        is_over = trouble.is_final or self._paid >= MOST_PAID or now + pause_s - self._failed_at > self.patience_s
        return None if is_over else pause_s
