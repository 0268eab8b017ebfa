"""Records of the control topic: a person pauses provider calls, lets them go on, or accepts a difference."""

from dataclasses import asdict
from enum import StrEnum

from schemas import json_text
from schemas.acceptances import Acceptance
from schemas.errors import RecordVersionError
from schemas.values import immutable

CONTROL_VERSION = 1


class Order(StrEnum):
    """What is wanted."""

    PAUSE = "pause"
    RESUME = "resume"


@immutable
class ControlRecord:
    """An order, by whom, why, and when (milliseconds since 1970 UTC). The last one of an upgrade is in force."""

    upgrade: str
    order: Order
    by: str
    why: str
    at_ms: int
    version: int = CONTROL_VERSION


def control_key(upgrade: str) -> bytes:
    """Key of these records: the topic is compacted, so that the last order stays."""
    return f"{upgrade}/asking".encode()


def control_bytes(record: ControlRecord) -> bytes:
    """The value of a control record."""
    return json_text.dumps(record)


def control_from_bytes(value: bytes) -> ControlRecord:
    """Read a control record; unknown fields are ignored.

    Raises:
        RecordVersionError: written by a newer major version.
        ValueError: no such record.
    """
    fields = json_text.loads(value)
    try:
        if fields["version"] > CONTROL_VERSION:
            raise RecordVersionError(
                f"control record of version {fields['version']}, this program knows {CONTROL_VERSION}:"
                " upgrade shadowtap"
            )
        return ControlRecord(
            fields["upgrade"], Order(fields["order"]), fields["by"], fields["why"], fields["at_ms"], fields["version"]
        )
    except (KeyError, TypeError) as missing:
        raise ValueError(f"control record without {missing}") from missing


ACCEPT, WITHDRAW = "accept", "withdraw"  # orders of the records below; `accept` is also their header `kind`


def acceptance_key(upgrade: str, accepted: Acceptance) -> bytes:
    """Key of the record: one per difference, so that the compacted topic keeps the last word on each."""
    parts = (upgrade, ACCEPT, accepted.candidate, accepted.feature, accepted.dimension, accepted.signature)
    return "/".join(parts).encode()


def acceptance_bytes(upgrade: str, accepted: Acceptance, *, withdrawn: bool) -> bytes:
    """The value of the record that tells of an acceptance, or that it was taken back."""
    order = WITHDRAW if withdrawn else ACCEPT
    return json_text.dumps({"version": CONTROL_VERSION, "upgrade": upgrade, "order": order, **asdict(accepted)})
