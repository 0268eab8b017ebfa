"""Observations and what was frozen from them (`schemas/calibrations.py`)."""

from collections.abc import Sequence

from schemas.calibrations import Calibration, Learner, Observation
from streams.store.connection import Connection

_LATEST = (1 << 64) - 1


async def add_observations(connection: Connection, upgrade: str, rows: Sequence[Observation]) -> None:
    """Store observations; one of the same trial counts once."""
    await connection.insert(
        "observations_rows",
        {
            "upgrade": [upgrade] * len(rows),
            "feature": [row.learner.feature for row in rows],
            "dimension": [row.learner.dimension for row in rows],
            "rules": [row.learner.rules for row in rows],
            "ts": [row.ts_ms for row in rows],
            "trial_id": [row.trial_id for row in rows],
            "observation": [row.text for row in rows],
        },
    )


async def observed(connection: Connection, upgrade: str) -> dict[Learner, int]:
    """How many trials each learner without a calibration has observed."""
    rows = await connection.rows(
        "SELECT feature, dimension, rules, count() FROM observations WHERE upgrade = {upgrade:String} "
        "AND (feature, dimension, rules) NOT IN "
        "(SELECT feature, dimension, rules FROM calibrations WHERE upgrade = {upgrade:String}) "
        "GROUP BY feature, dimension, rules",
        {"upgrade": upgrade},
    )
    return {Learner(feature, dimension, rules): count for feature, dimension, rules, count in rows}


async def first_observations(connection: Connection, upgrade: str, learner: Learner, count: int) -> list[Observation]:
    """The first observations of a learner by event time."""
    rows = await connection.rows(
        "SELECT trial_id, toUnixTimestamp64Milli(ts), observation FROM observations WHERE upgrade = {upgrade:String} "
        "AND feature = {feature:String} AND dimension = {dimension:String} AND rules = {rules:String} "
        "ORDER BY ts, trial_id LIMIT {count:UInt32}",
        {
            "upgrade": upgrade,
            "feature": learner.feature,
            "dimension": learner.dimension,
            "rules": learner.rules,
            "count": count,
        },
    )
    return [Observation(learner, trial_id, ts_ms, text) for trial_id, ts_ms, text in rows]


async def calibrations(connection: Connection, upgrade: str) -> tuple[Calibration, ...]:
    """All that is frozen."""
    rows = await connection.rows(
        "SELECT feature, dimension, rules, calibration, trials, toUnixTimestamp64Milli(until), "
        "toUnixTimestamp64Milli(frozen_at) FROM calibrations WHERE upgrade = {upgrade:String} "
        "ORDER BY feature, dimension, rules",
        {"upgrade": upgrade},
    )
    return tuple(Calibration(Learner(*row[:3]), *row[3:]) for row in rows)


async def add_calibrations(connection: Connection, upgrade: str, rows: Sequence[Calibration]) -> None:
    """Store what was frozen; what was frozen first stays, so read `calibrations` afterwards."""
    await connection.insert(
        "calibrations_rows",
        {
            "upgrade": [upgrade] * len(rows),
            "feature": [row.learner.feature for row in rows],
            "dimension": [row.learner.dimension for row in rows],
            "rules": [row.learner.rules for row in rows],
            "calibration": [row.text for row in rows],
            "identity": [row.identity for row in rows],
            "trials": [row.trials for row in rows],
            "until": [row.until_ms for row in rows],
            "frozen_at": [row.frozen_ms for row in rows],
            "ver": [_LATEST - row.frozen_ms for row in rows],
        },
    )
