"""Comparators with a setting that is learned from a feature's first trials and then frozen.

A comparator says what it observes of a trial, how many trials it wants, and how their observations freeze into one
text; it knows nothing of where they are kept. `schemas/calibrations.py` tells the whole way.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from comparators.comparator import Comparator
from schemas.calibrations import Calibration, Learner, Observation
from schemas.comparisons import Comparison


class CalibratedComparator(Comparator):
    """A comparator that scores only once it has been calibrated; until then its scores are None, `calibrating`."""

    of_candidate: ClassVar[bool] = False  # learns from candidates' answers too: a calibration for each of them

    @property
    @abstractmethod
    def window(self) -> int:
        """Trials of a feature that calibrate."""

    @property
    @abstractmethod
    def is_calibrated(self) -> bool:
        """Whether the frozen setting is there (also where the user gave it)."""

    @abstractmethod
    def observe(self, comparison: Comparison) -> str:
        """What is to be learned from a scored trial; empty where nothing is.

        The candidate's arm is only for those that are `of_candidate`.
        """

    @abstractmethod
    def freeze(self, observations: Sequence[str]) -> str:
        """The frozen setting from the observations of a window, in the order of event time; the same for the same."""

    @abstractmethod
    def calibrated(self, text: str) -> Self:
        """This comparator with what `freeze` gave.

        Raises:
            ValueError: not such a text, or one of another version.
        """


@dataclass
class Window:
    """The first observations of each learner, for whoever has them all: files, scored in one process."""

    frozen: dict[Learner, Calibration] = field(default_factory=dict)
    _observed: dict[Learner, list[Observation]] = field(default_factory=dict)

    def add(self, observations: Iterable[tuple[CalibratedComparator, Observation]]) -> Iterator[Calibration]:
        """Take observations in order; what is complete by now, frozen."""
        for comparator, observation in observations:
            learner = observation.learner
            if learner in self.frozen:
                continue
            seen = self._observed.setdefault(learner, [])
            seen.append(observation)
            if len(seen) >= comparator.window:
                found = freeze(comparator, seen)
                if found is not None:
                    self.frozen[learner] = found
                    yield found
                del self._observed[learner]


def freeze(
    comparator: CalibratedComparator, observations: Sequence[Observation], now_ms: int = 0
) -> Calibration | None:
    """The calibration these observations of one learner make; None where there is nothing to learn.

    Raises:
        ValueError: there are none, or of several learners.
    """
    window = sorted(observations, key=lambda one: (one.ts_ms, one.trial_id))[: comparator.window]
    (learner,) = {one.learner for one in window}
    text = comparator.freeze([one.text for one in window])
    return Calibration(learner, text, len(window), window[-1].ts_ms, now_ms) if text else None
