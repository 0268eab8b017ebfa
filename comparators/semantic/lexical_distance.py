"""Other words than the baseline's: overlap of words and word pairs. Cheap, and blind to meaning."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable


@dataclass(frozen=True)
class LexicalDistance(Comparator):
    """1 - the Dice coefficient (1945) of the multisets of neighbouring words of both answers: 0 same, 1 none shared.

    Case and white space do not count. What it sees: how far an answer was put in other words, whatever they mean; with
    `embedding_distance` low and this high, the candidate says the same in its own way.

    Applies where the baseline has a word. Reason: `other_words`; `empty` where the answer has none.

    What it does not see: a flipped answer, a lost "not" or another number moves it hardly.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> LexicalDistance().compare(Pair(Request({}), Answer("m", text="a b c d"), Answer("m", text="a b c e")))
    Score(value=0.4, reason='other_words', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.DISTANCE
    clip: ClassVar[float] = 0.25

    def compare(self, pair: Pair) -> Score:
        """0 to 1, or None where the baseline has no word."""
        before = pair.baseline.content.casefold().split()
        if not before:
            return inapplicable("no_text")
        after = pair.answer.content.casefold().split()
        if not after:
            return Score(1.0, "empty")
        if before == after:
            return FINE
        apart = 1 - 2 * _shared(before, after) / (len(before) + len(after) + 2)
        return Score(round(apart, 6), "other_words")


def _shared(before: list[str], after: list[str]) -> int:
    """How many pairs of neighbours stand in both; the ends count as neighbours of the first and the last word."""
    left = Counter(_neighbours(before))
    shared = 0
    for pair in _neighbours(after):
        count = left.get(pair)
        if count:
            left[pair] = count - 1
            shared += 1
    return shared


def _neighbours(words: list[str]) -> Iterator[tuple[str, str]]:
    return zip(["", *words], [*words, ""], strict=True)
