"""Pairs for people to judge, and what they think of them (`schemas/opinions.py`)."""

from collections.abc import Collection
from importlib import resources
from uuid import UUID

from schemas.opinions import Opinion
from streams.store.connection import Connection

Place = tuple[int, UUID]
"""Hour (seconds since 1970 UTC) and comparison_id."""


async def telling_pairs(  # noqa: PLR0917 - what it is asked for
    connection: Connection, upgrade: str, candidate: str, dimensions: Collection[str], feature: str, count: int
) -> list[tuple[Place, str]]:
    """The comparisons that these dimensions find most different, with their feature; "" is every feature."""
    sql = (resources.files("streams") / "store" / "telling_pairs.sql").read_text("utf-8")
    rows = await connection.rows(
        f"SELECT toUnixTimestamp(hour), comparison_id, feature FROM ({sql})",  # noqa: S608 - our own file
        {
            "upgrade": upgrade,
            "candidate": candidate,
            "dimensions": sorted(dimensions),
            "feature": feature,
            "count": count,
        },
    )
    return [((hour, comparison_id), feature) for hour, comparison_id, feature in rows]


async def judged_by(connection: Connection, upgrade: str, candidate: str, reviewer: str) -> set[UUID]:
    """The pairs that this person has judged."""
    rows = await connection.rows(
        "SELECT comparison_id FROM opinions WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} "
        "AND reviewer = {reviewer:String}",
        {"upgrade": upgrade, "candidate": candidate, "reviewer": reviewer},
    )
    return {comparison_id for (comparison_id,) in rows}


async def put(connection: Connection, upgrade: str, candidate: str, opinion: Opinion) -> None:
    """Store an opinion; a person's last word on a pair counts."""
    await connection.insert(
        "opinions_rows",
        {
            "upgrade": [upgrade],
            "candidate": [candidate],
            "comparison_id": [opinion.comparison_id],
            "reviewer": [opinion.reviewer],
            "hour": [opinion.hour],
            "feature": [opinion.feature],
            "opinion": [opinion.opinion.value],
            "candidate_was": [opinion.candidate_was],
            "opined_at": [opinion.at_ms],
            "ver": [opinion.at_ms],
        },
    )
