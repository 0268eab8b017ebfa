"""When will there be a verdict? Trials and hours still to go, from what has been seen; and its spread.

The log-wealth of the gambler who does best so far grows by a certain amount per trial; the rest of the way divided by
that is the forecast. The growth itself is known only from the trials seen, so the forecast is a range: 80 % of it, by
the normal approximation of the growth, and of the way that is still to go (a drifting random walk reaches its mark
after an inverse Gaussian time). Where the range of the growth holds 0, the far end is open: None.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from comparators.drift.betting import log_e
from comparators.drift.evidence import Evidence
from comparators.drift.fold import fail_fractions, pass_fractions

HOUR_MS = 3_600_000
Z80 = 1.2816  # 80 % of a normal distribution lie within so many standard deviations
MIN_TRIALS = 30  # fewer say nothing of the growth


@dataclass(frozen=True, slots=True)
class Forecast:
    """Further trials (with a D) until a verdict: the middle and 80 % around it; hours at the pace seen so far.

    `to` is "FAIL" or "PASS", whichever comes first, or "" where neither is in sight. `latest` is None where it may
    never come, the hours are None where no pace is known.
    """

    to: str
    trials: int | None = None
    earliest: int | None = None
    latest: int | None = None
    hours: float | None = None
    earliest_hours: float | None = None
    latest_hours: float | None = None


NOT_IN_SIGHT = Forecast("")


def forecast(
    found: Evidence, tolerance: float, clip: float, fail_at: float, pass_at: float, min_trials: int = 300
) -> Forecast:
    """The verdict that comes first.

    Args:
        found: the dimension's evidence.
        tolerance: of the dimension.
        clip: of its evidence.
        fail_at: log e-value of a FAIL, 1 / (w alpha).
        pass_at: log e-value of a PASS, 1 / alpha.
        min_trials: a PASS takes at least so many.
    """
    if found.n < MIN_TRIALS:
        return NOT_IN_SIGHT
    deviation = math.sqrt(max(found.d_squares / found.n - (found.d_sum / found.n) ** 2, 1.0 / (found.n + 1)))
    fails = _reach("FAIL", found, found.fail_bets, fail_fractions(tolerance, clip), min(deviation, clip), fail_at, 0)
    passes = _reach("PASS", found, found.pass_bets, pass_fractions(tolerance), deviation, pass_at, min_trials)
    return min((f for f in (fails, passes) if f.trials is not None), key=lambda f: f.trials or 0, default=NOT_IN_SIGHT)


def rerun_share(missing_trials: int, hours_left: float, exchanges_per_hour: float, now: float) -> float | None:
    """The share of exchanges to rerun so that the missing paired trials fit into the time; never below `now`.

    None where even rerunning every exchange would not do.
    """
    if hours_left <= 0 or exchanges_per_hour <= 0:
        return None
    share = missing_trials / (hours_left * exchanges_per_hour)
    return None if share > 1 else max(now, share)


def trials_to_pass(flips: float, tolerance: float, alpha: float = 0.05, *, minimum: int = 300) -> int | None:
    """Paired trials that a PASS takes in the middle, before any are seen: for `check`.

    `flips` is the share of trials in which the current pin differs from itself; a candidate that flips as often is
    assumed. None where the tolerance is 0, which nothing ever passes.
    """
    if tolerance <= 0:
        return None
    worse = flips * (1 - flips)
    growth = max(
        worse * math.log1p(-bet * (1 - tolerance))
        + worse * math.log1p(bet * (1 + tolerance))
        + (1 - 2 * worse) * math.log1p(bet * tolerance)
        for bet in pass_fractions(tolerance)
    )
    return None if growth <= 0 else max(minimum, math.ceil((-math.log(alpha) + math.log(2)) / growth))


def _reach(
    to: str,
    found: Evidence,
    bets: Sequence[float],
    fractions: Sequence[float],
    deviation: float,
    mark: float,
    at_least: int,
) -> Forecast:
    best = max(range(len(bets)), key=lambda g: bets[g])
    growth = bets[best] / found.n
    if growth <= 0:
        return NOT_IN_SIGHT
    way = max(0.0, mark - log_e(bets))
    step = min(fractions[best] * deviation, 3.0)  # deviation of one trial's log-wealth, to first order
    unsure = Z80 * step / math.sqrt(found.n)
    floor = max(0, at_least - found.n)
    fast, slow = growth + unsure, growth - unsure
    middle = max(floor, way / growth)
    spread = Z80 * math.sqrt(way / growth) * step / growth
    first = max(floor, way / fast - Z80 * math.sqrt(way / fast) * step / fast, 0.0)
    last = None if slow <= 0 else max(floor, way / slow + spread)
    pace = found.n * HOUR_MS / (found.last_ms - found.first_ms) if found.last_ms > found.first_ms else None
    return Forecast(
        to,
        math.ceil(middle),
        math.ceil(first),
        None if last is None else math.ceil(last),
        None if pace is None else middle / pace,
        None if pace is None else first / pace,
        None if pace is None or last is None else last / pace,
    )
