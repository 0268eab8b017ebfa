"""Is the replay faithful? Rerun against baseline is an A/A test of the tap itself.

If the tap lost the system prompt or a parameter, both replays go wrong alike and no comparison of them means anything.
So the rerun is held against the baseline, both directions, e >= 20, at the dimension's tolerance, for every PROPERTY
and PROPERTY_BOTH dimension except `call_error`, for the length of the answer, and for the indicator of the commonest
final answer. The commonest one is picked on the counts of both arms together: exchanging the arms of any trial leaves the
choice unchanged, so under a faithful replay the indicator's difference stays symmetric.
"""

import math
from collections import Counter
from collections.abc import Mapping

from comparators.comparator import Kind
from comparators.dimensions import Dimension
from comparators.drift import betting
from comparators.drift.evidence import Evidence
from comparators.drift.fold import fail_fractions

LOG_LIMIT = math.log(20)
ARROW = "->"
LENGTH = "answer_length"
FINAL_ANSWER = "answer_change"


def unfaithful_dimension(evidence: Mapping[str, Evidence], dimensions: Mapping[str, Dimension]) -> str | None:
    """The first dimension of a feature in which reruns differ from the recorded answers, or None."""
    for name, dimension in dimensions.items():
        found = evidence.get(name)
        if found is None:
            continue
        if name == FINAL_ANSWER and _final_answers_moved(found.rerun_reasons, dimension.tolerance):
            return name
        if name == "call_error" or not (dimension.kind in (Kind.PROPERTY, Kind.PROPERTY_BOTH) or name == LENGTH):
            continue
        if max(betting.log_e(found.replay_up_bets), betting.log_e(found.replay_down_bets)) >= LOG_LIMIT:
            return name
    return None


def _final_answers_moved(reasons: Mapping[str, int], tolerance: float) -> bool:
    transitions = Counter[tuple[str, str]]()
    for reason, count in reasons.items():
        kind, _, labels = reason.partition(":")
        before, arrow, after = labels.partition(ARROW)
        if labels and not (not arrow and labels == "changed"):
            transitions[f"{kind}:{before}", f"{kind}:{after if arrow else before}"] += count
    pooled = Counter[str]()
    for (before, after), count in transitions.items():
        pooled[before] += count
        pooled[after] += count
    if not pooled:
        return False
    commonest = max(sorted(pooled), key=lambda label: pooled[label])
    n = sum(reasons.values())
    lost = sum(count for (b, a), count in transitions.items() if b == commonest != a)
    gained = sum(count for (b, a), count in transitions.items() if a == commonest != b)
    return max(_log_e(gained, lost, n, tolerance), _log_e(lost, gained, n, tolerance)) >= LOG_LIMIT


def _log_e(up: int, down: int, n: int, tolerance: float) -> float:
    """Log e-value against "mean <= tolerance" of n values in {-1, 0, 1}, `up` of them 1 and `down` of them -1."""
    return betting.log_e(
        [
            up * math.log1p(bet * (1 - tolerance))
            + down * math.log1p(bet * (-1 - tolerance))
            + (n - up - down) * math.log1p(-bet * tolerance)
            for bet in fail_fractions(tolerance)
        ]
    )
