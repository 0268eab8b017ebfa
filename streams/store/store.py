"""Every operation on ClickHouse, by name.

Writing is idempotent: rows have deterministic keys and versions, so whatever is delivered again, in whatever batches,
is folded by the views that everybody reads. Nothing here tries again; `UnreachableError` means "do the same later".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from comparators.drift.evidence import Evidence, EvidenceKey
from schemas.acceptances import Acceptance
from schemas.alerts import Alert
from schemas.calibrations import Calibration, Learner, Observation
from schemas.comparisons import Comparison
from schemas.coverage import Coverage, Spent
from schemas.epochs import EpochRow
from schemas.ledger import LedgerRange
from schemas.opinions import Opinion
from schemas.touched import Touched
from schemas.verdict_changes import VerdictChange
from schemas.verdicts import Epoch, Family
from streams.redaction import Redactor
from streams.store import (
    acceptances,
    calibrations,
    comparisons,
    evidence,
    judgements,
    ledger,
    migrations,
    opinions,
    outbox,
)
from streams.store.comparisons import EpochOf, Keep
from streams.store.connection import Connection, RowRefusedError
from streams.store.layout import CLUSTER_SETTINGS, Layout


class Store:
    """One ClickHouse database. Bound to the event loop that opened it; calls may run concurrently.

    Every method raises `UnreachableError` where ClickHouse does not answer or cannot do it now.
    """

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self.connection = connection
        self._layout = layout

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        user: str = "default",
        password: str = "",
        database: str = "shadowtap",
        layout: Layout | None = None,
        ca_file: str | None = None,
    ) -> AsyncIterator["Store"]:
        """Connect to a ClickHouse server; the database need not exist before `migrate`.

        `ca_file` holds authorities (PEM) to trust over https, beside those of the system.

        Raises:
            UnreachableError: nobody answers at the URL, or it refuses user and password.
        """
        layout = layout or Layout()
        settings = CLUSTER_SETTINGS if layout.cluster else {}
        connection = await Connection.open(url, user, password, database, settings=settings, ca_file=ca_file)
        try:
            yield cls(connection, layout)
        finally:
            await connection.close()

    async def migrate(self) -> list[str]:
        """Create or upgrade the tables; safe to repeat. What was applied.

        Raises:
            SchemaError: the database is newer than this program, or an applied migration was changed.
        """
        return await migrations.migrate(self.connection, self._layout)

    async def require_schema(self) -> None:
        """Check that the tables are those of this program.

        Raises:
            SchemaError: they are not; the message says what to run.
        """
        await migrations.require_schema(self.connection)

    async def insert_comparisons(
        self,
        batch: Sequence[tuple[Comparison, int]],
        epoch_of: EpochOf,
        store_text: str = "none",
        redactor: Redactor | None = None,
    ) -> list[tuple[Comparison, str]]:
        """Store comparisons with their scores, exchanges and answers.

        Args:
            batch: each with its offset in the trials topic; of a trial asked twice the lowest offset counts.
            epoch_of: candidate, feature, dimension to the number of the epoch; `add_epochs` comes before.
            store_text: "full" stores what was asked and answered, "none" numbers only, "redacted" the texts without
                personal data and keys.
            redactor: what redacts, where it is not the one with the built-in kinds alone.

        Returns:
            Comparisons that ClickHouse will never take, with the reason (no text of theirs); all others are stored.
        """
        return await _insert_what_it_takes(
            batch, lambda part: self._insert(part, epoch_of, _keep(store_text, redactor))
        )

    async def insert_scores(
        self, batch: Sequence[tuple[Comparison, int]], epoch_of: EpochOf
    ) -> list[tuple[Comparison, str]]:
        """Store only the scores of comparisons that stand there already; the rest as `insert_comparisons`."""
        return await _insert_what_it_takes(
            batch, lambda part: self.connection.insert("scores_rows", comparisons.score_columns(part, epoch_of))
        )

    async def _insert(self, batch: Sequence[tuple[Comparison, int]], epoch_of: EpochOf, keep: Keep | None) -> None:
        # Scores come last: numbers of providers, the likeliest to be refused, must not leave scores behind.
        insert = self.connection.insert
        # Redaction takes long enough to be kept out of the event loop's way.
        await insert("exchanges_rows", await asyncio.to_thread(comparisons.exchange_columns, batch, keep))
        await insert("answers_rows", await asyncio.to_thread(comparisons.answer_columns, batch, keep))
        await insert("comparisons_rows", comparisons.comparison_columns(batch))
        await insert("scores_rows", comparisons.score_columns(batch, epoch_of))

    async def insert_coverage(self, ranges: Sequence[LedgerRange]) -> None:
        """Store ledger records; of several of one block the one with the highest end counts."""
        await ledger.insert(self.connection, ranges)

    async def coverage(self, upgrade: str) -> Coverage:
        """What became of the tapped exchanges, and how many were compared."""
        return await ledger.coverage(self.connection, upgrade)

    async def spent(self, upgrade: str, day: str) -> Spent:
        """What an upgrade has spent on a UTC day (ISO date), and since it began."""
        return await ledger.spent(self.connection, upgrade, day)

    async def refresh_evidence(self, touched: Collection[Touched]) -> None:
        """Make the evidence of these hours anew from all their scores."""
        await evidence.refresh(self.connection, touched)

    async def read_evidence(self, upgrade: str) -> dict[EvidenceKey, Evidence]:
        """The evidence of an upgrade, as of the last refresh of each hour."""
        return await evidence.read(self.connection, upgrade)

    async def heard(self, upgrade: str) -> tuple[dict[tuple[str, str], int], int]:
        """When evidence of each (candidate, feature) last arrived, and the time now, in ms of ClickHouse's clock."""
        return await evidence.heard(self.connection, upgrade)

    async def epochs(self, upgrade: str) -> tuple[Epoch, ...]:
        """All epochs, in the order of their numbers."""
        return await judgements.epochs(self.connection, upgrade)

    async def add_epochs(self, upgrade: str, rows: Sequence[EpochRow]) -> None:
        """Store epochs; whoever stored a number first keeps it, so read `epochs` afterwards."""
        await judgements.add_epochs(self.connection, upgrade, rows)

    async def add_observations(self, upgrade: str, rows: Sequence[Observation]) -> None:
        """Store what dimensions that are calibrating observed; a trial counts once."""
        await calibrations.add_observations(self.connection, upgrade, rows)

    async def observed(self, upgrade: str) -> dict[Learner, int]:
        """How many trials each learner without a calibration has observed."""
        return await calibrations.observed(self.connection, upgrade)

    async def first_observations(self, upgrade: str, learner: Learner, count: int) -> list[Observation]:
        """The first observations of a learner by event time."""
        return await calibrations.first_observations(self.connection, upgrade, learner, count)

    async def calibrations(self, upgrade: str) -> tuple[Calibration, ...]:
        """All that is frozen."""
        return await calibrations.calibrations(self.connection, upgrade)

    async def add_calibrations(self, upgrade: str, rows: Sequence[Calibration]) -> None:
        """Store what was frozen; whoever froze first keeps it, so read `calibrations` afterwards."""
        await calibrations.add_calibrations(self.connection, upgrade, rows)

    async def families(self, upgrade: str) -> tuple[Family, ...]:
        """Features of all candidates with their shares of alpha, in order of appearance."""
        return await judgements.families(self.connection, upgrade)

    async def add_families(self, upgrade: str, rows: Sequence[Family]) -> None:
        """Store families; a feature keeps its first place and share."""
        await judgements.add_families(self.connection, upgrade, rows)

    async def verdicts(self, upgrade: str) -> tuple[VerdictChange, ...]:
        """The latest verdict of each candidate, feature, dimension and epoch."""
        return await judgements.verdicts(self.connection, upgrade)

    async def add_verdicts(self, rows: Sequence[VerdictChange]) -> None:
        """Store changes of verdicts."""
        await judgements.add_verdicts(self.connection, rows)

    async def acceptances(self, upgrade: str) -> tuple[Acceptance, ...]:
        """Differences that people accepted by name, those that hold, oldest first."""
        return await acceptances.acceptances(self.connection, upgrade)

    async def put_acceptance(self, upgrade: str, accepted: Acceptance, *, withdrawn: bool = False) -> None:
        """Store an acceptance, or that it was taken back; the latest counts."""
        await acceptances.put(self.connection, upgrade, accepted, withdrawn=withdrawn)

    async def telling_pairs(
        self, upgrade: str, candidate: str, dimensions: Collection[str], feature: str, count: int
    ) -> list[tuple[opinions.Place, str]]:
        """The comparisons that these dimensions find most different, with their feature; "" is every feature."""
        return await opinions.telling_pairs(self.connection, upgrade, candidate, dimensions, feature, count)

    async def judged_by(self, upgrade: str, candidate: str, reviewer: str) -> set[UUID]:
        """The pairs that this person has judged."""
        return await opinions.judged_by(self.connection, upgrade, candidate, reviewer)

    async def put_opinion(self, upgrade: str, candidate: str, opinion: Opinion) -> None:
        """Store an opinion; a person's last word on a pair counts."""
        await opinions.put(self.connection, upgrade, candidate, opinion)

    async def alerts(self, upgrade: str) -> tuple[Alert, ...]:
        """All alerts, each in its last state."""
        return await outbox.alerts(self.connection, upgrade)

    async def put_alert(self, alert: Alert) -> None:
        """Store an alert, or its new state; sent is final."""
        await outbox.put(self.connection, alert)

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query of ours."""
        return await self.connection.rows(sql)

    async def ask(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Column names and rows of SQL that a person typed; `{name:Type}` in it stand for parameters.

        Raises:
            UsageError: ClickHouse refuses it.
        """
        return await self.connection.ask(sql, parameters)


async def _insert_what_it_takes(
    batch: Sequence[tuple[Comparison, int]], insert: Callable[[Sequence[tuple[Comparison, int]]], Awaitable[None]]
) -> list[tuple[Comparison, str]]:
    """Insert in one go, or in halves where a row is refused, down to the rows that ClickHouse will never take."""
    if not batch:
        return []
    try:
        await insert(batch)
    except RowRefusedError as refused:
        if len(batch) == 1:
            return [(batch[0][0], str(refused))]
        half = len(batch) // 2
        return [*await _insert_what_it_takes(batch[:half], insert), *await _insert_what_it_takes(batch[half:], insert)]
    return []


def _keep(store_text: str, redactor: Redactor | None) -> Keep | None:
    match store_text:
        case "full":
            return lambda whole: whole
        case "redacted":
            return (redactor or Redactor()).value
    return None
