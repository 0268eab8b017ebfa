"""Sentences of two texts laid side by side, with what gives each its polarity: negations, and sides of opposites."""

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

_ENDS = re.compile(r"[.!?;:]+[\s*_\"')\]]+|\s*\n\s*")
_WORD = re.compile(r"[a-z0-9]+(?:_[a-z]+)?")
_NOT_SHORT = re.compile(r"n['\u2019]t\b")
_ALIKE = 0.6  # of the words of the longer one
_FEWEST_WORDS = 2
_MOST_SENTENCES = 400  # of each side that are laid side by side; the rest is left alone
_MOST_PLACES = 30  # sentences in which a word may stand and still tell them apart


class Sentence(NamedTuple):
    """A sentence without its polarity, and its polarity.

    `words` are those without polarity; `negations` counts them; `sides` gives for each axis of opposites how many of
    its words stand there, and the sum of their sides.
    """

    words: frozenset[str]
    negations: int
    sides: Mapping[str, tuple[int, int]]


class Alignment(NamedTuple):
    """How many sentences are the same in both texts, and the pairs of those that are alike."""

    same: int
    pairs: Sequence[tuple[Sentence, Sentence]]


class _Polarity(NamedTuple):
    negations: frozenset[str]
    sides: Mapping[str, tuple[str, int]]  # word to axis and side, 1 or -1
    phrases: Sequence[str]  # of several words
    empty: frozenset[str]  # words that say nothing of what a sentence is about


def aligned(before: str, after: str) -> Alignment:
    """Lay the sentences of two texts side by side; each is used once."""
    ours, theirs = Counter(_ENDS.split(before)), Counter(_ENDS.split(after))
    same = ours & theirs
    rest = [sentence(text) for text in list(ours - same)[:_MOST_SENTENCES]]
    others = [sentence(text) for text in list(theirs - same)[:_MOST_SENTENCES]]
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, other in enumerate(others):
        for word in other.words:
            places[word].append(place)
    pairs = []
    free = set(range(len(others)))
    for one in rest:
        shared = Counter(
            place for word in one.words if len(places.get(word, ())) <= _MOST_PLACES for place in places.get(word, ())
        )
        best = max(
            (place for place in shared if place in free), key=lambda place: _likeness(one, others[place]), default=None
        )
        if best is not None and _likeness(one, others[best]) >= _ALIKE:
            free.discard(best)
            pairs.append((one, others[best]))
    return Alignment(same.total(), pairs)


def sentence(text: str) -> Sentence:
    """Read a sentence; `don't` and `cannot` negate like `do not`."""
    polarity = _polarity()
    folded = text.casefold().replace("*", "")
    if "n't" in folded or "n\u2019t" in folded:
        folded = _NOT_SHORT.sub(" not", folded.replace("can't", "can not").replace("won't", "will not"))
    if "cannot" in folded:
        folded = folded.replace("cannot", "can not")
    for phrase in polarity.phrases:
        if phrase in folded:
            folded = folded.replace(phrase, phrase.replace(" ", "_"))
    negations = 0
    words: list[str] = []
    sides: dict[str, tuple[int, int]] = {}
    for word in _WORD.findall(folded):
        if word in polarity.negations:
            negations += 1
        elif word in polarity.sides:
            axis, side = polarity.sides[word]
            count, total = sides.get(axis, (0, 0))
            sides[axis] = count + 1, total + side
        elif word not in polarity.empty:
            words.append(word)
    return Sentence(frozenset(words), negations, sides)


def _likeness(one: Sentence, other: Sentence) -> float:
    longer = max(len(one.words), len(other.words))
    return len(one.words & other.words) / longer if longer >= _FEWEST_WORDS else 0.0


@cache
def _polarity() -> _Polarity:
    lists = tomllib.loads(resources.files("comparators.semantic").joinpath("polarity.toml").read_text(encoding="utf-8"))
    sides = {}
    for kind in ("antonyms", "comparatives"):
        for place, row in enumerate(lists[kind]):
            for side, words in zip((1, -1), row, strict=True):
                sides.update(dict.fromkeys(words.split(), (f"{kind[0]}{place}", side)))
    phrases = [word.replace("_", " ") for word in sides if "_" in word]
    return _Polarity(frozenset(lists["negations"]), sides, phrases, frozenset(lists["empty"]))
