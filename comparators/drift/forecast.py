"""When will there be a verdict? Trials and hours still to go, from what has been seen; and its spread.

The log-wealth of the gambler who does best so far grows by a certain amount per trial; the rest of the way divided by
that is the forecast. The growth itself is known only from the trials seen, so the forecast is a range: 80 % of it, by
the normal approximation of the growth, and of the way that is still to go (a drifting random walk reaches its mark
after an inverse Gaussian time). Where the range of the growth holds 0, the far end is open: None.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from comparators.drift.betting import log_e
from comparators.drift.evidence import Evidence
from comparators.drift.fold import fail_fractions, pass_fractions
from schemas.verdicts import Forecast, Verdict

HOUR_MS = 3_600_000
Z80 = 1.2816  # 80 % of a normal distribution lie within so many standard deviations
Z80_OF_EACH = Z80 / math.sqrt(2)  # where two unknowns of about the same size go the same way
LARGE = 50.0  # shapes from which an inverse Gaussian is normal enough
MIN_TRIALS = 30  # fewer say nothing of the growth
NOT_IN_SIGHT = Forecast(None)


def forecast(  # noqa: PLR0917 - evidence, the dimension's two numbers, the two marks
    found: Evidence,
    tolerance: float,
    clip: float,
    fail_at: float,
    pass_at: float,
    min_trials: int = 300,
    min_hours: float | None = None,
) -> Forecast:
    """The verdict that comes first.

    Args:
        found: the dimension's evidence.
        tolerance: of the dimension.
        clip: of its evidence.
        fail_at: log e-value of a FAIL, 1 / (w alpha).
        pass_at: log e-value of a PASS, 1 / alpha.
        min_trials: a PASS takes at least so many.
        min_hours: and so many hours from the first trial to the last; None asks for none.
    """
    if found.n < MIN_TRIALS:
        return NOT_IN_SIGHT
    deviation = math.sqrt(max(found.d_squares / found.n - (found.d_sum / found.n) ** 2, 1.0 / (found.n + 1)))
    # To first order a trial's log-wealth deviates by the fraction bet times the deviation of D.
    fail_steps = [fraction * min(deviation, clip) for fraction in fail_fractions(tolerance, clip)]
    pass_steps = [fraction * deviation for fraction in pass_fractions(tolerance)]
    fails = _reach(found, found.fail_bets, fail_steps, Verdict.FAIL, fail_at)
    passes = _reach(found, found.pass_bets, pass_steps, Verdict.PASS, pass_at, at_least=min_trials)
    first = min((f for f in (fails, passes) if f.trials is not None), key=lambda f: f.trials or 0, default=NOT_IN_SIGHT)
    if first.to is Verdict.PASS and min_hours is not None:
        return _not_before(first, min_hours - (found.last_ms - found.first_ms) / HOUR_MS)
    return first


def forecast_pass(  # noqa: PLR0917 - two numbers of the dimension, two of the traffic, three rules
    flips: float,
    tolerance: float,
    trials_per_hour: float | None = None,
    alpha: float = 0.05,
    min_trials: int = 300,
    min_hours: float | None = 24,
) -> Forecast:
    """When a candidate without drift passes, before anything is seen: for `check`.

    The range is that of chance alone (inverse Gaussian); that `flips` is a guess widens it further.

    Args:
        flips: the share of trials in which the current pin differs from itself; a candidate that flips as often is
            assumed. For a PROPERTY, the share of baseline answers that have it.
        tolerance: of the dimension; at 0 nothing is ever in sight.
        trials_per_hour: that count for the dimension: exchanges times the share that is rerun, or all for a PROPERTY.
        alpha: of the verdict.
        min_trials: a PASS takes at least so many.
        min_hours: and so many hours.
    """
    trials = trials_to_pass(flips, tolerance, alpha, minimum=min_trials)
    if trials is None:
        return NOT_IN_SIGHT
    earliest, latest = (trials_to_pass(flips, tolerance, alpha, minimum=min_trials, z=z) for z in (-Z80, Z80))
    pace = trials_per_hour or None
    hours = [None if pace is None or many is None else many / pace for many in (trials, earliest, latest)]
    return _not_before(Forecast(Verdict.PASS, trials, earliest, latest, *hours), min_hours or 0.0)


def rerun_share(missing_trials: int, hours_left: float, exchanges_per_hour: float, now: float) -> float | None:
    """The share of exchanges to rerun so that the missing paired trials fit into the time; never below `now`.

    None where even rerunning every exchange would not do.
    """
    if hours_left <= 0 or exchanges_per_hour <= 0:
        return None
    share = missing_trials / (hours_left * exchanges_per_hour)
    return None if share > 1 else max(now, share)


def trials_to_pass(
    flips: float, tolerance: float, alpha: float = 0.05, *, minimum: int = 300, z: float = 0.0
) -> int | None:
    """Trials that a PASS takes before any are seen: in the middle, or at another quantile (that of a normal at `z`).

    `flips` as in `forecast_pass`. None where the tolerance is 0, which nothing ever passes.
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
    many = _until(-math.log(alpha), growths)
    if many is None:
        return None
    variance = 2 * one_way * fractions[growths.index(growth)] ** 2
    return max(minimum, math.ceil(many * _share_of_mean(many * growth**2 / variance if variance else math.inf, z)))


def _reach(
    found: Evidence, bets: Sequence[float], steps: Sequence[float], to: Verdict, mark: float, *, at_least: int = 0
) -> Forecast:
    floor = max(0, at_least - found.n)

    def trials(z: float) -> float | None:
        """With the growth of each gambler z deviations off what it was, and chance z deviations off its middle."""
        growths = [bet / found.n - z * step / math.sqrt(found.n) for bet, step in zip(bets, steps, strict=True)]
        many = _until(mark, growths, bets)
        if many is None:
            return None
        best = max(range(len(bets)), key=lambda g: bets[g] + many * growths[g])
        variance, way = steps[best] ** 2, max(0.0, mark - log_e(bets))
        return max(floor, many * _share_of_mean(way * max(0.0, growths[best]) / variance, z))

    middle, first, last = trials(0.0), trials(-Z80_OF_EACH), trials(Z80_OF_EACH)
    if middle is None or first is None:
        return NOT_IN_SIGHT
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


def _until(mark: float, growths: Sequence[float], start: Sequence[float] | None = None) -> float | None:
    """Trials until the e-value of gamblers who grow so much a trial reaches the mark; None where it never does."""
    bets = start if start is not None else (0.0,) * len(growths)
    if log_e(bets) >= mark:
        return 0.0
    # At the latest the mean is there when one gambler alone carries it.
    alone = mark + math.log(len(growths))
    many = min(((alone - bet) / growth for bet, growth in zip(bets, growths, strict=True) if growth > 0), default=None)
    if many is None:
        return None
    few = 0.0
    while many - few > 1:
        middle = (few + many) / 2
        there = log_e([bet + middle * growth for bet, growth in zip(bets, growths, strict=True)]) >= mark
        few, many = (few, middle) if there else (middle, many)
    return many


def _not_before(told: Forecast, hours: float) -> Forecast:
    hours_told = (told.hours, told.earliest_hours, told.latest_hours)
    middle, first, last = (None if told_hours is None else max(told_hours, hours) for told_hours in hours_told)
    return replace(told, hours=middle, earliest_hours=first, latest_hours=last)


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
