"""`semantic_change`: the share of answers further away than the reruns' own distances allow.

A mean hides catastrophes among small improvements; a share does not. Per feature and length band the distances
baseline - rerun of a calibration window give a threshold (split conformal, Vovk et al. 2005): its k-th largest. How
often a rerun goes beyond it is then Beta(k, n + 1 - k) distributed, whatever the embedder; `allowed` is the 99 % bound
of that. Threshold and bound are frozen, and their hash is part of the epoch. After that an answer scores 1 beyond the
threshold and 0 within, and D = score - allowed: no rerun is needed for it, so all trials count, not the tenth that
has one.

Feeding it: collect `Distance` of the first trials with a rerun of a feature (by event time) from the stored scores of
`embedding_distance`; once `calibrate` gives a Calibration, store it, put its identity into the dimension's
`Identity.calibration`, and let `score_change` make one DimensionScore of each later comparison. Reruns that come later
keep the calibration honest: `calibration_holds`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from comparators.drift.betting import log_e
from comparators.drift.evidence import GRID, Evidence
from comparators.scoring import evidence
from schemas.comparisons import ArmScore, DimensionScore, Kind, Status
from schemas.ids import content_hash

DIMENSION = "semantic_change"
VERSION = 1
WINDOW = 500  # reruns of a feature that calibrate; more make a sharper bound and a later start
MIN_PER_BAND = 200  # fewer share a band with their neighbours
SHARE = 0.005  # of the reruns that lie beyond the threshold
CONFIDENCE = 0.99
BANDS = (128, 512, 2048)  # characters of the baseline answer, upper edges; long texts lie closer together


class Distance(NamedTuple):
    """Distance of a rerun from its baseline (0 to 1), the baseline's length in characters, event time in ms."""

    distance: float
    characters: int
    ts_ms: int


@dataclass(frozen=True, slots=True)
class Band:
    """Baseline answers of up to so many characters: what counts as far, and how often reruns are allowed to be."""

    up_to: int | None
    threshold: float
    allowed: float
    reruns: int


@dataclass(frozen=True)
class Calibration:
    """Frozen bands of a feature, shortest first; it judges trials after `until_ms` only, never those it was made of."""

    bands: tuple[Band, ...]
    until_ms: int

    @cached_property
    def identity(self) -> str:
        """Hash for the epoch."""
        return content_hash(VERSION, self.bands, self.until_ms)

    def band(self, characters: int) -> Band:
        """The band of a baseline answer."""
        return next(band for band in self.bands if band.up_to is None or characters <= band.up_to)


def calibrate(reruns: Sequence[Distance]) -> Calibration | None:
    """Thresholds from the first `WINDOW` reruns of a feature, None while there are fewer."""
    window = sorted(reruns, key=lambda rerun: (rerun.ts_ms, rerun.distance, rerun.characters))[:WINDOW]
    if len(window) < WINDOW:
        return None
    bands: list[Band] = []
    gathered: list[float] = []
    edges = (*BANDS, None)
    lower = -1
    for upper in edges:
        gathered += [r.distance for r in window if r.characters > lower and (upper is None or r.characters <= upper)]
        lower = upper if upper is not None else lower
        left = sum(r.characters > lower for r in window) if upper is not None else 0
        # A band closes when it and what is left are both large enough; so the last one never starves.
        if upper is None or (len(gathered) >= MIN_PER_BAND and left >= MIN_PER_BAND):
            bands.append(_band(upper, gathered))
            gathered = []
    return Calibration(tuple(bands), max(rerun.ts_ms for rerun in window))


def score_change(
    distances: DimensionScore, characters: int, ts_ms: int, calibration: Calibration | None
) -> DimensionScore:
    """The score of a comparison from its `embedding_distance`, which has been scored already."""
    if calibration is None or ts_ms <= calibration.until_ms:
        skipped = ArmScore(None, Status.SKIPPED, "calibrating")
        return DimensionScore(DIMENSION, Kind.DISTANCE, VERSION, skipped, None, None, None)
    band = calibration.band(characters)
    candidate = _score(distances.candidate, band)
    rerun = None if distances.rerun is None else _score(distances.rerun, band)
    d = evidence(Kind.DISTANCE, None, None, candidate.value, band.allowed)
    return DimensionScore(DIMENSION, Kind.DISTANCE, VERSION, candidate, None, rerun, d)


def calibration_holds(found: Evidence) -> bool:
    """Whether later reruns stay within what the calibration allows them: e < 20 against it, at any look."""
    if not found.n or not found.rerun_n:
        return True
    allowed = (found.candidate_sum - found.d_sum) / found.n  # mean over the bands
    if allowed <= 0:
        return True
    beyond = found.rerun_sum
    within = found.rerun_n - beyond
    bets = (0.99 / allowed * 2.0**-g for g in range(GRID))
    return log_e(
        [beyond * math.log1p(bet * (1 - allowed)) + within * math.log1p(-bet * allowed) for bet in bets]
    ) < math.log(20)


def _score(arm: ArmScore, band: Band) -> ArmScore:
    if arm.value is None:
        return arm
    beyond = arm.value > band.threshold
    return ArmScore(float(beyond), Status.SCORED, "beyond_reruns" if beyond else "", arm.detail)


def _band(up_to: int | None, distances: list[float]) -> Band:
    n = len(distances)
    k = max(1, math.floor(SHARE * (n + 1)))
    return Band(up_to, sorted(distances, reverse=True)[k - 1], _upper_bound(k, n), n)


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
