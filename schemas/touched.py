"""Which evidence has to be looked at again: (candidate, feature, hour) of an upgrade got scores."""

from typing import NamedTuple

from schemas import json_text


class Touched(NamedTuple):
    """An hour (seconds since 1970 UTC, a multiple of 3600) of a candidate's feature that got scores."""

    upgrade: str
    candidate: str
    feature: str
    hour: int


def touched_bytes(touched: Touched) -> bytes:
    """The record value of the touched topic."""
    return json_text.dumps(touched._asdict())


def touched_from_bytes(value: bytes) -> Touched:
    """Read a record value of the touched topic; unknown fields are ignored.

    Raises:
        ValueError: no such record.
    """
    fields = json_text.loads(value)
    try:
        return Touched(fields["upgrade"], fields["candidate"], fields["feature"], int(fields["hour"]))
    except (KeyError, TypeError) as missing:
        raise ValueError(f"touched record without {missing}") from missing
