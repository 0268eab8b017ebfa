"""`style_shift`: a small difference in the same direction every time, which no single answer shows.

If candidate and rerun come from the same model, their embeddings c and r are exchangeable given the prompt, so c - r
is symmetric and any direction that was fixed beforehand sees mean 0 (sign-flip betting; Podkopaev and Ramdas, NeurIPS
2023, for predictable witnesses). The direction is the mean of c - r over earlier trials, frozen in snapshots after 16,
32, 64, ... trials: each trial is projected on the newest snapshot made of earlier trials only, and the projection is
stored as its score. So evidence stays a plain sum, though the direction learns.

Feeding it: keep the sum of c - r and its count per candidate and feature (`Snapshots.add`, in the order of event
time); store each Snapshot; score each later paired trial with `score_shift` on `newest(snapshots, ts_ms)`. The epoch's
identity holds version, embedder and nothing of the snapshots: they change by a rule that was fixed beforehand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from comparators.scoring import evidence
from schemas.comparisons import ArmScore, DimensionScore, Kind, Status

DIMENSION = "style_shift"
VERSION = 1
FIRST = 16  # paired trials of the first snapshot; each next one has twice as many
REACH = 0.6  # projection that counts as 1: clipped at 0.25 like every MEASURE, evidence ends at a projection of 0.15

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """A direction of unit length, shape (d,), learnt from `trials` paired trials up to event time `until_ms`."""

    direction: Floats
    trials: int
    until_ms: int


@dataclass(frozen=True)
class Snapshots:
    """What is known of one candidate's feature: the running sum of c - r, shape (d,), and the snapshots taken of it."""

    total: Floats | None = None
    trials: int = 0
    taken: tuple[Snapshot, ...] = ()

    def add(self, candidate: Floats, rerun: Floats, ts_ms: int) -> "Snapshots":
        """With one more paired trial; unit vectors of shape (d,), in the order of event time."""
        difference = candidate - rerun
        total = difference if self.total is None else self.total + difference
        grown = replace(self, total=total, trials=self.trials + 1)
        length = float(np.linalg.norm(total))
        due = FIRST << len(self.taken)
        if grown.trials < due or length == 0.0:
            return grown
        return replace(
            grown, taken=(*self.taken, Snapshot(np.asarray(total / length, dtype=np.float32), grown.trials, ts_ms))
        )


def newest(snapshots: Iterable[Snapshot], ts_ms: int) -> Snapshot | None:
    """The newest snapshot that was made of trials before this event time only."""
    return max((s for s in snapshots if s.until_ms < ts_ms), key=lambda s: s.until_ms, default=None)


def score_shift(candidate: Floats | None, rerun: Floats | None, snapshot: Snapshot | None) -> DimensionScore:
    """The score of a comparison: how far the candidate lies beyond the rerun along the direction, or it beyond.

    Exactly one of the two arms has a score above 0, and D = candidate - rerun is the signed projection / 0.6, clipped
    to [-1, 1].
    """
    if candidate is None or rerun is None or snapshot is None:
        reason = "no_answer" if candidate is None else "no_rerun" if rerun is None else "calibrating"
        skipped = ArmScore(None, Status.SKIPPED, reason)
        return DimensionScore(DIMENSION, Kind.MEASURE, VERSION, skipped, None, None, None)
    shift = float(np.clip((candidate - rerun) @ snapshot.direction / REACH, -1.0, 1.0))
    ahead = ArmScore(max(0.0, shift), Status.SCORED, "shifted" if shift > 0 else "")
    behind = ArmScore(max(0.0, -shift), Status.SCORED, "shifted" if shift < 0 else "")
    d = evidence(Kind.MEASURE, None, behind.value, ahead.value, None)
    return DimensionScore(DIMENSION, Kind.MEASURE, VERSION, ahead, None, behind, d)
