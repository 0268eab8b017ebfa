"""One scored trial for one candidate, and the scores in it."""

from enum import StrEnum
from uuid import UUID

from schemas.trials import Trial
from schemas.values import immutable


class Kind(StrEnum):
    """What a score is about; it decides the evidence D (design.md section 5)."""

    PROPERTY = "property"  # of one answer, worse when up: D = s(c) - s(b)
    PROPERTY_BOTH = "property_both"  # of one answer, drift either way: D = |s(c)-s(b)| - |s(r)-s(b)|
    DISTANCE = "distance"  # from the baseline answer: D = d(b,c) - d(b,r)
    MEASURE = "measure"  # amount on a fixed log scale: D = s(c) - s(r)


class Status(StrEnum):
    """How a score came about."""

    SCORED = "scored"
    SKIPPED = "skipped"  # the dimension does not apply, or there is no answer to score
    FAILED = "failed"  # the comparator raised; never counted as fine


@immutable
class ArmScore:
    """The score of one arm: value in [0, 1] (0 fine, same; 1 fully wrong, wholly different) or None."""

    value: float | None
    status: Status
    reason: str = ""
    detail: str = ""


@immutable
class DimensionScore:
    """The scores of all arms of one comparison in one dimension: one row of `scores`.

    `baseline` is None for distances, which measure from it; `rerun` is None where nobody asked again.
    """

    dimension: str
    kind: Kind
    comparator_version: int
    candidate: ArmScore
    baseline: ArmScore | None
    rerun: ArmScore | None
    d: float | None  # the evidence D in [-1, 1], None where an arm it needs has no score


@immutable
class Comparison:
    """One scored trial for one candidate."""

    comparison_id: UUID
    candidate: str
    candidate_hash: str
    trial: Trial
    scores: tuple[DimensionScore, ...]

    @property
    def weight(self) -> float:
        """1 / the probability with which this candidate was asked."""
        own = next((c.weight for c in self.trial.candidates if c.name == self.candidate), None)
        return self.trial.weight if own is None else own
