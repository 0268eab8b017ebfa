"""Where requests to one provider wait for their turn, first come, first served.

A request passes when the breaker lets it, requests and tokens of this minute are left, and fewer than the limit are in
flight. While it waits it holds nothing.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from schemas.values import immutable
from streams.replay.allowance import Allowance
from streams.replay.breaker import Breaker
from streams.replay.concurrency import Concurrency
from streams.replay.headroom import Headroom

STALLED_S, STALLED_LATENCIES = 20.0, 4.0  # requests are out and none came back for so long: something is wrong
FIRST_LATENCY_S = 15.0  # taken for typical before any answer is known
_WEIGHT = 0.1  # of the newest answer


@immutable
class Passage:
    """A request that is on its way: when it was sent, tokens it is thought to need, whether it probes the breaker."""

    sent_at: float
    tokens: float
    is_probe: bool


@dataclass
class Turnstile:
    """One per provider and worker; `clock` gives seconds."""

    concurrency: Concurrency
    breaker: Breaker = field(default_factory=Breaker)
    requests: Allowance = field(default_factory=Allowance)
    tokens: Allowance = field(default_factory=Allowance)
    clock: Callable[[], float] = time.monotonic
    _waiting: deque[tuple[float, asyncio.Future[Passage]]] = field(default_factory=deque)
    _timer: asyncio.TimerHandle | None = None
    _heard_at: float = -inf
    _latency_s: float = FIRST_LATENCY_S

    @property
    def is_sick(self) -> bool:
        """The breaker says so, or requests are out and none has come back for long."""
        silent_s = self.clock() - self._heard_at if self.concurrency.in_flight else 0.0
        return self.breaker.is_sick or silent_s > max(STALLED_S, STALLED_LATENCIES * self._latency_s)

    def enter(self, tokens: float) -> asyncio.Future[Passage]:
        """A turn, once it comes. Whoever stops waiting leaves."""
        turn: asyncio.Future[Passage] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, turn))
        self.turn()
        return turn

    def succeeded(self, passage: Passage, tokens: float | None) -> None:
        """It was answered, whatever the answer; `tokens` it needed, None where unknown."""
        now = self._settle(passage, tokens)
        self._latency_s += _WEIGHT * (now - passage.sent_at - self._latency_s)
        self.concurrency.succeeded(now)
        self.breaker.succeeded(is_probe=passage.is_probe)
        self.turn()

    def failed(self, passage: Passage, hold_s: float = 0.0) -> None:
        """It met the provider's trouble; nobody is asked for `hold_s` seconds."""
        now = self._settle(passage, None)
        self.concurrency.failed(passage.sent_at, now, hold_s)
        self.breaker.failed(now, is_probe=passage.is_probe)
        self.turn()

    def withdraw(self, passage: Passage) -> None:
        """It was given up, or never sent."""
        self._settle(passage, None)
        self.concurrency.withdrawn()
        self.breaker.withdrawn(is_probe=passage.is_probe)
        self.turn()

    def leave(self, turn: asyncio.Future[Passage]) -> None:
        """Stop waiting; if the turn has come at that very moment, give it back."""
        if not turn.cancel() and not turn.cancelled() and turn.exception() is None:
            self.withdraw(turn.result())

    def pause(self, passage: Passage) -> None:
        """It was refused for want of access or money: only a probe now and then, until one is answered."""
        now = self._settle(passage, None)
        self.concurrency.withdrawn()
        if passage.is_probe:
            self.breaker.failed(now, is_probe=True)
        else:
            self.breaker.pause(now)
        self.turn()

    def resume(self) -> None:
        """Somebody says that all is well."""
        self.breaker.close()
        self.turn()

    def hear(self, requests: Headroom | None, tokens: Headroom | None) -> None:
        """What the provider reports of its limits."""
        now = self.clock()
        for allowance, headroom in ((self.requests, requests), (self.tokens, tokens)):
            if headroom is not None:
                allowance.hear(*headroom, now)

    def turn(self) -> None:
        """Let pass whoever may; come back when the first in line may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            tokens, turn = self._waiting[0]
            if turn.done():  # gave up
                self._waiting.popleft()
                continue
            now = self.clock()
            wait_s = max(
                self.breaker.wait_s(now),
                self.concurrency.wait_s(now),
                self.requests.wait_s(1, now),
                self.tokens.wait_s(tokens, now),
            )
            if wait_s > 0:
                if wait_s < inf:
                    self._timer = asyncio.get_running_loop().call_later(wait_s, self.turn)
                return
            self._waiting.popleft()
            turn.set_result(self._pass(tokens, now))

    def _pass(self, tokens: float, now: float) -> Passage:
        if not self.concurrency.in_flight:
            self._heard_at = now
        self.concurrency.sent()
        self.requests.take(1, now)
        self.tokens.take(tokens, now)
        return Passage(now, tokens, self.breaker.sent())

    def _settle(self, passage: Passage, tokens: float | None) -> float:
        now = self._heard_at = self.clock()
        self.requests.settle(1, 1, now)
        self.tokens.settle(passage.tokens, passage.tokens if tokens is None else tokens, now)
        return now
