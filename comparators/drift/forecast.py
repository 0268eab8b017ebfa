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
from schemas.verdicts import Verdict

HOUR_MS = 3_600_000
Z80 = 1.2816  # 80 % of a normal distribution lie within so many standard deviations
LARGE = 50.0  # shapes from which an inverse Gaussian is normal enough
MIN_TRIALS = 30  # fewer say nothing of the growth


@dataclass(frozen=True, slots=True)
class Forecast:
    """Further trials (with a D) until a verdict: the middle and 80 % around it; hours at the pace seen so far.

    `to` is FAIL or PASS, whichever comes first, or None where neither is in sight. `latest` is None where it may
    never come, the hours are None where no pace is known.
    """

    to: Verdict | None
    trials: int | None = None
    earliest: int | None = None
    latest: int | None = None
    hours: float | None = None
    earliest_hours: float | None = None
    latest_hours: float | None = None


NOT_IN_SIGHT = Forecast(None)


def forecast(  # noqa: PLR0917 - evidence, the dimension's two numbers, the two marks
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
    # To first order a trial's log-wealth deviates by the fraction bet times the deviation of D.
    fail_steps = [fraction * min(deviation, clip) for fraction in fail_fractions(tolerance, clip)]
    pass_steps = [fraction * deviation for fraction in pass_fractions(tolerance)]
    fails = _reach(found, found.fail_bets, fail_steps, Verdict.FAIL, fail_at)
    passes = _reach(found, found.pass_bets, pass_steps, Verdict.PASS, pass_at, at_least=min_trials)
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
    one_way = flips * (1 - flips)  # the candidate flips where the rerun does not, or the other way round
    fractions = pass_fractions(tolerance)
    growths = [
        one_way * math.log1p(-bet * (1 - tolerance))
        + one_way * math.log1p(bet * (1 + tolerance))
        + (1 - 2 * one_way) * math.log1p(bet * tolerance)
        for bet in fractions
    ]
    growth = max(growths)
    if growth <= 0:
        return None
    mark = -math.log(alpha)
    few, many = 0.0, (mark + math.log(len(growths))) / growth  # at the latest the best gambler alone carries the mean
    while many - few > 1:
        middle = (few + many) / 2
        few, many = (few, middle) if log_e([middle * each for each in growths]) >= mark else (middle, many)
    variance = 2 * one_way * fractions[growths.index(growth)] ** 2
    return max(minimum, math.ceil(many * _share_of_mean(many * growth**2 / variance if variance else math.inf, 0.0)))


def _reach(
    found: Evidence, bets: Sequence[float], steps: Sequence[float], to: Verdict, mark: float, *, at_least: int = 0
) -> Forecast:
    best = max(range(len(bets)), key=lambda g: bets[g])
    growth = bets[best] / found.n
    if growth <= 0:
        return NOT_IN_SIGHT
    way = max(0.0, mark - log_e(bets))
    variance = steps[best] ** 2
    unsure = Z80 * steps[best] / math.sqrt(found.n)
    floor = max(0, at_least - found.n)

    def trials(grows: float, z: float) -> float:
        return max(floor, way / grows * _share_of_mean(way * grows / variance, z))

    middle, first = trials(growth, 0.0), trials(growth + unsure, -Z80)
    last = trials(growth - unsure, Z80) if growth > unsure else None
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


def _share_of_mean(shape: float, z: float) -> float:
    """Quantile (given as that of a standard normal) of an inverse Gaussian time, as a share of its mean.

    `shape` is way times growth per variance of a step; infinite where nothing is left to chance.
    """
    if shape > LARGE:
        return max(0.0, 1.0 + z / math.sqrt(shape))
    if shape <= 0.0:
        return 0.0
    wanted = _normal(z)
    low, high = 0.0, 1.0 + 20.0 / shape
    for _ in range(50):
        middle = (low + high) / 2
        root = math.sqrt(shape / middle)
        reached = _normal(root * (middle - 1)) + math.exp(2 * shape) * _normal(-root * (middle + 1))
        low, high = (low, middle) if reached >= wanted else (middle, high)
    return high


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
