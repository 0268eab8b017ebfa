"""An answer that is nothing but a name, a word or a number, and whether another text gives the same one.

It is read without knowing what was asked: `Canberra`, `entailment`, `JPY`, `48213`, `100 °C`.
"""

import re

from comparators.semantic.asked_answers import words
from comparators.semantic.final_answers import canonical_number

_LONGEST = 40  # characters
_MOST_WORDS, _MOST_IN_A_SENTENCE = 3, 2  # "Roses are red." says something, "New York." names something
_NO_NAME = frozenset("{}[]<>=;|!?\n")
_EDGES = " \t\"'`()[]<>*_.,:“”#"
_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?(?:/\d+)?|[^\W\d_]+(?:['\u2019-][^\W_]+)*|[^\W_]+")
_ARTICLES = frozenset({"a", "an", "the"})
_SPELLED = {"y": "yes", "n": "no"}


def short_answer(text: str) -> str | None:
    """The answer in one form, None where the text is more than a name, a word or a number.

    >>> short_answer("**Canberra.**"), short_answer("1,000 m"), short_answer("Roses are red.")
    ('canberra', '1000 m', None)
    """
    if len(text) > _LONGEST:
        return None
    stripped = text.strip()
    bare = stripped.strip(_EDGES)
    most = _MOST_IN_A_SENTENCE if stripped.endswith(".") else _MOST_WORDS
    if not bare or not _NO_NAME.isdisjoint(bare) or stripped[-1] in _NO_NAME or len(bare.split()) > most:
        return None
    return " ".join(_words(bare)) or None


def gives(text: str, answer: str) -> bool:
    """Whether a text gives this short answer: as a part of what it says, not denied; or as its short form.

    >>> gives("It is Canberra, not Sydney.", "canberra"), gives("It is Canberra, not Sydney.", "sydney")
    (True, False)
    """
    wanted = answer.split()
    found = _words(text)
    if _stands_in(found, wanted):
        return True
    own = short_answer(text)
    return own is not None and _stands_in(wanted, own.split())


def _words(text: str) -> list[str]:
    found = _WORD.findall(text.casefold())
    if len(found) == 1:
        return [_SPELLED.get(found[0]) or _plain(found[0])]
    return [_plain(word) for word in found]


def _plain(word: str) -> str:
    number = words()["number_words"].get(word)
    return str(number) if number is not None else canonical_number(word.rstrip(",")) or word


def _stands_in(found: list[str], wanted: list[str]) -> bool:
    """Whether the words stand there, one after the other, with no denial before them."""
    first, many = wanted[0], len(wanted)
    return any(
        word == first and found[place : place + many] == wanted and not _is_denied(found, place)
        for place, word in enumerate(found)
    )


def _is_denied(found: list[str], place: int) -> bool:
    before = [word for word in found[max(0, place - 2) : place] if word not in _ARTICLES]
    return bool(before) and before[-1] in words()["denies"]
