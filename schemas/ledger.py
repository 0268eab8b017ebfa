"""The ledger: what became of the tapped records of an offset range, and what was spent on them.

Ranges are blocks of `BLOCK` offsets of a tapped partition. A record holds everything from the block's first tapped
offset up to `end`, so of several records of one block the one with the highest end says it all: a repeated, late or
concurrent one never counts twice. A backfill writes ranges of its own under its `run`, over offsets that the live run
has not counted for that candidate.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from schemas import json_text
from schemas.errors import RecordVersionError
from schemas.values import immutable

LEDGER_VERSION = 1
BLOCK = 4096  # offsets


@immutable
class OutcomeCount:
    """So many exchanges of a feature had this outcome for this candidate; each exchange counts once per candidate."""

    candidate: str
    feature: str
    outcome: str
    count: int


@immutable
class LedgerRange:
    """Outcomes of the tapped offsets `start` (inclusive) to `end` (exclusive) of one partition; 0 to 0 for spend alone.

    `day` (UTC, ISO date), `requests` and `usd` are what this partition has spent on that day so far, the totals since
    the upgrade began; of a backfill (`run`) both are what these offsets took. `since` is the first offset counted for
    each candidate: a candidate that came later is not counted from `start` on.
    """

    upgrade: str
    cluster: str
    topic: str
    partition: int
    start: int
    end: int
    ts_ms: int  # newest event time in the range
    outcomes: tuple[OutcomeCount, ...]
    day: str = ""
    requests: int = 0
    usd: float = 0.0
    run: str = ""  # empty for the live run, else the backfill's name
    since: Mapping[str, int] = field(default_factory=dict)  # candidate to offset; absent: `start`
    total_requests: int = 0
    total_usd: float = 0.0
    version: int = LEDGER_VERSION


def ledger_bytes(ledger: LedgerRange) -> bytes:
    """The value of a ledger record in the trials topic."""
    return json_text.dumps(ledger)


def ledger_from_bytes(value: bytes) -> LedgerRange:
    """Read a ledger record; unknown fields are ignored.

    Raises:
        RecordVersionError: written by a newer major version.
        ValueError: no ledger record.
    """
    fields: Any = json_text.loads(value)
    try:
        if fields["version"] > LEDGER_VERSION:
            raise RecordVersionError(
                f"ledger record of version {fields['version']}, this program knows {LEDGER_VERSION}: upgrade shadowtap"
            )
        known = {name: fields[name] for name in LedgerRange.__dataclass_fields__ if name in fields}
        known["outcomes"] = tuple(
            OutcomeCount(o["candidate"], o["feature"], o["outcome"], o["count"]) for o in fields["outcomes"]
        )
        return LedgerRange(**known)
    except (KeyError, TypeError) as missing:
        raise ValueError(f"ledger record without {missing}") from missing
