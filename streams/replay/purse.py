"""What was reserved for one exchange, and what of it was spent when all its answers are there."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.answers import Answer
from streams import metrics
from streams.replay.arms import AskedArm
from streams.replay.budget import Budget, Reservation
from streams.replay.client import Unavailable
from streams.replay.responses import TOO_LARGE


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
        metrics.of(metrics.SPEND_USD, arm.provider).inc(arm.most_usd)
        metrics.of(metrics.SPEND_REQUESTS, arm.provider).inc()
        return True

    def close(self, answers: Iterable[tuple[Answer | Unavailable, AskedArm]]) -> tuple[int, float]:
        """Book everything; returns how many requests were not sent, and USD."""
        usd, unsent = self._lost_usd, 0
        for answer, arm in answers:
            counts_usd, is_unsent = _counts_usd(answer, arm), isinstance(answer, Unavailable) and answer.is_unsent
            usd += counts_usd
            unsent += is_unsent
            metrics.of(metrics.SPEND_USD, arm.provider).inc(counts_usd)
            metrics.of(metrics.SPEND_REQUESTS, arm.provider).inc(not is_unsent)
            if isinstance(answer, Answer) and answer.cost_usd is None and not answer.error:
                metrics.of(metrics.UNPRICED, arm.provider).inc()
        self.budget.settle(self.reserved, usd, unsent)
        return unsent, usd


def _counts_usd(answer: Answer | Unavailable, arm: AskedArm) -> float:
    """What an answer counts: its cost, or the most it may have cost where nobody says."""
    if isinstance(answer, Unavailable):
        return arm.most_usd if answer.may_be_billed else 0.0
    if answer.cost_usd is not None:
        return answer.cost_usd
    is_free = answer.error is not None and answer.error != TOO_LARGE  # a refusal
    return 0.0 if is_free else arm.most_usd
