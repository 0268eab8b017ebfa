"""Differences that a person has accepted by name: a whole dimension, or one signature (reason code) of it."""

from schemas.values import immutable


@immutable
class Acceptance:
    """One row of `acceptances` that holds: `feature` empty for all features, `signature` empty for the dimension.

    It is of a candidate as it was then: another `candidate_hash` (pin, changes, prompt) has to be accepted anew. A
    signature scores 0 in every arm from then on, in an epoch of its own; a dimension no longer asks for REVIEW.
    """

    candidate: str
    candidate_hash: str
    feature: str
    dimension: str
    signature: str
    by: str  # the person
    reason: str
    at_ms: int

    def holds_for(self, feature: str) -> bool:
        """Whether it is for this feature."""
        return self.feature in ("", feature)

    @property
    def what(self) -> str:
        """The difference in words."""
        signature = f" {self.signature}" if self.signature else ""
        return f"{self.dimension}{signature} in {self.feature or 'all features'}"
