"""How the error is spent: every test of a candidate's family gets its share of alpha before its first trial.

The number of tests grows while features appear, so shares cannot be corrected afterwards. They sum to at most 1:
over features (declared ones, then undeclared ones in order of appearance), inside a feature over its dimensions, and
inside a dimension over its epochs. By the union bound a candidate without any drift then ever fails anything with
probability at most alpha. Design section 5.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from schemas.verdicts import Effect, Family

WEIGHT = {Effect.BLOCK: 4.0, Effect.REVIEW: 2.0, Effect.INFO: 1.0}
RESERVED = 0.1  # of a feature's share, for dimensions that are added after the upgrade has started


def families(
    candidate: str, declared: Sequence[str], seen: Iterable[str], known: Iterable[Family] = ()
) -> tuple[Family, ...]:
    """The candidate's new families: declared features at once, undeclared ones in the order they were seen.

    A share never changes once given. So a feature that is declared only later than the others takes its place among
    the undeclared ones. What declared features get is fixed by the first call, when `known` is empty.

    Args:
        candidate: its name.
        declared: features that the configuration names.
        seen: features of which something was compared, in order of appearance.
        known: the candidate's families so far (those of other candidates are ignored).

    Returns:
        Only the families that are new, to be stored.
    """
    have = {family.feature: family for family in known if family.candidate == candidate}
    first = not have
    new: dict[str, Family] = {}
    if first:
        for place, feature in enumerate(dict.fromkeys(declared), start=1):
            new[feature] = Family(candidate, feature, True, place, 0.5 / len(set(declared)))  # noqa: FBT003 - a table row
    half_is_spent = any(family.declared for family in (*have.values(), *new.values()))
    rest = 0.5 if half_is_spent else 1.0
    place = sum(not family.declared for family in have.values())
    for feature in dict.fromkeys((*declared, *seen)):
        if feature not in have and feature not in new:
            place += 1
            new[feature] = Family(candidate, feature, False, place, rest / (place * (place + 1)))  # noqa: FBT003 - same
    return tuple(new.values())


def dimension_shares(at_start: Mapping[str, Effect], later: Sequence[str] = ()) -> dict[str, float]:
    """Share of a feature's alpha for each dimension.

    Args:
        at_start: dimensions known when the upgrade started, with the effect they had then. A later change of an
            effect does not move alpha.
        later: dimensions that were added since, in that order.
    """
    total = math.fsum(WEIGHT[effect] for effect in at_start.values())
    shares = {name: (1 - RESERVED) * WEIGHT[effect] / total for name, effect in at_start.items()}
    added = [name for name in dict.fromkeys(later) if name not in shares]
    return shares | {name: RESERVED / (place * (place + 1)) for place, name in enumerate(added, start=1)}


def log_threshold(alpha: float, share: float, rank: int = 1) -> float:
    """Log of the e-value that fails a test with this share of alpha in its rank-th epoch (from 1)."""
    return -math.log(alpha * share) + rank * math.log(2)
