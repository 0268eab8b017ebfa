"""Evidence: sums of a dimension's D that merge in any order, any partitioning, any number of looks.

The same sums are made here with numpy (from files) and in ClickHouse (from `scores`, by hour); both agree to 1e-9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

GRID = 12  # bets per grid: lambda_g = 0.99 / (delta - lo) * 2**-g, g = 0..11


class EvidenceKey(NamedTuple):
    """What evidence is about. `epoch` numbers the identities of a dimension within a candidate, from 1."""

    candidate: str
    feature: str
    dimension: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Mergeable sums over the comparisons of one key.

    Over the comparisons that have a D (`n` of them): `d_sum`, `d_squares`, `worse` (D > 0), `better` (D < 0), the
    grids `fail_bets` (log-wealth against "mean D <= tolerance", D clipped) and `pass_bets` (against "mean D >=
    tolerance", unclipped), the score sums of each arm with their counts, and the same weighted by 1 / sampling rate.
    Over the comparisons where baseline and rerun both have a score (`replay_n`): `replay_up_bets` and
    `replay_down_bets`, log-wealth against "rerun - baseline <= tolerance" and its mirror, the faithful-replay test.
    Over all comparisons: `scored`, `skipped`, `failed` (of the candidate arm), the reasons with their counts, and the
    first and last event time in milliseconds (0 where there is none).
    """

    n: int = 0
    d_sum: float = 0.0
    d_squares: float = 0.0
    worse: int = 0
    better: int = 0
    fail_bets: tuple[float, ...] = (0.0,) * GRID
    pass_bets: tuple[float, ...] = (0.0,) * GRID
    baseline_n: int = 0
    baseline_sum: float = 0.0
    rerun_n: int = 0
    rerun_sum: float = 0.0
    candidate_sum: float = 0.0
    weight: float = 0.0
    weighted_candidate: float = 0.0
    weighted_d: float = 0.0
    replay_n: int = 0
    replay_up_bets: tuple[float, ...] = (0.0,) * GRID
    replay_down_bets: tuple[float, ...] = (0.0,) * GRID
    scored: int = 0
    skipped: int = 0
    failed: int = 0
    first_ms: int = 0
    last_ms: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    rerun_reasons: Mapping[str, int] = field(default_factory=dict)
