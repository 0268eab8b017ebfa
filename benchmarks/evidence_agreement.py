"""Is the evidence that ClickHouse makes by hour that of numpy, whatever the order, with duplicates and corrections?

The support desk's trials, scored, go into the embedded ClickHouse in batches of random order and size: a tenth of the
comparisons twice, a twentieth first with scores of another trial and corrected later. Evidence is made anew after each
batch, as the judge does it.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from comparators.dimensions import Dimension, load_dimensions
from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.fold import fold_comparisons
from comparators.scoring import FeatureRules, score_trials
from schemas.comparisons import Comparison
from schemas.epochs import EpochRow
from schemas.touched import Touched
from schemas.verdicts import Epoch
from streams.embedded.clickhouse import embedded_clickhouse
from streams.embedded.support_desk import VERSION_B
from streams.embedded.support_desk_trials import UPGRADE, desk_trials
from streams.store import Store
from streams.store.comparisons import hour_of

RULES = FeatureRules(load_dimensions({"embedding_distance": {"model": "hashing"}}))


def agreement(seed: int, per_feature: int) -> list[tuple[str, str]]:
    """What went in, and the largest difference of any sum, relative where it is above 1."""
    comparisons = score_trials(list(desk_trials(seed, per_feature)), lambda _: RULES)
    found = asyncio.run(_stored(comparisons, np.random.default_rng(seed)))
    wanted = fold_comparisons(comparisons, lambda _: RULES, lambda *_: 1)
    if found.keys() != wanted.keys():
        raise ValueError("ClickHouse has other evidence than numpy")
    return [
        ("comparisons", f"{len(comparisons):,}"),
        ("sums of evidence compared", f"{len(wanted):,}"),
        ("counts and reasons that differ", str(_other_counts(found, wanted))),
        ("largest difference of a sum", f"{_largest(found, wanted):.1e}"),
    ]


async def _stored(comparisons: list[Comparison], rng: np.random.Generator) -> dict[EvidenceKey, Evidence]:
    sent = [(comparison, 1000 + offset) for offset, comparison in enumerate(comparisons)]
    wrong = rng.choice(len(sent), len(sent) // 20, replace=False)
    # What is corrected later stands further behind in the trials topic: the lowest offset counts.
    sent += [(replace(comparisons[i], scores=comparisons[i - 1].scores), 10**9 + int(i)) for i in wrong]
    sent += [sent[i] for i in rng.choice(len(sent), len(sent) // 10, replace=False)]
    order = rng.permutation(len(sent))
    with tempfile.TemporaryDirectory() as folder:
        async with (
            embedded_clickhouse(Path(folder)) as server,
            Store.open(server.url, user=server.user, password=server.password) as store,
        ):
            await store.migrate()
            await store.add_epochs(UPGRADE, list(map(_epoch, RULES.dimensions)))
            cuts = np.sort(rng.choice(len(sent), 12, replace=False))
            for part in np.split(order, cuts):
                batch = [sent[i] for i in part]
                await store.insert_comparisons(batch, lambda *_: 1)
                await store.refresh_evidence({_touched(comparison) for comparison, _ in batch})
            return await store.read_evidence(UPGRADE)


def _epoch(dimension: Dimension) -> EpochRow:
    return EpochRow(
        Epoch(VERSION_B, "", dimension.name, 1, 1, "{}", "first", 1),
        dimension.kind,
        dimension.tolerance,
        dimension.clip,
    )


def _touched(comparison: Comparison) -> Touched:
    trial = comparison.trial
    return Touched(UPGRADE, comparison.candidate, trial.feature, hour_of(trial.ts_ms))


def _other_counts(found: Mapping[EvidenceKey, Evidence], wanted: Mapping[EvidenceKey, Evidence]) -> int:
    return sum(
        getattr(found[key], field.name) != getattr(evidence, field.name)
        for key, evidence in wanted.items()
        for field in fields(Evidence)
        if not isinstance(getattr(evidence, field.name), float | tuple)
    )


def _largest(found: Mapping[EvidenceKey, Evidence], wanted: Mapping[EvidenceKey, Evidence]) -> float:
    largest = 0.0
    for key, evidence in wanted.items():
        for field in fields(Evidence):
            value = getattr(evidence, field.name)
            if isinstance(value, float | tuple):
                ours, theirs = np.atleast_1d(value), np.atleast_1d(getattr(found[key], field.name))
                largest = max(largest, float((np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))).max()))
    return largest
