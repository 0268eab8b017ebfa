"""Alpha spent in advance: each hypothesis has its share before its data come, so looking often costs nothing.

One family per candidate. Declared features share half of alpha equally; the j-th undeclared feature, in order of
appearance, gets the rest / (j (j + 1)), which sums to the rest. Inside a feature, dimensions weigh by effect (block 4,
review 2, info 1) over the dimensions known when the upgrade started; later ones share a reserved tenth. The k-th
epoch of a dimension gets w / 2**k.
"""

import math
from collections.abc import Mapping, Sequence

from schemas.verdicts import Effect

WEIGHT = {Effect.BLOCK: 4.0, Effect.REVIEW: 2.0, Effect.INFO: 1.0}
DECLARED_SHARE = 0.5
RESERVED = 0.1  # of a feature's share, for dimensions added later


def feature_share(position: int, declared: int) -> float:
    """Share of alpha of a feature: `position` from 1 among the undeclared, or 0 for one of the `declared`."""
    if position == 0:
        return DECLARED_SHARE / declared
    rest = 1 - DECLARED_SHARE if declared else 1.0
    return rest / (position * (position + 1))


def dimension_share(name: str, known: Mapping[str, Effect], later: Sequence[str] = ()) -> float:
    """Share of a dimension in its feature; `later` lists dimensions added after the start, in their order."""
    if name in known:
        total = sum(WEIGHT[effect] for effect in known.values())
        return (1 - RESERVED) * WEIGHT[known[name]] / total
    position = later.index(name) + 1
    return RESERVED / (position * (position + 1))


def log_threshold(alpha: float, share: float, rank: int) -> float:
    """Log of the e-value that a FAIL takes, in the epoch of this rank (from 1)."""
    return -math.log(alpha * share * 0.5**rank)
