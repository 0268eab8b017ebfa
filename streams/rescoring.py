"""Compute new or changed comparators over trials that were paid for already, with no call to any model.

Scores already there stay; those of a changed comparator stand in an epoch of their own, which the views show. The
evidence of the touched hours is made anew, and a running judge is told to look.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer

from comparators.drift.epochs import EpochsInForce
from comparators.scoring import FeatureRules, score_trials
from schemas import topics
from schemas.config import Config
from schemas.touched import Touched, touched_bytes
from streams.rules import Rules
from streams.store import Store
from streams.store.comparisons import hour_of
from streams.stored_trials import StoredTrial, compared_in, table_trials, topic_trials

if TYPE_CHECKING:
    from uuid import UUID

BATCH = 256  # trials scored together


@dataclass
class Rescored:
    """What a run did: trials read by where they stood, and how many comparisons have their trial nowhere any more."""

    dimensions: tuple[str, ...]
    from_topic: int = 0
    from_tables: int = 0
    comparisons: int = 0
    refused: int = 0
    gone: int = 0
    hours: set[Touched] = field(default_factory=set)


async def lacking(store: Store, config: Config, rules: Rules, epochs: EpochsInForce) -> tuple[str, ...]:
    """Dimensions that some stored comparison has no score of in the epoch in force, in the order of reports."""
    upgrade = {"upgrade": config.upgrade.name}
    compared = await store.connection.rows(
        "SELECT candidate, feature, count() FROM comparisons WHERE upgrade = {upgrade:String} "
        "GROUP BY candidate, feature",
        upgrade,
    )
    scored = await store.connection.rows(
        "SELECT candidate, feature, dimension, epoch, count() FROM scores WHERE upgrade = {upgrade:String} "
        "GROUP BY candidate, feature, dimension, epoch",
        upgrade,
    )
    have = {(candidate, feature, dimension, epoch): n for candidate, feature, dimension, epoch, n in scored}
    known = {candidate.name for candidate in config.candidates}
    wanting = {
        dimension.name
        for candidate, feature, n in compared
        if candidate in known
        for dimension in rules.of(feature).dimensions
        if have.get((candidate, feature, dimension.name, epochs.epoch_of(candidate, feature, dimension.name)), 0) < n
    }
    return tuple(dimension.name for dimension in rules.common.dimensions if dimension.name in wanting) + tuple(
        sorted(wanting - {dimension.name for dimension in rules.common.dimensions})
    )


async def rescore(  # noqa: PLR0917 - the parts of an upgrade
    config: Config,
    rules: Rules,
    epochs: EpochsInForce,
    store: Store,
    producer: AIOKafkaProducer,
    dimensions: Collection[str],
    on_batch: Callable[[Rescored], None] = lambda _: None,
) -> Rescored:
    """Score these dimensions of every stored trial of the upgrade.

    Trials come from the trials topic; those that its retention has taken come from ClickHouse where it keeps full
    texts. Safe to repeat and to interrupt: the same scores replace themselves.
    """
    done = Rescored(tuple(dimensions))
    seen: set[UUID] = set()
    candidates = {candidate.name for candidate in config.candidates}
    only = rules.only(frozenset(dimensions))

    async def keep(trials: Sequence[StoredTrial]) -> None:
        # By comparison: a backfill adds a trial of its own for an exchange that the live run has one of.
        await _keep([(t, offset) for t, offset in trials if not compared_in(t) <= seen], only, epochs, store, done)
        seen.update(*(compared_in(trial) for trial, _ in trials))
        on_batch(done)

    async for batch in _in_batches(topic_trials(config.kafka, config.upgrade.name)):
        kept = [(trial, offset) for trial, offset in batch if {c.name for c in trial.candidates} & candidates]
        done.from_topic += len(kept)
        await keep(kept)
    if config.clickhouse.store_text == "full":
        async for batch in _in_batches(table_trials(store, config.upgrade.name, frozenset(seen))):
            done.from_tables += len(batch)
            await keep(batch)
    compared = await store.connection.rows(
        "SELECT count() FROM comparisons WHERE upgrade = {upgrade:String} AND has({names:Array(String)}, candidate)",
        {"upgrade": config.upgrade.name, "names": sorted(candidates)},
    )
    done.gone = max(0, int(compared[0][0]) - len(seen))
    await store.refresh_evidence(done.hours)
    if done.hours:
        again = sorted({Touched(config.upgrade.name, hour.candidate, "", 0) for hour in done.hours})
        for one in again:
            await producer.send_and_wait(
                topics.TOUCHED,
                touched_bytes(one),
                partition=0,
                headers=[(topics.UPGRADE_HEADER, config.upgrade.name.encode())],
            )
    return done


async def _keep(
    trials: Sequence[StoredTrial],
    only: Callable[[str], FeatureRules],
    epochs: EpochsInForce,
    store: Store,
    done: Rescored,
) -> None:
    if not trials:
        return
    comparisons = await asyncio.to_thread(score_trials, [trial for trial, _ in trials], only)
    offsets = {trial.trial_id: offset for trial, offset in trials}
    batch = [(comparison, offsets[comparison.trial.trial_id]) for comparison in comparisons]
    done.refused += len(await store.insert_scores(batch, epochs.epoch_of))
    done.comparisons += len(comparisons)
    done.hours |= {Touched(c.trial.upgrade, c.candidate, c.trial.feature, hour_of(c.trial.ts_ms)) for c in comparisons}


async def _in_batches(trials: AsyncIterator[list[StoredTrial]]) -> AsyncIterator[list[StoredTrial]]:
    async for several in trials:
        for start in range(0, len(several), BATCH):
            yield several[start : start + BATCH]
