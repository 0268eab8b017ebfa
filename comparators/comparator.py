"""The contract of a comparator: it computes one dimension, named after what is wrong when its score is 1.

A comparator is a frozen dataclass whose fields are its settings; an unknown setting is refused on construction. It
is deterministic, reads no clock and no network, and looks at one pair at a time:

* whether the dimension applies is decided from the request and the baseline alone; where it does not, the value is
  None with a reason. Where it applies, an arm without the form (prose instead of JSON, no final answer) scores 1;
* a PROPERTY or MEASURE is of one answer: `compare` scores `pair.answer` and is called once per arm, for the baseline
  with `pair.answer` = the baseline. A DISTANCE is from the baseline and is called for rerun and candidate;
* an answer with an error is never given to a comparator, except to `call_error`;
* a score that is not 0 carries a reason code that an analyst can group by: few distinct values, no text of users
  (`yes_no:yes->no`, `missing:$.items[].price`). What is particular goes into `detail`.

Raising is allowed and ends as `failed` in `scoring.py`, never as a score.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import ClassVar, Final

from schemas.answers import Answer
from schemas.comparisons import Kind
from schemas.exchanges import Request
from schemas.values import immutable

__all__ = ["FINE", "Comparator", "Kind", "Pair", "Score", "inapplicable"]


@immutable
class Pair:
    """What a comparator sees: the request, the baseline answer, and this arm's answer."""

    request: Request
    baseline: Answer
    answer: Answer


@immutable
class Score:
    """0 (fine, same) to 1 (fully wrong, wholly different), or None where the dimension does not apply.

    Raises:
        ValueError: the value is outside [0, 1] or not a number.
    """

    value: float | None
    reason: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and not 0.0 <= self.value <= 1.0:
            raise ValueError(f"a score is in [0, 1] or None, not {self.value!r}")


FINE: Final = Score(0.0)  # most scores by far; made once


@cache
def inapplicable(reason: str) -> Score:
    """The score where a dimension does not apply, for this reason code; made once for each."""
    return Score(None, reason)


class Comparator(ABC):
    """Computes one dimension. Subclasses are frozen dataclasses: their fields are their settings."""

    version: ClassVar[int]  # raised when a score changes its meaning
    kind: ClassVar[Kind]
    clip: ClassVar[float] = 1.0  # evidence against it is clipped at this much, for FAIL only (0.25 for every MEASURE)
    scores_errors: ClassVar[bool] = False  # True only for call_error: sees arms that gave an error
    directed: ClassVar[bool] = True  # of a PROPERTY or MEASURE: up is worse, and so down is better
    allows_noise: ClassVar[bool] = False  # of a DISTANCE: see `allowed_noise`

    @abstractmethod
    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""

    @property
    def allowed_noise(self) -> float | None:
        """What reruns score on average at most, as a calibration found; it stands in for the rerun of each trial.

        None, as for nearly all comparators, where the rerun of the same trial is what counts.
        """
        return None

    def prepare(self) -> None:  # noqa: B027 - most comparators have nothing to load
        """Load what is heavy (a model), so that the first pair does not wait for it; by default there is nothing."""

    def compare_many(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score many; the same values as `compare` one by one. Overridden where batching pays."""
        return [self.compare(pair) for pair in pairs]
