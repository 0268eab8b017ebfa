"""What sums of bets are worth: e-values, the sequential McNemar test, a confidence sequence for the eye.

An e-value at 1/alpha may be looked at after every trial: under the hypothesis it ever gets there with probability at
most alpha (Ville). Sources: Waudby-Smith and Ramdas, JRSS B 2024 (betting); Howard, Ramdas, McAuliffe and Sekhon,
Annals of Statistics 2021 (normal mixture); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, arXiv 2103.06476
(asymptotic confidence sequences).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

TIGHTEST_AT = 500  # trials at which the confidence sequence is narrowest
LARGEST_LOG = 700.0  # beyond, exp overflows
MIN_TRIALS = 100  # below, an asymptotic interval promises more than it can hold


class Interval(NamedTuple):
    """A confidence sequence of a mean at one look."""

    low: float
    high: float


def log_e(bets: Sequence[float]) -> float:
    """Log of the mean wealth of a grid of gamblers, from their log-wealths: one e-value.

    >>> log_e((0.0,) * 12)
    0.0
    """
    most = max(bets)
    return most + math.log(math.fsum(math.exp(bet - most) for bet in bets) / len(bets))


def e_value(log_e: float) -> str:
    """An e-value for people, from its logarithm.

    >>> e_value(0.0), e_value(3.0), e_value(60.4)
    ('1.0', '20', '1.7e+26')
    """
    if log_e > LARGEST_LOG:
        return f"1e+{log_e / math.log(10):.0f}"
    value = math.exp(log_e)
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}" if value < 100_000 else f"{value:.1e}"  # noqa: PLR2004 - digits


def mcnemar_log_e(worse: int, better: int) -> float:
    """Log e-value against "a discordant pair goes either way alike", two-sided, uniform prior on the share.

    Exact for D in {-1, 0, 1} at tolerance 0, whatever the number of looks. Concordant pairs say nothing here.
    """
    n = worse + better
    return math.lgamma(1 + worse) + math.lgamma(1 + better) - math.lgamma(2 + n) + n * math.log(2)


def best_variance(intrinsic: float, alpha: float) -> float:
    """Prior precision r of the two-sided normal mixture that is (nearly) tightest at this intrinsic time."""
    doubled = 2 * math.log(1 / alpha)
    return intrinsic / (doubled + math.log(1 + doubled))


def normal_log_mixture(total: float, intrinsic: float, precision: float) -> float:
    """Log e-value of a centred sum with this intrinsic time (n times the variance), two-sided normal mixture."""
    grown = intrinsic + precision
    return 0.5 * math.log(precision / grown) + total * total / (2 * grown)


def normal_mixture_bound(intrinsic: float, precision: float, alpha: float) -> float:
    """What a centred sum leaves, ever, with probability at most alpha."""
    return math.sqrt((intrinsic + precision) * (math.log1p(intrinsic / precision) + 2 * math.log(1 / alpha)))


def confidence_sequence(n: int, total: float, squares: float, alpha: float = 0.05) -> Interval | None:
    """Interval of the mean of D that holds at all looks together (asymptotically), from n, sum and sum of squares.

    For people to look at; no verdict rests on it. None below 100 trials. One imagined trial with D squared = 1 is put
    into the variance, so that a hundred trials without any difference do not claim to know the mean exactly.
    """
    if n < MIN_TRIALS:
        return None
    mean = total / n
    variance = max((squares + 1.0) / (n + 1) - mean * mean, 1.0 / (n + 1))
    precision = best_variance(TIGHTEST_AT, alpha)
    radius = math.sqrt(variance) * normal_mixture_bound(n, precision, alpha) / n
    return Interval(max(-1.0, mean - radius), min(1.0, mean + radius))
