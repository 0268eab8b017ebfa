"""Whether an exchange is our business."""

from collections.abc import Set as AbstractSet

from schemas.exchanges import Exchange
from schemas.outcomes import Outcome
from schemas.settings import ANY_MODEL
from schemas.topics import REQUEST_HEADER


def out_of_bounds(exchange: Exchange, match_names: AbstractSet[str]) -> Outcome | None:
    """The outcome of an exchange that is none of our business, None where it is to be shadowed.

    Own traffic first: our replays, logged by the same gateway, carry our header whatever model they name. Then an
    exchange is in scope where the log mentions the model under one of the names (`*`: always). A name is compared as
    it stands, letter by letter: guessing at aliases would shadow another model's traffic.
    """
    if REQUEST_HEADER in exchange.headers:
        return Outcome.OWN_TRAFFIC
    if ANY_MODEL not in match_names and match_names.isdisjoint(exchange.model_names):
        return Outcome.OUT_OF_SCOPE
    return None
