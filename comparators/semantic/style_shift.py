"""Every answer lies a little in the same direction from the current pin's: style, tone, verbosity."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from comparators.calibration import CalibratedComparator
from comparators.comparator import Kind, Pair, Score, inapplicable
from comparators.semantic.embedding_distance import EmbeddingDistance
from comparators.semantic.embeddings import AUTO, DEFAULT, vectors_of
from schemas.calibrations import CALIBRATING
from schemas.comparisons import Comparison

REACH = 0.6  # projection between a score of 0.5 and one of 1.1: D of a MEASURE is clipped at a projection of 0.15
_DIGITS = 4
_MIDDLE = 0.5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class StyleShift(CalibratedComparator):
    """How far the answer lies from the baseline along the direction in which the candidate moved first; 0.5: nowhere.

    If candidate and rerun come from the same model, their embeddings c and r are exchangeable given the prompt, so any
    direction that was fixed beforehand sees c - r with mean 0 (sign-flip betting; Podkopaev and Ramdas, NeurIPS 2023).
    The direction is the mean of c - r over the first 64 trials with a rerun in which the two differ (`window`), for
    each candidate and feature. It is frozen, kept in table `calibrations`, and part of the epoch; later trials are
    projected on it. So evidence stays a plain sum, in any order. What the replay does to both alike cancels.

    Sees: a small difference in the same direction every time, which no single answer shows: a closing line, another
    tone, a list in place of a paragraph.

    Does not see: differences in other directions every time, and a shift that only began after the window.

    Settings: `model`, `precision`, `threads` as in `embedding_distance`, and its where not given; `direction`, the text
    of a calibration to use instead of learning one.

    Reasons: `along` the direction, `against` it, `level`; `empty` where the answer has no text.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> from comparators.semantic.embeddings import vectors_of
    >>> told, other = (Answer("m", text=text) for text in ("The parcel left.", "The parcel left. Anything else?"))
    >>> before, after = vectors_of([told.content, other.content], "hashing")
    >>> comparator = StyleShift("hashing", direction=direction_text(after - before))
    >>> comparator.compare(Pair(Request({}), told, other)).reason
    'along'
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.MEASURE
    directed: ClassVar[bool] = False
    of_candidate: ClassVar[bool] = True
    model: str = DEFAULT
    precision: str = AUTO
    threads: int = 0
    window: int = 64
    direction: str = ""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        EmbeddingDistance(self.model, self.precision, self.threads)
        if self.window < 1:
            raise ValueError(f"window: must be 1 or more, not {self.window}")
        if self.direction:
            _direction(self.direction)

    @property
    def is_calibrated(self) -> bool:
        """Whether there is a direction."""
        return bool(self.direction)

    def prepare(self) -> None:
        """Load the model."""
        EmbeddingDistance(self.model, self.precision, self.threads).prepare()

    def compare(self, pair: Pair) -> Score:
        """0 to 1, or None where the baseline has no text."""
        return self.compare_many([pair])[0]

    def compare_many(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score many, each distinct text encoded once."""
        if not self.direction:
            return [Score(None, CALIBRATING)] * len(pairs)
        told = {pair: None for pair in map(_texts, pairs) if _needs_model(*pair)}
        along: dict[tuple[str, str], float] = {}
        if told:
            before, after = (self._vectors(texts) for texts in zip(*told, strict=True))
            along = dict(zip(told, ((after - before) @ _direction(self.direction)).tolist(), strict=True))
        return [_score(*texts, along.get(texts, 0.0)) for texts in map(_texts, pairs)]

    def observe(self, comparison: Comparison) -> str:
        """How the candidate's embedding differs from the rerun's."""
        trial = comparison.trial
        answer = next(one.answer for one in trial.candidates if one.name == comparison.candidate)
        if trial.rerun is None or trial.rerun.error is not None or answer.error is not None:
            return ""
        texts = answer.content, trial.rerun.content
        if not _needs_model(*texts):
            return ""
        after, before = self._vectors(texts)
        return base64.b64encode((after - before).astype("<f2").tobytes()).decode()

    def freeze(self, observations: Sequence[str]) -> str:
        """The direction of the mean difference."""
        differences = [np.frombuffer(base64.b64decode(text), dtype="<f2") for text in observations]
        return direction_text(np.sum(differences, axis=0, dtype=np.float64))

    def calibrated(self, text: str) -> "StyleShift":
        """With this direction."""
        return replace(self, direction=text)

    def _vectors(self, texts: Sequence[str]) -> Floats:
        return vectors_of(texts, self.model, self.precision, self.threads)


def _texts(pair: Pair) -> tuple[str, str]:
    return pair.baseline.content, pair.answer.content


def _needs_model(before: str, after: str) -> bool:
    return before != after and bool(before.strip()) and bool(after.strip())


def _score(before: str, after: str, along: float) -> Score:
    if not before.strip():
        return inapplicable("no_text")
    if not after.strip():
        return Score(1.0, "empty")
    value = round(min(1.0, max(0.0, _MIDDLE + along / REACH)), _DIGITS)
    return Score(value, "level" if value == _MIDDLE else "along" if value > _MIDDLE else "against")


def direction_text(difference: npt.NDArray[np.floating]) -> str:
    """The direction of a difference of embeddings as text; empty where it has none."""
    length = float(np.linalg.norm(difference))
    return base64.b64encode((difference / length).astype("<f4").tobytes()).decode() if length else ""


@lru_cache(maxsize=512)
def _direction(text: str) -> Floats:
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")
    except ValueError as wrong:
        raise ValueError(f"direction: {wrong}") from wrong
