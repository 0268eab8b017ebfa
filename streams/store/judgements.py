"""What the judge keeps: epochs, families, changes of verdicts."""

import time
from collections.abc import Sequence
from typing import Any

from schemas.epochs import EpochRow
from schemas.verdict_changes import VerdictChange
from schemas.verdicts import DimensionVerdict, Effect, Epoch, Family, Verdict
from streams.store.connection import Connection

_LATEST = (1 << 64) - 1

_EVIDENCE = (  # columns of the same name as the field of DimensionVerdict
    "noise", "trials", "baseline", "rerun", "excess", "low", "high", "log_e", "log_e_pass", "log_e_mcnemar",
    "tolerance", "change",
)  # fmt: skip


async def epochs(connection: Connection, upgrade: str) -> tuple[Epoch, ...]:
    """All epochs of an upgrade, in the order of their numbers."""
    rows = await connection.rows(
        "SELECT candidate, feature, dimension, epoch, rank, identity, reason, toUnixTimestamp64Milli(started_at) "
        "FROM epochs WHERE upgrade = {upgrade:String} ORDER BY epoch, candidate, dimension, feature",
        {"upgrade": upgrade},
    )
    return tuple(Epoch(*row) for row in rows)


async def add_epochs(connection: Connection, upgrade: str, rows: Sequence[EpochRow]) -> None:
    """Store epochs; one that is stored already stays as it began."""
    await connection.insert(
        "epochs_rows",
        {
            "upgrade": [upgrade] * len(rows),
            "candidate": [row.epoch.candidate for row in rows],
            "dimension": [row.epoch.dimension for row in rows],
            "feature": [row.epoch.feature for row in rows],
            "epoch": [row.epoch.epoch for row in rows],
            "rank": [row.epoch.rank for row in rows],
            "identity": [row.epoch.identity for row in rows],
            "reason": [row.epoch.reason for row in rows],
            "kind": [row.kind.value for row in rows],
            "tolerance": [row.tolerance for row in rows],
            "clip": [row.clip for row in rows],
            "started_at": [row.epoch.started_ms for row in rows],
            "ver": [_LATEST - row.epoch.started_ms for row in rows],
        },
    )


async def families(connection: Connection, upgrade: str) -> tuple[Family, ...]:
    """The features of all candidates: declared ones first, each in order of appearance."""
    rows = await connection.rows(
        "SELECT candidate, feature, declared, place, share FROM families WHERE upgrade = {upgrade:String} "
        "ORDER BY candidate, declared DESC, place",
        {"upgrade": upgrade},
    )
    return tuple(Family(*row) for row in rows)


async def add_families(connection: Connection, upgrade: str, rows: Sequence[Family]) -> None:
    """Store families; a feature keeps its first place and its share."""
    await connection.insert(
        "families_rows",
        {
            "upgrade": [upgrade] * len(rows),
            "candidate": [row.candidate for row in rows],
            "feature": [row.feature for row in rows],
            "declared": [row.declared for row in rows],
            "place": [row.place for row in rows],
            "share": [row.share for row in rows],
            "ver": [_LATEST - row.place for row in rows],
        },
    )


async def verdicts(connection: Connection, upgrade: str) -> tuple[VerdictChange, ...]:
    """The latest verdict of each candidate, feature, dimension and epoch."""
    rows = await connection.rows(
        "SELECT candidate, feature, dimension, epoch, toUnixTimestamp64Milli(at), verdict, why, compared, paired, "
        "effect, candidate_mean, reasons, noise, trials, baseline, rerun, excess, low, high, log_e, log_e_pass, "
        "log_e_mcnemar, tolerance, change "
        "FROM current_verdicts WHERE upgrade = {upgrade:String} ORDER BY candidate, feature, dimension, epoch",
        {"upgrade": upgrade},
    )
    return tuple(_change(upgrade, row) for row in rows)


async def add_verdicts(connection: Connection, rows: Sequence[VerdictChange]) -> None:
    """Store changes of verdicts."""
    written = time.time_ns()
    known = [row.evidence or _NO_EVIDENCE for row in rows]
    await connection.insert(
        "verdicts_rows",
        {
            "upgrade": [row.upgrade for row in rows],
            "candidate": [row.candidate for row in rows],
            "feature": [row.feature for row in rows],
            "dimension": [row.dimension for row in rows],
            "epoch": [row.epoch for row in rows],
            "at": [row.at_ms for row in rows],
            "verdict": [row.verdict.value for row in rows],
            "why": [row.why for row in rows],
            "compared": [row.compared for row in rows],
            "paired": [row.paired for row in rows],
            "effect": [row.evidence.effect.value if row.evidence else "" for row in rows],
            "candidate_mean": [evidence.candidate for evidence in known],
            "reasons": [dict(evidence.reasons) for evidence in known],
            **{name: [getattr(evidence, name) for evidence in known] for name in _EVIDENCE},
            "ver": [written + index for index in range(len(rows))],
        },
    )


def _change(upgrade: str, row: tuple[Any, ...]) -> VerdictChange:
    candidate, feature, dimension, epoch, at_ms, verdict, why, compared, paired, effect, mean, reasons, *rest = row
    evidence = None
    if dimension:
        evidence = DimensionVerdict(
            dimension=dimension,
            verdict=Verdict(verdict),
            effect=Effect(effect),
            candidate=mean,
            epoch=epoch,
            why=why,
            reasons=dict(reasons),
            **dict(zip(_EVIDENCE, rest, strict=True)),
        )
    return VerdictChange(
        upgrade, candidate, feature, dimension, epoch, at_ms, Verdict(verdict), why, compared, paired, evidence
    )


_NO_EVIDENCE = DimensionVerdict(
    dimension="",
    verdict=Verdict.NODATA,
    effect=Effect.INFO,
    noise="",
    trials=0,
    baseline=None,
    rerun=None,
    candidate=None,
    excess=None,
    low=None,
    high=None,
    log_e=0.0,
    log_e_pass=0.0,
    tolerance=0.0,
    epoch=0,
    change="",
)
