"""How far from a baseline is further than reruns go: thresholds by length, from the distances of a calibration window.

Per length band of the baseline answer the k-th largest distance baseline - rerun is the threshold (split conformal,
Vovk et al. 2005). How often a rerun goes beyond it is then Beta(k, n + 1 - k) distributed, whatever the embedder;
`allowed` is the 99 % bound of that.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import NamedTuple

from schemas import json_text
from schemas.values import immutable

BANDS_VERSION = 1
MIN_PER_BAND = 200  # fewer share a band with their neighbours
SHARE = 0.005  # of the reruns that lie beyond the threshold
CONFIDENCE = 0.99
EDGES = (128, 512, 2048)  # characters of the baseline answer, upper edges; long texts lie closer together


class Distance(NamedTuple):
    """Distance of a rerun from its baseline (0 to 1), and the baseline's length in characters."""

    distance: float
    characters: int


@immutable
class Band:
    """Baseline answers of up to so many characters (None: of any length), and the distance that is far for them."""

    up_to: int | None
    threshold: float


@immutable
class DistanceBands:
    """Frozen bands, shortest first, and the share of reruns that may lie beyond the threshold of theirs."""

    bands: tuple[Band, ...]
    allowed: float
    version: int = BANDS_VERSION

    def threshold(self, characters: int) -> float:
        """What is far for a baseline answer of this length."""
        return next(band.threshold for band in self.bands if band.up_to is None or characters <= band.up_to)

    @property
    def text(self) -> str:
        """As JSON."""
        return json_text.canonical(asdict(self)).decode()


@lru_cache(maxsize=512)
def bands_from(text: str) -> DistanceBands:
    """Read what `DistanceBands.text` wrote.

    Raises:
        ValueError: no such text, or one of another version.
    """
    fields = json_text.loads(text)
    if not isinstance(fields, dict) or fields.get("version") != BANDS_VERSION:
        raise ValueError(f"thresholds: no distance bands of version {BANDS_VERSION}")
    try:
        return DistanceBands(tuple(Band(**band) for band in fields["bands"]), float(fields["allowed"]))
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"thresholds: {wrong}") from wrong


def bands_of(reruns: Sequence[Distance]) -> DistanceBands:
    """The bands of these reruns, in any order; at least one."""
    bands: list[Band] = []
    allowed = []
    gathered: list[float] = []
    lower = -1
    for upper in (*EDGES, None):
        gathered += [r.distance for r in reruns if r.characters > lower and (upper is None or r.characters <= upper)]
        lower = upper if upper is not None else lower
        left = sum(r.characters > lower for r in reruns) if upper is not None else 0
        # A band closes when it and what is left are both large enough; so the last one never starves.
        if upper is None or (len(gathered) >= MIN_PER_BAND and left >= MIN_PER_BAND):
            k = max(1, math.floor(SHARE * (len(gathered) + 1)))
            bands.append(Band(upper, sorted(gathered, reverse=True)[k - 1]))
            allowed.append(_upper_bound(k, len(gathered)))
            gathered = []
    return DistanceBands(tuple(bands), max(allowed))


def _upper_bound(k: int, n: int) -> float:
    """The quantile of Beta(k, n + 1 - k): with this share, n draws give fewer than k with 1 % probability."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _fewer_than(k, n, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def _fewer_than(k: int, n: int, share: float) -> float:
    """P(Binomial(n, share) < k)."""
    if share <= 0.0 or share >= 1.0:
        return 1.0 if share <= 0.0 else 0.0
    return math.fsum(
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(i + 1)
            - math.lgamma(n - i + 1)
            + i * math.log(share)
            + (n - i) * math.log1p(-share)
        )
        for i in range(k)
    )
