"""A record as a gateway would have put it on the tapped topic, for traffic that we make ourselves."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from schemas import json_text

HOUR_MS = 3_600_000


class TappedExchange(NamedTuple):
    """One record of a tapped topic: `value` is our exchange envelope as JSON, `headers` are Kafka record headers."""

    ts_ms: int  # record timestamp, milliseconds since 1970 UTC
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def tapped_exchange(
    request_id: str,
    ts_ms: int,
    feature: str,
    request: Mapping[str, Any],
    response: Mapping[str, Any],
    *,
    latency_ms: float | None,
) -> TappedExchange:
    """Put a chat body and a chat completion body (or an error body) into the envelope."""
    envelope: dict[str, Any] = {
        "id": request_id,
        "ts": datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "feature": feature,
        "headers": {"x-feature": feature, "content-type": "application/json"},
        "request": request,
        "response": response,
    }
    if latency_ms is not None:
        envelope["latency_ms"] = round(latency_ms, 1)
    return TappedExchange(
        ts_ms, request_id.encode(), json_text.dumps(envelope), (("x-feature", feature.encode("utf-8", "replace")),)
    )


def spread(count: int, end_ms: int, hours: float, rng: random.Random) -> Iterator[int]:
    """`count` rising timestamps in milliseconds over the `hours` that end at `end_ms`, both ends included."""
    width = hours * HOUR_MS
    inner = sorted(rng.random() for _ in range(count - 2))
    shares = [0.0, *inner, 1.0] if count > 1 else [1.0] * count
    for share in shares:
        yield int(end_ms - width * (1 - share))


def seeded_rng(*identity: object) -> random.Random:
    """A generator of randomness that depends on the identity only: the same on every machine and in every order."""
    digest = blake2b("\x1f".join(map(str, identity)).encode("utf-8", "replace"), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - simulation, no secret
