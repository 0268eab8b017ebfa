"""What a person thinks of a pair of answers, judged without knowing which is which."""

from enum import StrEnum
from uuid import UUID

from schemas.values import immutable


class Judgement(StrEnum):
    """The candidate's answer beside production's."""

    BETTER = "better"
    SAME = "same"  # both are fine
    WORSE = "worse"
    BOTH_BAD = "both_bad"  # neither is fine


@immutable
class Opinion:
    """One row of `opinions`: `candidate_was` is the letter, A or B, that the candidate's answer was shown under."""

    comparison_id: UUID
    hour: int  # seconds since 1970 UTC
    feature: str
    reviewer: str
    opinion: Judgement
    candidate_was: str
    at_ms: int
