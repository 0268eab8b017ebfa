"""What was reserved for one exchange, and what of it was spent when all its answers are there."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.answers import Answer
from streams.replay.arms import AskedArm
from streams.replay.budget import Budget, Reservation
from streams.replay.client import TOO_LARGE, Unavailable


@dataclass
class Purse:
    """Opened with a reservation, closed once."""

    budget: Budget
    reserved: Reservation
    _lost_usd: float = 0.0

    def pay_again(self, arm: AskedArm) -> bool:
        """An answer was lost that may have been billed: reserve another in its place; False if that is not there."""
        more = self.budget.extend(self.reserved, 1, arm.most_usd)
        if more is None:
            return False
        self.reserved = more
        self._lost_usd += arm.most_usd
        return True

    def close(self, answers: Iterable[tuple[Answer | Unavailable, AskedArm]]) -> float:
        """Book everything; returns USD."""
        usd, unsent = self._lost_usd, 0
        for answer, arm in answers:
            usd += _counts_usd(answer, arm)
            unsent += isinstance(answer, Unavailable) and answer.is_unsent
        self.budget.settle(self.reserved, usd, unsent)
        return usd


def _counts_usd(answer: Answer | Unavailable, arm: AskedArm) -> float:
    """What an answer counts: its cost, or the most it may have cost where nobody says."""
    if isinstance(answer, Unavailable):
        return arm.most_usd if answer.may_be_billed else 0.0
    if answer.cost_usd is not None:
        return answer.cost_usd
    is_free = answer.error is not None and answer.error != TOO_LARGE  # a refusal
    return 0.0 if is_free else arm.most_usd
