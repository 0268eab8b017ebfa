"""Outcomes per tapped partition, in blocks of offsets, ready to be written before a position is committed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from faust.types import TP

from schemas.ledger import BLOCK, LedgerRange, OutcomeCount
from schemas.outcomes import Outcome
from streams.replay.budget import Spend

Outcomes = tuple[tuple[str, str, Outcome], ...]  # (candidate, feature, outcome) of each exchange of a record


@dataclass(slots=True)
class _Block:
    start: int
    end: int
    ts_ms: int = 0
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    since: dict[str, int] = field(default_factory=dict)  # candidate to the first offset counted for it


class LedgerBook:
    """Counts what became of the records of each partition. `upgrade` and `cluster` stand in every record."""

    def __init__(self, upgrade: str, cluster: str) -> None:
        self._upgrade, self._cluster = upgrade, cluster
        self._open: dict[TP, list[_Block]] = {}  # blocks to be written, oldest first; the last one is still growing
        self._until: dict[TP, int] = {}

    def restore(self, tp: TP, ranges: Iterable[LedgerRange]) -> None:
        """Go on where the newest ledger records of a partition end."""
        newest = max(ranges, key=lambda ledger: ledger.end, default=None)
        self._open.pop(tp, None)
        self._until.pop(tp, None)
        if newest is None:
            return
        self._until[tp] = newest.end
        counts = Counter({(o.candidate, o.feature, o.outcome): o.count for o in newest.outcomes})
        self._open[tp] = [_Block(newest.start, newest.end, newest.ts_ms, counts, dict(newest.since))]

    def is_counted(self, tp: TP, offset: int) -> bool:
        """Whether a written ledger record covers this offset: it needs no work and no counting."""
        return offset < self._until.get(tp, 0)

    def count(self, tp: TP, offset: int, ts_ms: int, outcomes: Outcomes) -> None:
        """The record at this offset has these outcomes; called in order of offsets."""
        if self.is_counted(tp, offset):
            return
        block = self._block(tp, offset)
        block.end, block.ts_ms = offset + 1, max(block.ts_ms, ts_ms)
        for candidate, _, _ in outcomes:
            block.since.setdefault(candidate, offset)
        block.counts.update((candidate, feature, str(outcome)) for candidate, feature, outcome in outcomes)

    def expire(self, tp: TP, start: int, end: int, ts_ms: int, candidates: Iterable[str]) -> None:
        """The offsets from `start` up to `end` were deleted before we could read them; called in order of offsets."""
        start = max(start, self._until.get(tp, 0))
        while start < end:
            upto = min(end, (start // BLOCK + 1) * BLOCK)
            block = self._block(tp, start)
            block.end, block.ts_ms = upto, max(block.ts_ms, ts_ms)
            block.counts.update({(candidate, "", str(Outcome.EXPIRED)): upto - start for candidate in candidates})
            start = upto

    def records(self, tp: TP, spend: Spend) -> list[LedgerRange]:
        """The ledger records that must be durable before the position moves."""
        until = self._until.get(tp, 0)
        return [
            LedgerRange(
                self._upgrade,
                self._cluster,
                tp.topic,
                tp.partition,
                block.start,
                block.end,
                block.ts_ms,
                tuple(OutcomeCount(*key, count) for key, count in sorted(block.counts.items())),
                spend.day,
                spend.requests,
                round(spend.usd, 9),
                since=dict(block.since),
                total_requests=spend.total_requests,
                total_usd=round(spend.total_usd, 9),
            )
            for block in self._open.get(tp, ())
            if block.end > until
        ]

    def of_nothing(self, tp: TP, spend: Spend) -> LedgerRange:
        """A record of no offsets, which only tells what was spent."""
        return LedgerRange(
            self._upgrade,
            self._cluster,
            tp.topic,
            tp.partition,
            start=0,
            end=0,
            ts_ms=0,
            outcomes=(),
            day=spend.day,
            requests=spend.requests,
            usd=round(spend.usd, 9),
            total_requests=spend.total_requests,
            total_usd=round(spend.total_usd, 9),
        )

    def written(self, tp: TP, records: list[LedgerRange]) -> None:
        """These records are durable; only the block that still grows is kept."""
        if records:
            self._until[tp] = records[-1].end
            self._open[tp] = [block for block in self._open[tp] if block.start >= records[-1].start]

    def _block(self, tp: TP, offset: int) -> _Block:
        blocks = self._open.setdefault(tp, [])
        start = offset // BLOCK * BLOCK
        if not blocks or blocks[-1].start != start:
            blocks.append(_Block(start, start))
        return blocks[-1]

    def forget(self, tps: Iterable[TP]) -> None:
        """These partitions are somebody else's now."""
        for tp in tps:
            self._open.pop(tp, None)
            self._until.pop(tp, None)
