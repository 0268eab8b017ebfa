"""What a provider's headers say of its limits.

OpenAI: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as durations (`6m0s`, `12ms`), from its guide
"Rate limits". Anthropic: `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`,
resets as RFC 3339 times, from its page "Rate limits".
"""

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import NamedTuple

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_ANTHROPIC_TOKENS = ("tokens", "input-tokens", "output-tokens")


class Headroom(NamedTuple):
    """One limit as reported: how much per its window, how much is left, seconds until all of it is there again."""

    limit: float
    remaining: float
    reset_s: float | None


def reported(headers: Mapping[str, str], now: datetime) -> tuple[Headroom | None, Headroom | None]:
    """Headroom in requests and in tokens, None where the headers do not say; of several token limits the tightest.

    Names of headers are lower-case or the mapping ignores case; `now` is aware.
    """
    requests = _openai(headers, "requests", now) or _anthropic(headers, "requests", now)
    tokens = [_openai(headers, "tokens", now), *(_anthropic(headers, kind, now) for kind in _ANTHROPIC_TOKENS)]
    known = [headroom for headroom in tokens if headroom is not None]
    return requests, min(known, key=lambda headroom: headroom.remaining / headroom.limit, default=None)


def _openai(headers: Mapping[str, str], kind: str, now: datetime) -> Headroom | None:
    return _headroom(headers, f"x-ratelimit-%s-{kind}", now)


def _anthropic(headers: Mapping[str, str], kind: str, now: datetime) -> Headroom | None:
    return _headroom(headers, f"anthropic-ratelimit-{kind}-%s", now)


def _headroom(headers: Mapping[str, str], name: str, now: datetime) -> Headroom | None:
    """As three headers say, of whose names only a part differs; most providers send none."""
    most = _number(headers.get(name % "limit"))
    if most is None or most <= 0:
        return None
    left = _number(headers.get(name % "remaining"))
    return None if left is None else Headroom(most, min(left, most), _seconds(headers.get(name % "reset"), now))


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
