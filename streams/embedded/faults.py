"""What can go wrong at a provider, and the errors it answers with, in the form of OpenAI's public API reference."""

import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from math import ceil
from typing import Any

WINDOW_S = 60.0


class AnswerError(Exception):
    """An HTTP error as the answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        self.headers = dict(headers or {})


class Mishap(StrEnum):
    """What happens to a call that is otherwise answered."""

    CUT = "cut"  # the connection breaks midway
    GARBAGE = "garbage"  # 200 with bytes that are no JSON
    HUGE = "huge"  # a text of `huge_characters`


@dataclass
class Faults:
    """What goes wrong; every field may be set while the provider runs.

    Shares are of calls, from 0 to 1; each call draws once, so shares add up.
    """

    latency_ms: float = 0.0  # median of a log-normal wait before the answer
    latency_sigma: float = 0.3  # of the wait's logarithm
    event_ms: float = 0.0  # between the events of a stream
    away: bool = False  # every connection breaks before an answer
    too_many: float = 0.0  # share answered 429 with Retry-After
    retry_after_s: float = 0.1
    retry_after_as_date: bool = False  # the HTTP-date form, in whole seconds
    server_error: float = 0.0  # share answered 500
    cut: float = 0.0
    garbage: float = 0.0
    huge: float = 0.0
    huge_characters: int = 2_000_000
    unsupported: Mapping[str, frozenset[str]] = field(default_factory=dict)  # model id to the parameters it rejects
    unauthorized: bool = False  # 401
    quota_spent: bool = False  # 429 insufficient_quota: waiting does not help
    requests_per_minute: int | None = None  # enforced, and told in x-ratelimit-* headers
    tokens_per_minute: int | None = None

    def wait_s(self, rng: random.Random) -> float:
        """How long this call waits for its answer, in seconds."""
        return self.latency_ms / 1000 * rng.lognormvariate(0, self.latency_sigma) if self.latency_ms else 0.0

    def refuse(self, body: Any) -> None:
        """Refuse what waiting does not mend; `body` is the request in its own form.

        Raises:
            AnswerError: no access, no money, or a parameter that the model does not take.
        """
        if self.unauthorized:
            raise AnswerError(401, "Incorrect API key provided.", code="invalid_api_key")
        if self.quota_spent:
            raise AnswerError(
                429, "You exceeded your current quota.", kind="insufficient_quota", code="insufficient_quota"
            )
        asked = body if isinstance(body, dict) else {}
        for parameter in sorted(self.unsupported.get(str(asked.get("model")), frozenset()) & asked.keys()):
            raise AnswerError(
                400,
                f"Unsupported parameter: {parameter!r} is not supported with this model.",
                code="unsupported_parameter",
                param=parameter,
            )

    def draw(self, rng: random.Random) -> Mishap | None:
        """What happens to this call.

        Raises:
            AnswerError: 429 or 500, as an overloaded provider gives them.
        """
        lot = rng.random()
        if lot < self.too_many:
            raise self.slow_down()
        lot -= self.too_many
        if lot < self.server_error:
            raise AnswerError(500, "The server had an error while processing your request.", kind="server_error")
        lot -= self.server_error
        for mishap, share in ((Mishap.CUT, self.cut), (Mishap.GARBAGE, self.garbage), (Mishap.HUGE, self.huge)):
            if lot < share:
                return mishap
            lot -= share
        return None

    def slow_down(self, headers: Mapping[str, str] | None = None) -> AnswerError:
        """429 with Retry-After, in either form of RFC 9110, 10.2.3."""
        after = f"{self.retry_after_s:g}"
        if self.retry_after_as_date:
            moment = datetime.now(UTC) + timedelta(seconds=ceil(self.retry_after_s))
            after = format_datetime(moment, usegmt=True)
        return AnswerError(
            429,
            "Rate limit reached.",
            kind="requests",
            code="rate_limit_exceeded",
            headers={"retry-after": after, **(headers or {})},
        )


class Limits:
    """The limits per minute of a provider, over a sliding window of 60 s."""

    def __init__(self) -> None:
        self._spent: deque[tuple[float, int]] = deque()  # (when, tokens)
        self._tokens = 0

    def admit(self, faults: Faults, tokens: int) -> dict[str, str]:
        """Count a request of so many tokens; gives the x-ratelimit-* headers for its answer.

        Raises:
            AnswerError: 429, it is over a limit; such a request is not counted.
        """
        now = time.monotonic()
        while self._spent and self._spent[0][0] <= now - WINDOW_S:
            self._tokens -= self._spent.popleft()[1]
        limits = (
            ("requests", faults.requests_per_minute, len(self._spent), 1),
            ("tokens", faults.tokens_per_minute, self._tokens, tokens),
        )
        is_over = any(limit is not None and spent + more > limit for _, limit, spent, more in limits)
        reset_s = WINDOW_S - (now - self._spent[0][0]) if self._spent else 0.0
        headers = {}
        for name, limit, spent, more in limits:
            if limit is not None:
                left = limit - spent - (0 if is_over else more)
                headers[f"x-ratelimit-limit-{name}"] = str(limit)
                headers[f"x-ratelimit-remaining-{name}"] = str(max(0, left))
                headers[f"x-ratelimit-reset-{name}"] = f"{reset_s:.3f}s"
        if is_over:
            raise faults.slow_down(headers)
        self._spent.append((now, tokens))
        self._tokens += tokens
        return headers
