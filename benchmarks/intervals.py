"""Confidence intervals of shares."""

import math

Z95 = 1.959963984540054


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share after Wilson (1927), as (low, high) in [0, 1].

    >>> [round(end, 3) for end in wilson(95, 100)]
    [0.888, 0.978]
    """
    if n == 0:
        return 0.0, 1.0
    share, spread = hits / n, Z95 * Z95 / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
