"""Which responses are the provider's trouble, and how long to wait before asking again.

408, 409, 425, 429 and 5xx are trouble (529 is Anthropic's word for overloaded); 3xx is an address that is wrong. What
the provider says of the request itself (400, 404, 413, 422 …) is final. `x-should-retry: false` makes trouble final
too, but nothing makes a refusal worth another try.
"""

import random
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
_TROUBLE = frozenset({408, 409, 425, 429})
_REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 300, 400, 500


def is_outage(status: int) -> bool:
    """Whether this status says nothing about the request."""
    return status in _TROUBLE or status >= _SERVER_ERROR or _REDIRECT <= status < _CLIENT_ERROR


def may_retry(headers: Mapping[str, str]) -> bool:
    """False where the provider says that trying again is no use."""
    return headers.get("x-should-retry", "").strip().lower() != "false"


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the provider wants us to wait, in seconds; None where it does not say, or not readably.

    `retry-after-ms` first, which is finer; else Retry-After in either form (RFC 9110, 10.2.3). `now` is aware.
    """
    exact = _seconds(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    plain = _seconds(value)
    if plain is not None:
        return plain
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def backoff_s(attempt: int, rng: random.Random, first_s: float = FIRST_WAIT_S) -> float:
    """A wait with full jitter: anything from 0 up to a bound that doubles with each attempt (counted from 0)."""
    return rng.uniform(0, min(LONGEST_WAIT_S, first_s * 2 ** min(attempt, 16)))


def _seconds(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None
