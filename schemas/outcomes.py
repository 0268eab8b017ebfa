"""Where a tapped record ended."""

from enum import StrEnum


class Outcome(StrEnum):
    """Every tapped exchange has exactly one."""

    REPLAYED = "replayed"
    SAMPLED_OUT = "sampled_out"
    OUT_OF_SCOPE = "out_of_scope"  # another model or feature
    OWN_TRAFFIC = "own_traffic"  # our own replays, logged by the gateway
    UNREPLAYABLE = "unreplayable"
    OVER_BUDGET = "over_budget"
    SHED = "shed"  # the provider did not answer in time
    TOO_LARGE = "too_large"
    JOINED = "joined"  # half of a pair
    EXPIRED = "expired"  # retention overtook us
    DEAD_LETTER = "dead_letter"


NOT_OWED = frozenset({Outcome.SAMPLED_OUT, Outcome.OUT_OF_SCOPE, Outcome.OWN_TRAFFIC, Outcome.JOINED})
"""Outcomes that nobody expects a comparison of: coverage leaves them out."""
