"""Evidence: sums of a dimension's D that merge in any order, any partitioning, any number of looks.

The same sums are made here with numpy (from files) and in ClickHouse (from `scores`, by hour); both agree to 1e-9.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from operator import add
from typing import NamedTuple

from schemas.values import immutable

GRID = 12  # bets per grid: lambda_g = 0.99 / (delta - lo) * 2**-g, g = 0..11


class EvidenceKey(NamedTuple):
    """What evidence is about. `epoch` numbers the identities of a dimension within a candidate, from 1."""

    candidate: str
    feature: str
    dimension: str
    epoch: int


@immutable
class Evidence:
    """Mergeable sums over the comparisons of one key.

    Over the comparisons that have a D (`n` of them): `d_sum`, `d_squares`, `worse` (D > 0), `better` (D < 0), the
    grids `fail_bets` (log-wealth against "mean D <= tolerance", D clipped) and `pass_bets` (against "mean D >=
    tolerance", unclipped), the score sums of each arm with their counts, and the same weighted by 1 / sampling rate.
    Over the comparisons where baseline and rerun both have a score (`replay_n`): `replay_up_bets` and
    `replay_down_bets`, log-wealth against "rerun - baseline <= tolerance" and its mirror, the faithful-replay test.
    Over all comparisons: `scored`, `skipped`, `failed` (of the candidate arm), and the first and last event time in
    milliseconds (0 where there is none). `reasons` and `rerun_reasons` count the reason codes of the candidate and of
    the rerun where they were scored and gave one.
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

    def __add__(self, other: "Evidence") -> "Evidence":
        """The evidence of both, whichever came first; they must share no comparison."""
        firsts = [ms for ms in (self.first_ms, other.first_ms) if ms]
        return Evidence(
            n=self.n + other.n,
            d_sum=self.d_sum + other.d_sum,
            d_squares=self.d_squares + other.d_squares,
            worse=self.worse + other.worse,
            better=self.better + other.better,
            fail_bets=tuple(map(add, self.fail_bets, other.fail_bets)),
            pass_bets=tuple(map(add, self.pass_bets, other.pass_bets)),
            baseline_n=self.baseline_n + other.baseline_n,
            baseline_sum=self.baseline_sum + other.baseline_sum,
            rerun_n=self.rerun_n + other.rerun_n,
            rerun_sum=self.rerun_sum + other.rerun_sum,
            candidate_sum=self.candidate_sum + other.candidate_sum,
            weight=self.weight + other.weight,
            weighted_candidate=self.weighted_candidate + other.weighted_candidate,
            weighted_d=self.weighted_d + other.weighted_d,
            replay_n=self.replay_n + other.replay_n,
            replay_up_bets=tuple(map(add, self.replay_up_bets, other.replay_up_bets)),
            replay_down_bets=tuple(map(add, self.replay_down_bets, other.replay_down_bets)),
            scored=self.scored + other.scored,
            skipped=self.skipped + other.skipped,
            failed=self.failed + other.failed,
            first_ms=min(firsts, default=0),
            last_ms=max(self.last_ms, other.last_ms),
            reasons=dict(Counter(self.reasons) + Counter(other.reasons)),
            rerun_reasons=dict(Counter(self.rerun_reasons) + Counter(other.rerun_reasons)),
        )

    @property
    def comparisons(self) -> int:
        """How many comparisons were looked at, whatever came of them."""
        return self.scored + self.skipped + self.failed

    @property
    def excess(self) -> float | None:
        """The mean of D, None where there is none."""
        return self.d_sum / self.n if self.n else None
