"""The ledger in ClickHouse: what became of the tapped exchanges, and how many of them were compared."""

from collections.abc import Sequence

from schemas.coverage import Coverage, Spent
from schemas.ledger import LedgerRange
from streams.store.connection import Connection


async def insert(connection: Connection, ranges: Sequence[LedgerRange]) -> None:
    """Store ledger records; of several of one block the one with the highest end counts."""
    await connection.insert(
        "coverage_rows",
        {
            "upgrade": [r.upgrade for r in ranges],
            "cluster": [r.cluster for r in ranges],
            "topic": [r.topic for r in ranges],
            "partition": [r.partition for r in ranges],
            "run": [r.run for r in ranges],
            "start": [r.start for r in ranges],
            "end": [r.end for r in ranges],
            "ts": [r.ts_ms for r in ranges],
            "candidates": [[o.candidate for o in r.outcomes] for r in ranges],
            "features": [[o.feature for o in r.outcomes] for r in ranges],
            "outcomes": [[o.outcome for o in r.outcomes] for r in ranges],
            "counts": [[o.count for o in r.outcomes] for r in ranges],
            "day": [r.day for r in ranges],
            "requests": [r.requests for r in ranges],
            "usd": [r.usd for r in ranges],
            "total_requests": [r.total_requests for r in ranges],
            "total_usd": [r.total_usd for r in ranges],
        },
    )


async def spent(connection: Connection, upgrade: str, day: str) -> Spent:
    """What an upgrade has spent on a UTC day (ISO date) and since it began, backfills included."""
    rows = await connection.rows(
        "SELECT sum(a), sum(b), sum(c), sum(d),"
        " (SELECT countIf(spent_usd IS NULL AND asked > 0) FROM exchanges WHERE upgrade = {upgrade:String}) FROM ("
        "SELECT max(total_requests) AS a, max(total_usd) AS b, maxIf(requests, day = {day:String}) AS c,"
        " maxIf(usd, day = {day:String}) AS d FROM coverage_rows FINAL"
        " WHERE upgrade = {upgrade:String} AND run = '' GROUP BY cluster, topic, partition"
        " UNION ALL SELECT sum(total_requests), sum(total_usd), sumIf(requests, day = {day:String}),"
        " sumIf(usd, day = {day:String}) FROM coverage_rows FINAL WHERE upgrade = {upgrade:String} AND run != '')",
        {"upgrade": upgrade, "day": day},
    )
    return Spent(*rows[0])


async def coverage(connection: Connection, upgrade: str) -> Coverage:
    """Outcomes from the ledger, comparisons as counted when their hours' evidence was made."""
    outcomes = await connection.rows(
        "SELECT candidate, feature, outcome, sum(exchanges) FROM coverage WHERE upgrade = {upgrade:String} "
        "GROUP BY candidate, feature, outcome",
        {"upgrade": upgrade},
    )
    compared = await connection.rows(
        "SELECT candidate, feature, sum(comparisons) FROM compared WHERE upgrade = {upgrade:String} "
        "GROUP BY candidate, feature",
        {"upgrade": upgrade},
    )
    return Coverage(
        {(candidate, feature, outcome): count for candidate, feature, outcome, count in outcomes},
        {(candidate, feature): count for candidate, feature, count in compared},
    )
