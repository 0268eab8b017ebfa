"""Sentences of two texts laid side by side, with what gives each its polarity: negations, and sides of opposites.

English only, so a text is read as ASCII: one table folds case and turns marks into spaces, in one pass.
"""

import string
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

_ALIKE = 0.6  # of the words of the longer one
_FEWEST_WORDS = 2  # below, sentences must be about the very same
_MOST_SENTENCES = 400  # of each side that are laid side by side; the rest is left alone
_KEPT = string.ascii_lowercase + string.digits + "\n'."
_FOLDED = {ord(letter): letter.lower() for letter in string.ascii_uppercase} | dict.fromkeys(map(ord, "!;:"), ".")
_TABLE = bytes(ord(_FOLDED.get(code, chr(code) if chr(code) in _KEPT else " ")) for code in range(256))


class Polarity(NamedTuple):
    """What gives a sentence its polarity.

    `negations` counts them; `sides` gives for each axis of opposites how many of its words stand in the sentence, and
    the sum of their sides.
    """

    negations: int
    sides: Mapping[str, tuple[int, int]]


class Alignment(NamedTuple):
    """How many sentences are the same in both texts, and the pairs of those that are alike."""

    same: int
    pairs: Sequence[tuple[str, str]]


class _Words(NamedTuple):
    negations: frozenset[str]
    sides: Mapping[str, tuple[str, int]]  # word to axis and side, 1 or -1
    turning: frozenset[str]  # negations and opposites
    about: Mapping[str, str]  # what a word adds to what a sentence is about, if not itself: its axis, or nothing
    phrases: Sequence[tuple[str, str]]  # of several words, and the same as one word


def aligned(before: str, after: str) -> Alignment:
    """Lay the sentences of two texts side by side by the words they are about; each is used once."""
    ours, theirs = Counter(sentences(before)), Counter(sentences(after))
    rest, others = _without(ours, theirs), _without(theirs, ours)
    same = ours.total() - len(rest)
    if not rest or not others:
        return Alignment(same, ())
    theirs_about = _about(others)
    known = set().union(*theirs_about)
    pairs = []
    for one, words in zip(rest, _about(rest), strict=True):
        if words and len(words & known) / len(words) >= _ALIKE:
            place = _likest(words, theirs_about)
            if place is not None:
                pairs.append((one, others.pop(place)))
                del theirs_about[place]
    return Alignment(same, pairs)


def sentences(text: str) -> list[str]:
    """The sentences of a text in lower case without marks; `don't` and `cannot` are `do not` and `can not`."""
    plain = text.replace("?", "!").replace("\u2019", "'")  # the question mark then stands for what is not ASCII
    folded = plain.encode("ascii", "replace").translate(_TABLE).decode("ascii")
    if "'" in folded:
        folded = folded.replace("can't", "can not").replace("won't", "will not").replace("n't", " not")
        folded = folded.replace("'", " ")
    folded = folded.replace("cannot", "can not")
    for phrase, word in _words().phrases:
        folded = folded.replace(phrase, word)
    lines = folded.replace(". ", "\n ").replace(".", " ").split("\n")  # one for one, which is faster than for nothing
    return list(filter(None, map(str.strip, lines)))


def polarity(sentence: str) -> Polarity:
    """Read the polarity of a sentence out of `sentences`."""
    words = _words()
    negations = 0
    sides: dict[str, tuple[int, int]] = {}
    for word in filter(words.turning.__contains__, sentence.split()):
        if word in words.negations:
            negations += 1
        else:
            axis, side = words.sides[word]
            count, total = sides.get(axis, (0, 0))
            sides[axis] = count + 1, total + side
    return Polarity(negations, sides)


def _without(these: Counter[str], those: Counter[str]) -> list[str]:
    """The sentences that only these have, as often as they have them beyond those."""
    left: list[str] = []
    for text, count in these.items():
        left += [text] * (count - those.get(text, 0))
    return left[:_MOST_SENTENCES]


def _about(given: Sequence[str]) -> list[set[str]]:
    """For each sentence the words that say what it is about; an opposite stands for its axis: either side is alike."""
    adds = _words().about.get
    found = []
    for sentence in given:
        words = sentence.split()
        about = set(map(adds, words, words))
        about.discard("")
        found.append(about)
    return found


def _likest(words: set[str], others: Sequence[set[str]]) -> int | None:
    """The place of the sentence that shares most words with these, if it is alike."""
    size = len(words)
    best, most = None, _ALIKE if size >= _FEWEST_WORDS else 1.0
    for place, other in enumerate(others):
        longer, shorter = (size, len(other)) if size > len(other) else (len(other), size)
        if shorter >= most * longer:
            likeness = len(words & other) / longer
            if likeness > most or (likeness == most and best is None):
                best, most = place, likeness
    return best


@cache
def _words() -> _Words:
    lists = tomllib.loads(resources.files("comparators.semantic").joinpath("polarity.toml").read_text(encoding="utf-8"))
    sides = {}
    for kind in ("antonyms", "comparatives"):
        for place, row in enumerate(lists[kind]):
            for side, words in zip((1, -1), row, strict=True):
                sides.update(dict.fromkeys(words.split(), (f"{kind[0]}{place}", side)))
    negations = frozenset(lists["negations"])
    phrases = [(word.replace("_", " "), word) for word in sides if "_" in word]
    about = {word: axis for word, (axis, _) in sides.items()} | dict.fromkeys(negations.union(lists["empty"]), "")
    return _Words(negations, sides, negations.union(sides), about, phrases)
