"""Is the replay faithful? Rerun against baseline is an A/A test of the tap itself.

If the tap lost the system prompt or a parameter, both replays go wrong alike and no comparison of them means anything.
So the rerun is held against the baseline, both directions, e >= 20, at the dimension's tolerance, for every PROPERTY
and PROPERTY_BOTH dimension except `call_error`, for the length of the answer, and for the indicator of the commonest
final answer.

Which answer is the commonest is read off the counts of both arms together. Under a faithful replay the two arms of a
trial are exchangeable, so given the unordered pairs each discordant pair points either way by a fair coin; the pooled
counts are a function of the unordered pairs, so picking by them tells nothing about the coins, and the e-value of the
picked label has mean at most 1 at any look. (Picking by the baseline's counts alone would favour labels the baseline
happened to draw: regression to the mean would look like a loss.) Between looks the pick may move to another label,
which costs at most one more test of the same level.
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
CLOSED_KINDS = ("yes_no", "option", "label")  # reason codes of these name the answers: `yes_no:yes->no`
NO_ANSWER = "none"


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
        if (log_e_replay(found) or 0.0) >= LOG_LIMIT:
            return name
    return None


def log_e_replay(found: Evidence) -> float | None:
    """Log e-value against "reruns score as the recorded answers do", in whichever direction has more; None untested."""
    return max(betting.log_e(found.replay_up_bets), betting.log_e(found.replay_down_bets)) if found.replay_n else None


def _final_answers_moved(reasons: Mapping[str, int], tolerance: float) -> bool:
    transitions = Counter[tuple[str, str]]()
    for reason, count in reasons.items():
        kind, _, labels = reason.partition(":")
        before, arrow, after = labels.partition(ARROW)
        # Where the baseline has no final answer nothing is scored; so where the rerun has none nothing may count
        # here either, or an answer that comes and goes by chance would look lost.
        if kind in CLOSED_KINDS and after != NO_ANSWER:
            transitions[f"{kind}:{before}", f"{kind}:{after if arrow else before}"] += count
    pooled = Counter[str]()
    for (before, after), count in transitions.items():
        pooled[before] += count
        pooled[after] += count
    if not pooled:
        return False
    commonest = max(sorted(pooled), key=lambda label: pooled[label])
    lost = sum(count for (before, after), count in transitions.items() if before == commonest != after)
    gained = sum(count for (before, after), count in transitions.items() if after == commonest != before)
    n = transitions.total()
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
