"""Bets against a mean: e-values that may be looked at after every trial.

A grid of fixed bets lambda_g = 0.99 / (m - lo) * 2**-g on D in [lo, hi] against "mean D <= m": each factor
1 + lambda_g (D - m) is non-negative with conditional mean at most 1, so the product is a test martingale and so is the
average over the grid (Waudby-Smith & Ramdas 2024, arXiv 2010.09686; the grid makes the state a sum, hence mergeable).
By Ville's inequality the e-value ever reaches 1/alpha with probability at most alpha.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GRID = 12  # bets per grid

Floats = NDArray[np.float64]

CONFIDENCE = 0.05  # of the intervals shown
TIGHTEST_AT = 500  # trials at which the shown interval is tightest


def grid(distance: float) -> Floats:
    """The bets of a grid, shape (GRID,); `distance` from the tested mean to the worst value, greater than 0."""
    return 0.99 / distance * np.exp2(-np.arange(GRID, dtype=np.float64))


def log_wealth(surplus: Floats, distance: float) -> Floats:
    """Sums of log(1 + lambda_g x) over the surplus x (D - m, or m - D for the mirror), shape (GRID,)."""
    if surplus.size == 0:
        return np.zeros(GRID)
    return np.asarray(np.log1p(np.multiply.outer(grid(distance), surplus)).sum(axis=1))


def log_e(log_wealths: Sequence[float] | Floats) -> float:
    """Log of the average wealth over the grid."""
    wealth = np.asarray(log_wealths, dtype=np.float64)
    top = float(wealth.max())
    return top + math.log(float(np.exp(wealth - top).mean()))


def log_e_discordant(up: int, down: int, n: int, tolerance: float) -> float:
    """Log e-value against "mean <= tolerance" of n values in {-1, 0, 1} of which `up` are 1 and `down` are -1."""
    bets = grid(1.0 + tolerance)
    same = n - up - down
    wealth = (
        up * np.log1p(bets * (1 - tolerance))
        + down * np.log1p(bets * (-1 - tolerance))
        + same * np.log1p(-bets * tolerance)
    )
    return log_e(wealth)


def log_e_mcnemar(up: int, down: int) -> float:
    """Log e-value of the sequential McNemar test (two-sided, uniform prior) against "discordant pairs are fair coins".

    >>> round(math.exp(log_e_mcnemar(8, 2)), 7)
    2.0686869
    """
    return math.lgamma(1 + up) + math.lgamma(1 + down) - math.lgamma(2 + up + down) + (up + down) * math.log(2)


def confidence_sequence(n: int, total: float, squares: float) -> tuple[float, float] | None:
    """Interval of the mean that holds at every look at once, for the eye (Waudby-Smith et al., arXiv 2103.06476).

    Asymptotic: None below 100 values or without any variance, where it would be a point.
    """
    if n < 100:  # noqa: PLR2004 - the method's burn-in
        return None
    mean = total / n
    variance = max(0.0, (squares - total * total / n) / n)
    if variance == 0:
        return None
    rho = rho_tightest_at(TIGHTEST_AT, CONFIDENCE)
    radius = math.sqrt(variance) * unit_radius(n, rho, CONFIDENCE)
    return max(-1.0, mean - radius), min(1.0, mean + radius)


def rho_tightest_at(n: int, alpha: float) -> float:
    """The mixture parameter with which the two-sided interval is tightest at n values.

    >>> round(rho_tightest_at(5000, 0.05), 7)
    0.0398401
    """
    spent = -2 * math.log(alpha)
    return math.sqrt((spent + math.log(spent + 1)) / n)


def unit_radius(n: int, rho: float, alpha: float) -> float:
    """Half the width of the two-sided interval at standard deviation 1.

    >>> round(unit_radius(5000, rho_tightest_at(5000, 0.05), 0.05), 7)
    0.0429243
    """
    u = n * rho * rho + 1
    return math.sqrt(2 * u / (n * n * rho * rho) * math.log(math.sqrt(u) / alpha))
