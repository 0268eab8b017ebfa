"""Evidence by hour and day: made in ClickHouse from `scores`, read back as the sums that verdicts are made of.

With it goes the number of comparisons of each hour, so that coverage and evidence speak of the same ones.

The same sums as `comparators.drift.fold` makes with numpy, field by field, to 1e-9. An hour is always made anew from
all its scores, a day from its hours, so redelivery, correction and withdrawal never add up. The SQL stands beside this
file.
"""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from importlib import resources
from typing import Any

from comparators.drift.evidence import Evidence, EvidenceKey
from schemas.json_text import valid_text
from schemas.touched import Touched
from streams.store.connection import Connection

DAY = 86_400  # seconds

_PER_STATEMENT = 500  # touched hours that one statement recomputes


async def refresh(connection: Connection, touched: Collection[Touched]) -> None:
    """Make the evidence of these hours anew from their scores.

    Raises:
        UnreachableError: it did not run; also where scores stand under an epoch that nobody stored.
    """
    by_upgrade: defaultdict[str, set[tuple[str, str, int]]] = defaultdict(set)
    for hour in touched:
        by_upgrade[hour.upgrade].add((valid_text(hour.candidate), valid_text(hour.feature), hour.hour))
    for upgrade, hours in by_upgrade.items():
        ordered = sorted(hours)  # by candidate, feature, hour, so that a statement reads neighbouring rows
        for start in range(0, len(ordered), _PER_STATEMENT):
            part = ordered[start : start + _PER_STATEMENT]
            days = sorted({(candidate, feature, hour // DAY) for candidate, feature, hour in part})
            parameters = {
                "upgrade": upgrade,
                "candidates": sorted({candidate for candidate, _, _ in part}),
                "features": sorted({feature for _, feature, _ in part}),
                "hours": sorted({hour for _, _, hour in part}),
                "touched": part,
                "days": sorted({day for _, _, day in days}),
                "touched_days": days,
            }
            await connection.command(_statement("refresh_compared.sql"), parameters)
            await connection.command(_statement("refresh_evidence.sql"), parameters)
            # Always after its hours: who was interrupted in between comes again, because nothing was committed.
            await connection.command(_statement("refresh_evidence_days.sql"), parameters)


async def read(connection: Connection, upgrade: str) -> dict[EvidenceKey, Evidence]:
    """Evidence of an upgrade over all hours, as of the last refresh of each."""
    names, rows = await connection.named_rows(_statement("read_evidence.sql"), {"upgrade": upgrade})
    found = {}
    for candidate, feature, dimension, epoch, *sums in rows:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in zip(names[4:], sums, strict=True)
        }
        found[EvidenceKey(candidate, feature, dimension, epoch)] = Evidence(**fields)
    return found


async def heard(connection: Connection, upgrade: str) -> tuple[dict[tuple[str, str], int], int]:
    """When evidence of each (candidate, feature) last arrived, and the time now, both by ClickHouse's clock, in ms."""
    rows = await connection.rows(
        "SELECT candidate, feature, toInt64(intDiv(max(ver), 1000000)), toUnixTimestamp64Milli(now64(3)) "
        "FROM evidence_days_rows WHERE upgrade = {upgrade:String} GROUP BY candidate, feature",
        {"upgrade": upgrade},
    )
    return {(candidate, feature): ms for candidate, feature, ms, _ in rows}, rows[0][3] if rows else 0


@cache
def _statement(file: str) -> str:
    return (resources.files("streams") / "store" / file).read_text("utf-8")
