"""Evidence: sums of a dimension's D that merge in any order, any partitioning, any number of looks.

The same sums are made here with numpy (from files) and in ClickHouse (from `scores`, by hour); both agree to 1e-9.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from comparators.dimensions import Dimension
from comparators.drift import betting
from comparators.drift.betting import GRID
from schemas.comparisons import Comparison, DimensionScore, Status


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
        """The evidence of both together."""
        return Evidence(
            **{name: _merged(name, getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        )


NOTHING = Evidence()


def fold_comparisons(
    comparisons: Iterable[Comparison],
    dimensions_of: Callable[[str], Sequence[Dimension]],
    epoch_of: Callable[[str, str, str], int] = lambda *_: 1,
) -> dict[EvidenceKey, Evidence]:
    """Evidence of many comparisons; `epoch_of(candidate, feature, dimension)` numbers the identities in force."""
    rows: defaultdict[tuple[str, str, str], list[tuple[DimensionScore, Comparison]]] = defaultdict(list)
    for comparison in comparisons:
        for score in comparison.scores:
            rows[comparison.candidate, comparison.trial.feature, score.dimension].append((score, comparison))
    in_force = {
        (feature, dimension.name): dimension
        for feature in {feature for _, feature, _ in rows}
        for dimension in dimensions_of(feature)
    }
    return {
        EvidenceKey(candidate, feature, name, epoch_of(candidate, feature, name)): _folded(
            scores, in_force[feature, name].tolerance, in_force[feature, name].clip
        )
        for (candidate, feature, name), scores in rows.items()
    }


def _folded(rows: list[tuple[DimensionScore, Comparison]], tolerance: float, clip: float) -> Evidence:
    values = np.array(
        [
            [
                _number(score.d),
                _number(score.baseline.value if score.baseline else None),
                _number(score.rerun.value if score.rerun else None),
                _number(score.candidate.value),
                comparison.trial.weight,
            ]
            for score, comparison in rows
        ]
    )
    d, baseline, rerun, candidate, weight = values[~np.isnan(values[:, 0])].T  # NULL filtered before clipping
    replay = (values[:, 2] - values[:, 1])[~np.isnan(values[:, 1]) & ~np.isnan(values[:, 2])]
    times = [comparison.trial.ts_ms for _, comparison in rows]
    statuses = Counter(score.candidate.status for score, _ in rows)
    scored = [score for score, _ in rows if score.candidate.status is Status.SCORED]
    return Evidence(
        n=d.size,
        d_sum=float(d.sum()),
        d_squares=float((d * d).sum()),
        worse=int((d > 0).sum()),
        better=int((d < 0).sum()),
        fail_bets=_tuple(betting.log_wealth(d.clip(-clip, clip) - tolerance, tolerance + clip)),
        pass_bets=_tuple(betting.log_wealth(tolerance - d, 1 - tolerance)),
        baseline_n=int((~np.isnan(baseline)).sum()),
        baseline_sum=float(np.nansum(baseline)),
        rerun_n=int((~np.isnan(rerun)).sum()),
        rerun_sum=float(np.nansum(rerun)),
        candidate_sum=float(candidate.sum()),
        weight=float(weight.sum()),
        weighted_candidate=float((weight * candidate).sum()),
        weighted_d=float((weight * d).sum()),
        replay_n=replay.size,
        replay_up_bets=_tuple(betting.log_wealth(replay - tolerance, tolerance + 1)),
        replay_down_bets=_tuple(betting.log_wealth(-replay - tolerance, tolerance + 1)),
        scored=statuses[Status.SCORED],
        skipped=statuses[Status.SKIPPED],
        failed=statuses[Status.FAILED],
        first_ms=min(times),
        last_ms=max(times),
        reasons=dict(Counter(score.candidate.reason for score in scored if score.candidate.reason)),
        rerun_reasons=dict(
            Counter(s.rerun.reason for s, _ in rows if s.rerun and s.rerun.status is Status.SCORED and s.rerun.reason)
        ),
    )


def _merged(name: str, one: Any, other: Any) -> Any:
    if name == "first_ms":
        return min((moment for moment in (one, other) if moment), default=0)
    if name == "last_ms":
        return max(one, other)
    if isinstance(one, tuple):
        return tuple(a + b for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping):
        return dict(Counter(one) + Counter(other))
    return one + other


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _tuple(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.tolist())

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
            reasons=Counter(self.reasons) + Counter(other.reasons),
            rerun_reasons=Counter(self.rerun_reasons) + Counter(other.rerun_reasons),
        )

    @property
    def comparisons(self) -> int:
        """How many comparisons were looked at, whatever came of them."""
        return self.scored + self.skipped + self.failed

    @property
    def excess(self) -> float | None:
        """The mean of D, None where there is none."""
        return self.d_sum / self.n if self.n else None
