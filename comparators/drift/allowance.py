"""Where a calibration says what reruns are allowed to score, later reruns tell whether that still holds."""

import math

from comparators.drift.betting import log_e
from comparators.drift.evidence import GRID, Evidence

LIMIT = math.log(20)


def reruns_keep_to_it(found: Evidence) -> bool:
    """Whether reruns (each scored 0 or 1) stay within the allowance: e < 20 against it, at any look.

    D is score - allowance there, so the sums tell the allowance.
    """
    if not found.n or not found.rerun_n:
        return True
    allowed = (found.candidate_sum - found.d_sum) / found.n
    if allowed <= 0:
        return True
    beyond = found.rerun_sum
    within = found.rerun_n - beyond
    bets = (0.99 / allowed * 2.0**-g for g in range(GRID))
    return (
        log_e([beyond * math.log1p(bet * (1 - allowed)) + within * math.log1p(-bet * allowed) for bet in bets]) < LIMIT
    )
