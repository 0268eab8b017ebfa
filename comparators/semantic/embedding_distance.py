"""The answer is about something else: cosine distance of sentence embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.semantic.embeddings import DEFAULT, embedder


@dataclass(frozen=True)
class EmbeddingDistance(Comparator):
    """1 - cosine of the embeddings of baseline and answer, clipped to [0, 1]; identical texts are exactly 0.

    Sees: other content. What it does not see, or hardly: a flipped answer, a lost "not", another number, a fence; the
    dimensions made for those do. Setting: `model`, all-MiniLM-L6-v2 unless given (a folder or a name on a model hub;
    `hashing` needs no weights). Answers longer than the model's window are chunked.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> same = Answer("m", text="The parcel left today.")
    >>> EmbeddingDistance("hashing").compare(Pair(Request({}), same, same))
    Score(value=0.0, reason='', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.DISTANCE
    clip: ClassVar[float] = 0.25
    model: str = DEFAULT

    def prepare(self) -> None:
        """Load the model."""
        embedder(self.model)

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        return self.compare_many([pair])[0]

    def compare_many(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score many, each distinct text encoded once."""
        wanted: dict[str, int] = {}
        for pair in pairs:
            if _applies(pair) and pair.baseline.content != pair.answer.content and pair.answer.content.strip():
                wanted.setdefault(pair.baseline.content, len(wanted))
                wanted.setdefault(pair.answer.content, len(wanted))
        vectors = embedder(self.model).encode(list(wanted)) if wanted else None
        scores = []
        for pair in pairs:
            before, after = pair.baseline.content, pair.answer.content
            if not _applies(pair):
                scores.append(Score(None, "no_text"))
            elif before == after:
                scores.append(Score(0.0))
            elif vectors is None or not after.strip():
                scores.append(Score(1.0, "empty"))
            else:
                distance = 1.0 - float(vectors[wanted[before]] @ vectors[wanted[after]])
                scores.append(Score(min(1.0, max(0.0, distance)), "distance"))
        return scores


def _applies(pair: Pair) -> bool:
    return bool(pair.baseline.content.strip())
