"""What a provider's headers say of its limits.

OpenAI: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as durations (`6m0s`, `12ms`), from its guide
"Rate limits". Anthropic: `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`,
resets as RFC 3339 times, from its page "Rate limits".
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import NamedTuple

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)

# Names of the three headers that tell a limit, made once and not for each answer: limit, remaining, reset.
_Names = tuple[str, str, str]


def _openai(kind: str) -> _Names:
    return f"x-ratelimit-limit-{kind}", f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}"


def _anthropic(kind: str) -> _Names:
    beginning = f"anthropic-ratelimit-{kind}"
    return f"{beginning}-limit", f"{beginning}-remaining", f"{beginning}-reset"


_REQUESTS = _openai("requests"), _anthropic("requests")
_TOKENS = _openai("tokens"), *map(_anthropic, ("tokens", "input-tokens", "output-tokens"))


class Headroom(NamedTuple):
    """One limit as reported: how much per its window, how much is left, seconds until all of it is there again."""

    limit: float
    remaining: float
    reset_s: float | None


def reported(headers: Mapping[str, str], now: datetime) -> tuple[Headroom | None, Headroom | None]:
    """Headroom in requests and in tokens, None where the headers do not say; of several limits the tightest.

    Names of headers are lower-case or the mapping ignores case; `now` is aware.
    """
    return _tightest(headers, _REQUESTS, now), _tightest(headers, _TOKENS, now)


def _tightest(headers: Mapping[str, str], limits: Iterable[_Names], now: datetime) -> Headroom | None:
    known = [found for names in limits if (found := _headroom(headers, *names, now)) is not None]
    return min(known, key=lambda headroom: headroom.remaining / headroom.limit, default=None)


def _headroom(headers: Mapping[str, str], limit: str, remaining: str, reset: str, now: datetime) -> Headroom | None:
    """As three headers of these names say; most providers send none."""
    most = _number(headers.get(limit))
    if most is None or most <= 0:
        return None
    left = _number(headers.get(remaining))
    return None if left is None else Headroom(most, min(left, most), _seconds(headers.get(reset), now))


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) and number >= 0 else None


def _seconds(reset: str | None, now: datetime) -> float | None:
    if not reset:
        return None
    plain = _number(reset)
    if plain is not None:
        return plain
    duration = _DURATION.fullmatch(reset)
    if duration:
        return sum(float(part) * unit for part, unit in zip(duration.groups(), _UNITS, strict=True) if part)
    try:
        return max(0.0, (datetime.fromisoformat(reset) - now).total_seconds())
    except (ValueError, TypeError):  # no time, or one without a zone
        return None
