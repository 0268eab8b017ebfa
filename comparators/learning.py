"""Rules that learn as trials are scored: for whoever scores all of them in order, in one process."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from comparators.calibration import Window
from comparators.dimensions import CalibrationKey, Dimension
from comparators.scoring import FeatureRules, observe
from schemas.calibrations import Calibration, Learner
from schemas.comparisons import Comparison

BEFORE_ALL = -(1 << 63)  # milliseconds: earlier than any trial


class Learning:
    """The rules of features with what was frozen of the batches seen so far.

    Trials stand in the order in which they are given, often without a time: what a batch completes is in force from
    the next one on, whatever its event times.
    """

    def __init__(self, rules: Callable[[str], FeatureRules]) -> None:
        self._rules = rules
        self._window = Window()
        self._keys: dict[Learner, CalibrationKey] = {}
        self._frozen: defaultdict[str, dict[CalibrationKey, Calibration]] = defaultdict(dict)

    def of(self, feature: str) -> FeatureRules:
        """How the next trials of a feature are scored."""
        rules = self._rules(feature)
        return replace(rules, calibrations=dict(self._frozen[feature])) if self._frozen[feature] else rules

    def learn(self, comparisons: Sequence[Comparison]) -> None:
        """Take a scored batch in."""
        for frozen in self._window.add(observe(comparisons, self._learner, self.of)):
            self._frozen[frozen.learner.feature][self._keys[frozen.learner]] = replace(frozen, until_ms=BEFORE_ALL)

    def _learner(self, feature: str, dimension: Dimension, candidate_hash: str) -> Learner:
        learner = dimension.learner(feature, candidate_hash)
        self._keys[learner] = dimension.calibration_key(candidate_hash)
        return learner
