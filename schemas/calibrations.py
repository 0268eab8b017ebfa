"""What a comparator learned of a feature and froze, and the observations it was learned from.

The way of a calibrated setting, the same for every comparator that has one (`comparators/calibration.py`):

1. *Observe.* Each score worker, after storing a batch, writes what the comparator observed of each trial into table
   `observations`, one row per trial, until the feature's window is full (`streams/scorer.py`).
2. *Freeze.* The judge, of which there is one, takes the first `window` observations by event time, lets the comparator
   freeze them to a text, and stores it in table `calibrations`: whoever stored first keeps it (`streams/judging.py`).
3. *Use.* Workers read the table at their start and every few seconds. The comparator with its frozen setting scores
   trials later than `until_ms` only, never those it was made of; earlier ones are `skipped`, reason `calibrating`.
4. *Account.* The identity is part of the epoch (`Identity.calibration`), per feature. The epoch before it is marked
   `calibrating`: no evidence was ever in it, so it uses up no alpha.

Files go the same way within one process (`streams/file_scoring.py`), with the order of lines for event time.
"""

from uuid import UUID

from schemas.ids import content_hash
from schemas.values import immutable

CALIBRATING = "calibrating"  # in the place of an identity, while there is none


@immutable
class Learner:
    """Who learns: a feature's dimension; `rules` is a hash of all that gives what it learns a meaning."""

    feature: str
    dimension: str
    rules: str


@immutable
class Observation:
    """What a learner observed of one trial: a text whose meaning is the comparator's business."""

    learner: Learner
    trial_id: UUID
    ts_ms: int  # event time
    text: str


@immutable
class Calibration:
    """A frozen setting: `text` as the comparator wrote it, made of `trials` trials up to event time `until_ms`."""

    learner: Learner
    text: str
    trials: int
    until_ms: int
    frozen_ms: int = 0  # since 1970 UTC

    @property
    def identity(self) -> str:
        """Hash for the epoch."""
        return content_hash(self.learner.rules, self.text, self.until_ms)
