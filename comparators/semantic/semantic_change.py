"""The answer lies further from the baseline than answers of the current pin ever do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from comparators.calibration import CalibratedComparator
from comparators.comparator import Kind, Pair, Score
from comparators.semantic.distance_bands import Distance, bands_from, bands_of
from comparators.semantic.embedding_distance import EmbeddingDistance
from comparators.semantic.embeddings import AUTO, DEFAULT
from schemas.calibrations import CALIBRATING
from schemas.comparisons import Comparison


@dataclass(frozen=True)
class SemanticChange(CalibratedComparator):
    """1 where `embedding_distance` is beyond what the feature's own reruns reach. A share: a mean hides catastrophes.

    The feature's first 500 reruns (`window`) are the calibration: per length band the distance that one in 200 of them
    goes beyond is the threshold, and the 99 % bound of how often reruns then go beyond it is the `allowed` share. Both
    are frozen, kept in table `calibrations`, and part of the epoch. Later answers count with D = score - allowed, so no
    rerun is needed for them and all trials count, not only those with one; later reruns keep the calibration honest
    (`calibration_stale`). Until then nothing applies (`calibrating`). Distances up to `same_below` never count: a pin
    that repeats itself word for word would else make every comma a change.

    Sees: the few answers that are about something else, among many that are alike.

    Does not see: what `embedding_distance` does not; a small change of all answers.

    Settings: `model`, `precision`, `threads` as in `embedding_distance`, and its where not given; `thresholds`, the
    text of a calibration to use instead of learning one.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> bands = bands_of([Distance(0.1, 40)] * 500)
    >>> comparator = SemanticChange("hashing", thresholds=bands.text)
    >>> told, other = Answer("m", text="The parcel left today."), Answer("m", text="We sell no shoes.")
    >>> comparator.compare(Pair(Request({}), told, other))
    Score(value=1.0, reason='beyond_reruns', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.DISTANCE
    allows_noise: ClassVar[bool] = True
    model: str = DEFAULT
    precision: str = AUTO
    threads: int = 0
    window: int = 500
    same_below: float = 0.05
    thresholds: str = ""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        self._distance()
        if self.window < 1:
            raise ValueError(f"window: must be 1 or more, not {self.window}")
        if self.thresholds:
            bands_from(self.thresholds)

    @property
    def allowed_noise(self) -> float | None:
        """The share of reruns that may lie beyond the threshold."""
        return bands_from(self.thresholds).allowed if self.thresholds else None

    @property
    def is_calibrated(self) -> bool:
        """Whether there are thresholds."""
        return bool(self.thresholds)

    def prepare(self) -> None:
        """Load the model."""
        self._distance().prepare()

    def compare(self, pair: Pair) -> Score:
        """1 or 0, or None where the baseline has no text."""
        return self.compare_many([pair])[0]

    def compare_many(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score many, each distinct text encoded once."""
        if not self.thresholds:
            return [Score(None, CALIBRATING)] * len(pairs)
        bands = bands_from(self.thresholds)
        scores = []
        for pair, distance in zip(pairs, self._distance().compare_many(pairs), strict=True):
            if distance.value is None:
                scores.append(distance)
            elif distance.value > max(self.same_below, bands.threshold(len(pair.baseline.content))):
                scores.append(Score(1.0, "beyond_reruns"))
            else:
                scores.append(Score(0.0))
        return scores

    def observe(self, comparison: Comparison) -> str:
        """The rerun's distance and the baseline's length."""
        trial = comparison.trial
        if trial.rerun is None or trial.rerun.error is not None:
            return ""
        distance = self._distance().compare(Pair(trial.request, trial.baseline, trial.rerun)).value
        return "" if distance is None else f"{distance} {len(trial.baseline.content)}"

    def freeze(self, observations: Sequence[str]) -> str:
        """The bands of the distances."""
        pairs = (text.split() for text in observations)
        return bands_of([Distance(float(distance), int(characters)) for distance, characters in pairs]).text

    def calibrated(self, text: str) -> "SemanticChange":
        """With these thresholds."""
        return replace(self, thresholds=text)

    def _distance(self) -> EmbeddingDistance:
        return EmbeddingDistance(self.model, self.precision, self.threads)
