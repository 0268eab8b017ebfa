"""Differences accepted by name (`schemas/acceptances.py`)."""

from schemas.acceptances import Acceptance
from streams.store.connection import Connection


async def acceptances(connection: Connection, upgrade: str) -> tuple[Acceptance, ...]:
    """Those that hold, oldest first."""
    rows = await connection.rows(
        "SELECT candidate, candidate_hash, feature, dimension, signature, accepted_by, reason, "
        "toUnixTimestamp64Milli(accepted_at) FROM acceptances WHERE upgrade = {upgrade:String} AND NOT withdrawn "
        "ORDER BY accepted_at, candidate, feature, dimension, signature",
        {"upgrade": upgrade},
    )
    return tuple(Acceptance(*row) for row in rows)


async def put(connection: Connection, upgrade: str, accepted: Acceptance, *, withdrawn: bool) -> None:
    """Store an acceptance, or that it was taken back; the latest counts."""
    await connection.insert(
        "acceptances_rows",
        {
            "upgrade": [upgrade],
            "candidate": [accepted.candidate],
            "candidate_hash": [accepted.candidate_hash],
            "feature": [accepted.feature],
            "dimension": [accepted.dimension],
            "signature": [accepted.signature],
            "accepted_by": [accepted.by],
            "reason": [accepted.reason],
            "accepted_at": [accepted.at_ms],
            "withdrawn": [withdrawn],
            "ver": [accepted.at_ms],
        },
    )
