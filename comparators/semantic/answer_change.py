"""The final answer changed: the flip that embeddings do not see."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.semantic.final_answer import CLOSED_KINDS, FinalAnswer, of_pair


@dataclass(frozen=True)
class AnswerChange(Comparator):
    """1 where the final answer differs from the baseline's: yes/no, option letter, boxed, label, number, JSON field.

    Applies where the request suggests such an answer and the baseline gives one; an arm without one scores 1. Reasons
    say how it was found: `yes_no:yes->no`, `boxed:changed`; unchanged ones `yes_no:yes`, which the faithful-replay
    check counts. Does not see: another argument for the same answer.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> asks = Request({"messages": [{"role": "user", "content": "Is 7 prime? Answer [Yes] or [No]."}]})
    >>> AnswerChange().compare(Pair(asks, Answer("m", text="It is. [Yes]"), Answer("m", text="[No]")))
    Score(value=1.0, reason='yes_no:yes->no', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        before, after = of_pair(pair)
        if before is None:
            return Score(None, "no_final_answer")
        same = after is not None and after.value == before.value
        return Score(0.0 if same else 1.0, _reason(before, after))


def _reason(before: FinalAnswer, after: FinalAnswer | None) -> str:
    if after is not None and after.value == before.value:
        return f"{before.kind}:{before.value}" if before.kind in CLOSED_KINDS else before.kind
    if after is None:
        return f"{before.kind}:{before.value}->none" if before.kind in CLOSED_KINDS else f"{before.kind}:none"
    return f"{before.kind}:{before.value}->{after.value}" if before.kind in CLOSED_KINDS else f"{before.kind}:changed"
