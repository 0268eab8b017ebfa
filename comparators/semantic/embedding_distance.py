"""The answer is about something else: cosine distance of sentence embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score
from comparators.semantic.embeddings import AUTO, DEFAULT, PRECISIONS, embedder, vectors_of

_DIGITS = 4  # of a distance; how a batch is put together moves the digits behind


@dataclass(frozen=True)
class EmbeddingDistance(Comparator):
    """1 - cosine of the embeddings of baseline and answer; a cosine below 0 counts as 0. Identical texts are exactly 0.

    What it sees: other content, also far behind the beginning: answers longer than the model's window (256 tokens) are
    cut into equal pieces that fit it, whose vectors are averaged by length. What it hardly sees: a flipped answer, a
    lost "not", another number, a fence; `answer_change`, `polarity_change`, `fact_change` and `code_fence` see
    those. Evidence is clipped at 0.25 (design, section 5).

    Settings: `model` (all-MiniLM-L6-v2 unless given; a folder, a name on a model hub, or `hashing`, which needs no
    weights and sees wording only), `precision` (`auto` takes bfloat16 where the processor multiplies it itself, else
    float32), `threads` (0: every core that the process may use). Applies where the baseline has text.

    Reasons: `distance`; `empty` where the answer has no text.

    What it does not see: a flipped answer, a lost "not" or another number moves it hardly.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> same = Answer("m", text="The parcel left today.")
    >>> EmbeddingDistance("hashing").compare(Pair(Request({}), same, same))
    Score(value=0.0, reason='', detail='')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.DISTANCE
    clip: ClassVar[float] = 0.25
    model: str = DEFAULT
    precision: str = AUTO
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: {self.precision!r} is none of {', '.join(PRECISIONS)}")
        if self.threads < 0:
            raise ValueError(f"threads: must be 0 or more, not {self.threads}")

    def prepare(self) -> None:
        """Load the model."""
        embedder(self.model, self.precision, self.threads)

    def compare(self, pair: Pair) -> Score:
        """0 to 1, or None where the baseline has no text."""
        return self.compare_many([pair])[0]

    def compare_many(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score many, each distinct text encoded once."""
        known = {
            text: None for pair in pairs if _needs_model(pair) for text in (pair.baseline.content, pair.answer.content)
        }
        vectors = vectors_of(list(known), self.model, self.precision, self.threads) if known else None
        rows = {text: row for row, text in enumerate(known)}
        scores = []
        for pair in pairs:
            before, after = pair.baseline.content, pair.answer.content
            if not before.strip():
                scores.append(Score(None, "no_text"))
            elif before == after:
                scores.append(FINE)
            elif vectors is None or not after.strip():
                scores.append(Score(1.0, "empty"))
            else:
                distance = 1.0 - float(vectors[rows[before]] @ vectors[rows[after]])
                scores.append(Score(round(min(1.0, max(0.0, distance)), _DIGITS), "distance"))
        return scores


def _needs_model(pair: Pair) -> bool:
    before, after = pair.baseline.content, pair.answer.content
    return before != after and bool(before.strip()) and bool(after.strip())
