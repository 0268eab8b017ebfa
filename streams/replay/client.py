"""Asks a provider over HTTP: bounded, patient with outages, final with refusals.

429, 5xx, broken connections and answers that are cut or no JSON are the provider's trouble: they are retried with full
jitter until the patience is over, then `Unavailable` is raised and the exchange is shed. Everything else the provider
says is an answer, and a refusal of the request is a finding: `call_error` with a reason such as `rejected:temperature`.
No access or no money is neither: the provider is asked nothing but a probe now and then, and requests wait.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from math import inf
from typing import Any
from urllib.parse import quote

import aiohttp

from schemas import json_text
from schemas.answers import Answer
from schemas.topics import ARM_HEADER, REQUEST_HEADER
from schemas.values import immutable
from streams import metrics
from streams.lanes import Claim
from streams.replay.breaker import State
from streams.replay.chat_api import Api, ChatApi, Unconvertible
from streams.replay.headroom import reported
from streams.replay.outages import FIRST_WAIT_S
from streams.replay.patience import Patience, Trouble
from streams.replay.reading import Received, Withheld, post, timeout_of
from streams.replay.responses import NoAccess, answer_of
from streams.replay.tokens import TokenGuess
from streams.replay.turnstile import Passage, Turnstile

log = logging.getLogger(__name__)

LONGEST_HOLD_S = 60.0  # of a Retry-After, for requests other than the one that got it
LOOK_EVERY_S = 1.0  # how often a request that waits looks whether it is still worth it
STOPPED_GRACE_S = 60.0  # a stop (`shadowtap pause`) that is longer lets exchanges pass by, so that the tap goes on
DOUBTED_S = 0.1  # the same while nobody knows whether its record is ours
ABANDONED = "abandoned"
_LONGEST_ID = 256  # characters in a header


class Unavailable(Exception):  # noqa: N818 - an outcome (`shed`), not an error of ours
    """The provider did not answer in time; `reason` is a code."""

    def __init__(self, reason: str, *, may_be_billed: bool = False, is_unsent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_be_billed = may_be_billed  # the provider may have written an answer that never arrived
        self.is_unsent = is_unsent  # nothing was sent, the first time neither


class _NotWorthIt(Exception):  # noqa: N818 - an instruction to the loop below
    def __init__(self, reason: str, *, may_be_billed: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.may_be_billed = reason, may_be_billed


@immutable
class _Sending:
    """What is sent for one arm."""

    pin: str
    body: bytes
    keys: frozenset[str]
    headers: Mapping[str, str]
    tokens: float


@dataclass
class ProviderClient:
    """One provider: its address, its key, its limits.

    `timeout_s` bounds one HTTP request, `patience_s` how long a request is tried again after trouble, first within
    `first_wait_s`. `on_pause` hears (provider, reason) once when only a person can mend what is wrong; `paused_reason`
    says so until a probe is answered or `resume` is called. `stop` and `go_on` are `shadowtap pause` and `resume`:
    nothing is sent between them. `asked` counts HTTP requests sent, `troubles` what they met.
    """

    name: str
    base_url: str
    session: aiohttp.ClientSession
    turnstile: Turnstile
    key: str | None = None
    api: Api = field(default_factory=ChatApi)
    stream: bool = False
    timeout_s: float = 120.0
    patience_s: float = 300.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    first_wait_s: float = FIRST_WAIT_S
    on_pause: Callable[[str, str], None] = lambda _provider, _reason: None
    rng: random.Random = field(default_factory=random.Random)
    may_ask: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_at: float = inf
    paused_reason: str | None = None
    asked: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    _guess: TokenGuess = field(default_factory=TokenGuess)
    _in_line: dict[asyncio.Future[Passage], tuple[Patience, Claim | None]] = field(default_factory=dict)
    _looking: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.may_ask.set()
        self._url = self.base_url + self.api.path
        self._timeout = timeout_of(self.timeout_s)
        turnstile = self.turnstile
        metrics.PROVIDER_LIMIT.labels(self.name).set_function(lambda: turnstile.concurrency.limit)
        metrics.PROVIDER_IN_FLIGHT.labels(self.name).set_function(lambda: float(turnstile.concurrency.in_flight))
        metrics.PROVIDER_BREAKER_OPEN.labels(self.name).set_function(
            lambda: float(turnstile.breaker.state is not State.CLOSED)
        )

    @property
    def is_sick(self) -> bool:
        """Whether waiting for this provider is waiting for trouble to end."""
        return self.paused_reason is not None or self.turnstile.is_sick

    def trouble(self) -> str | None:
        """Why nothing comes of asking, for `/readyz`."""
        if self.paused_reason is not None:
            return f"refuses us ({self.paused_reason}): mend it, then `shadowtap resume`"
        return None if self.turnstile.breaker.state is State.CLOSED else "does not answer"

    @property
    def is_stopped_for_long(self) -> bool:
        """Whether somebody stopped the asking so long ago that exchanges no longer wait for its end."""
        return not self.may_ask.is_set() and time.monotonic() - self.stopped_at > STOPPED_GRACE_S

    def take_share(self, share: float) -> None:
        """This worker has so much of all tapped partitions, and so much of the limits per minute of the settings."""
        for allowance, limit in (
            (self.turnstile.requests, self.requests_per_minute),
            (self.turnstile.tokens, self.tokens_per_minute),
        ):
            if limit is not None:
                allowance.restrict(limit * share, self.turnstile.clock())

    def stop(self) -> None:
        """Send nothing until `go_on`; what is on the wire is answered."""
        if self.may_ask.is_set():
            self.may_ask.clear()
            self.stopped_at = time.monotonic()

    def go_on(self) -> None:
        """Send again."""
        self.may_ask.set()

    def resume(self) -> None:
        """Somebody has mended what paused this provider."""
        self.paused_reason = None
        self.turnstile.resume()

    async def ask(
        self,
        body: Mapping[str, Any],
        pin: str,
        request_id: str,
        arm: str,
        *,
        claim: Claim | None = None,
        pay_again: Callable[[], bool] = lambda: True,
        is_given_up: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """The answer to one chat request, which is sent only while the `claim` on its record holds.

        `pay_again` is asked after an answer was lost that may have been billed: may another be paid in its place?
        Whoever cancels this because nobody can wait any longer lets `is_given_up` say so, and it ends like an outage.

        Raises:
            Unavailable: no answer within the patience, none that may be paid, or (`ABANDONED`) the claim is lost.
        """
        try:
            sending = self._sending(body, pin, request_id, arm)
        except Unconvertible as cannot:
            return Answer(pin, error=cannot.reason)
        patience = Patience(self.patience_s, time.monotonic(), self.first_wait_s)
        is_unsent, is_on_wire = True, False
        try:
            while True:
                passage = await self._turn(sending.tokens, patience, claim)
                was_unsent, is_unsent, is_on_wire = is_unsent, False, True
                try:
                    return await self._asked(sending, passage, claim)
                except NoAccess:
                    is_on_wire = False  # back in line: the wait is there
                except Withheld:
                    is_unsent, is_on_wire = was_unsent, False  # the same
                except Trouble as trouble:
                    is_on_wire = False
                    await asyncio.sleep(self._pause_after(trouble, patience, pay_again))
        except _NotWorthIt as over:
            raise Unavailable(over.reason, may_be_billed=over.may_be_billed, is_unsent=is_unsent) from over
        except asyncio.CancelledError:
            if not is_given_up():
                raise
            raise Unavailable("given_up", may_be_billed=is_on_wire, is_unsent=is_unsent) from None

    def _pause_after(self, trouble: Trouble, patience: Patience, pay_again: Callable[[], bool]) -> float:
        self.troubles[trouble.reason] += 1
        pause_s = patience.pause_s(trouble, time.monotonic(), self.rng)
        if pause_s is None or (trouble.may_be_paid and not pay_again()):
            raise _NotWorthIt(trouble.reason, may_be_billed=trouble.may_be_paid) from trouble
        metrics.PROVIDER_RETRIES.labels(self.name, trouble.reason).inc()
        return pause_s

    def _sending(self, body: Mapping[str, Any], pin: str, request_id: str, arm: str) -> _Sending:
        wire = self.api.request(body, stream=self.stream)
        sent = json_text.dumps(wire)
        headers = {
            "content-type": "application/json",
            REQUEST_HEADER: quote(request_id[:_LONGEST_ID], errors="replace"),
            ARM_HEADER: _quoted(arm),
            **self.api.headers(self.key),
        }
        return _Sending(pin, sent, frozenset(wire), headers, self._guess.of(wire, len(sent)))

    async def _turn(self, tokens: float, patience: Patience, claim: Claim | None) -> Passage:
        """Wait in line; nothing is held meanwhile."""
        while True:
            await self._started(patience, claim)
            turn = self.turnstile.enter(tokens)
            if not turn.done():
                self._in_line[turn] = patience, claim
                self._look_later()
            try:
                passage = await turn
            except BaseException:
                self.turnstile.leave(turn)
                raise
            finally:
                self._in_line.pop(turn, None)
            if self.may_ask.is_set() and _is_sure(claim):
                if claim is not None:
                    claim.is_begun = True
                return passage
            self.turnstile.withdraw(passage)

    async def _started(self, patience: Patience, claim: Claim | None) -> None:
        """Wait while somebody has stopped the asking, or the claim is in doubt."""
        while not (self.may_ask.is_set() and _is_sure(claim)):
            reason = self._why_over(patience, claim)
            if reason is not None:
                raise _NotWorthIt(reason)
            if self.may_ask.is_set():
                await asyncio.sleep(DOUBTED_S)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.may_ask.wait(), LOOK_EVERY_S)

    def _look_later(self) -> None:
        if self._looking is None:
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(min(LOOK_EVERY_S, self.patience_s), self._look)

    def _look(self) -> None:
        """Send away who waits in vain: one look for all, not a clock for each."""
        self._looking = None
        for turn, (patience, claim) in list(self._in_line.items()):
            reason = self._why_over(patience, claim)
            if reason is not None and not turn.done():
                turn.set_exception(_NotWorthIt(reason))
        if self._in_line:
            self._look_later()

    def _why_over(self, patience: Patience, claim: Claim | None) -> str | None:
        if claim is not None and claim.is_lost:
            return ABANDONED
        if self.is_stopped_for_long:
            return "stopped"
        is_over = patience.is_over(time.monotonic(), is_sick=self.is_sick, paused=self.paused_reason)
        return patience.reason if is_over else None

    async def _asked(self, sending: _Sending, passage: Passage, claim: Claim | None) -> Answer:
        """One HTTP request, and the line told how it went."""
        try:
            received = await self._received(sending, claim)
            self.turnstile.hear(*reported(received.headers, datetime.now(UTC)))
            answer = answer_of(received, sending.pin, sending.body, sending.keys)
        except Trouble as trouble:
            self.turnstile.failed(passage, min(trouble.after_s or 0.0, LONGEST_HOLD_S))
            raise
        except NoAccess as refused:
            self.turnstile.pause(passage)
            self._pause(refused.reason)
            raise
        except BaseException:
            self.turnstile.withdraw(passage)
            raise
        self.turnstile.succeeded(passage, self._guess.learn(answer.usage))
        if self.paused_reason is not None and passage.is_probe:
            log.warning("providers.%s: answers again, asking goes on", self.name)
            self.paused_reason = None
        return answer

    async def _received(self, sending: _Sending, claim: Claim | None) -> Received:
        self.asked += 1
        ended = "cancelled"
        try:
            received = await post(
                self.session,
                self._url,
                sending.body,
                sending.headers,
                self.api,
                timeout=self._timeout,
                may_send=partial(_is_sure, claim),
            )
            ended = str(received.status)
        except Trouble as trouble:
            ended = trouble.reason
            raise
        except Withheld:
            self.asked -= 1
            ended = "withheld"
            raise
        finally:
            metrics.of(metrics.PROVIDER_REQUESTS, self.name, ended).inc()
        metrics.of(metrics.PROVIDER_SECONDS, self.name).observe(received.latency_ms / 1000)
        return received

    def _pause(self, reason: str) -> None:
        if self.paused_reason is None:
            log.error("providers.%s: refuses us (%s); asking waits until this is mended", self.name, reason)
            self.paused_reason = reason
            self.on_pause(self.name, reason)


def _is_sure(claim: Claim | None) -> bool:
    return claim is None or claim.is_sure


@cache
def _quoted(name: str) -> str:
    """The name of an arm as it can stand in a header; there are few."""
    return quote(name, errors="replace")
