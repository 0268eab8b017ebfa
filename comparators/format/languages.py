"""Which languages a text is in, by function words and script. Deterministic, offline, linear in the text.

The evidence stands in `languages.toml`. Function words are the classic cue for close languages that share a script
(Dunning, "Statistical Identification of Language", 1994, compares the cues); a few sentences are enough, a label or a
number is not, and then no language is claimed.
"""

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

_SENTENCE = re.compile(r"[^.!?\n\u3002\uff01\uff1f\u061f\u0964]+")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)

_ENOUGH = 2  # function words, before a language is claimed for a text
_CLEAR = 3  # function words, before a sentence is claimed for a language other than the text's
_LETTERS = 12  # of a script, that weigh as much as a function word: about how many letters there are to one
_LETTERS_IF_DENSE = 4
_DENSE = ("ja", "ko", "zh")  # a letter is a syllable or a word
_MOST_PIECES = 200  # of one script: there are no more distinct words to weigh them against
_KEPT_CHARACTERS = 8_192
_MARKS = "\u2019\u201c\u201d\u201e\u00ab\u00bb\u2026\u2013\u2014"  # beside words


class Languages(NamedTuple):
    """The main language of a text (None: too little evidence) and the shares of its sentences in other ones."""

    main: str | None
    others: tuple[tuple[str, float], ...] = ()  # language code and share of characters, in order of the code


def languages(text: str, tie: str | None = None) -> Languages:
    """The languages of a text, code fences left out. Where several lead alike, `tie` is the main one if it is one."""
    return _languages(text, tie) if len(text) > _KEPT_CHARACTERS else _kept_languages(text, tie)


@cache
def unfinished_words() -> frozenset[str]:
    """Lower-case words that do not end a sentence."""
    return frozenset(" ".join(_data()["unfinished"].values()).split())


@lru_cache(maxsize=4096)
def _kept_languages(text: str, tie: str | None) -> Languages:
    return _languages(text, tie)


def _languages(text: str, tie: str | None) -> Languages:
    if "```" in text:
        text = _FENCED.sub(" ", text)
    words = _vocabulary().intersection(text.lower().split())
    letters = _letters(text)
    main = None if letters else _outright(words)
    if main is not None:
        return Languages(main)
    known = _known(words, letters)
    found = _evidence(known)
    main = _leader(found, tie)
    if not text.isascii() and max(found.values(), default=0) < _ENOUGH:
        main = _leader(_evidence(known + _by_letter(text)), tie)
    if main is None or len(known) - found.get(main, 0) < _CLEAR:  # too few pieces are left for any other language
        return Languages(main)
    foreign: Counter[str] = Counter()
    length = 0
    for match in _SENTENCE.finditer(text):
        length += len(match[0])
        language = _other(match[0], main)
        if language is not None:
            foreign[language] += len(match[0])
    return Languages(main, tuple(sorted((name, count / length) for name, count in foreign.items())))


def _outright(words: AbstractSet[str]) -> str | None:
    """The language with more words of its own in a text than there are words of others, where these are too few."""
    for name, (every, own) in _by_language().items():
        beyond = len(words - every)
        if beyond < _CLEAR and len(words & own) > beyond and len(words) - beyond >= _ENOUGH:
            return name
    return None


def _other(sentence: str, main: str) -> str | None:
    """The language a sentence is in, where that is clearly another than `main`."""
    known = _known(_vocabulary().intersection(sentence.lower().split()), _letters(sentence))
    found = _evidence(known, main) if len(known) >= _CLEAR else None
    if not found:
        return None
    language, words = max(found.items(), key=lambda item: (item[1], item[0]))
    return language if words >= _CLEAR and words >= 2 * _evidence(known).get(main, 0) else None


def _known(words: AbstractSet[str], letters: Mapping[str, int]) -> list[tuple[str, ...]]:
    """For each piece of evidence the languages it speaks for.

    A piece is a distinct function word (a variable or a name that is repeated says no more than one) or some letters
    of a script that names its language. A function word seldom has punctuation beside it, so splitting at white space
    is enough.
    """
    by_word = _words()
    known = [by_word[word] for word in words]
    for name, count in letters.items():
        known += [(name,)] * min(count // (_LETTERS_IF_DENSE if name in _DENSE else _LETTERS), _MOST_PIECES)
    return known


def _by_letter(text: str) -> list[tuple[str, ...]]:
    """For each word with letters beyond a to z the languages that have all of them; names (capitals) left out."""
    alphabets = _alphabets()
    words = {word.strip(_MARKS) for word in text.split() if not word.isascii() and word == word.lower()}
    beyond = (frozenset(letter for letter in word if not letter.isascii()) for word in words)
    return [tuple(name for name, alphabet in alphabets if letters <= alphabet) for letters in beyond if letters]


def _letters(text: str) -> Mapping[str, int]:
    """How many letters there are of each script that names its language, or two or three."""
    letters: dict[str, int] = {}
    if not text.isascii() and _outside_latin().search(text):
        for match in _scripts().finditer(text):
            name = match.lastgroup or ""
            letters[name] = letters.get(name, 0) + len(match[0])
        if "ja" in letters:
            letters["ja"] += letters.pop("zh", 0)
    return letters


def _evidence(known: list[tuple[str, ...]], besides: str | None = None) -> dict[str, int]:
    """Pieces of evidence per language, those that the language `besides` has as well left out."""
    found: dict[str, int] = defaultdict(int)
    for names in known:
        if besides not in names:
            for name in names:
                found[name] += 1
    for script, members in _families().items():
        if script in found:
            pieces = found.pop(script)
            if besides not in members:
                found[max(members, key=lambda name: found.get(name, 0)) if found.keys() & members else script] += pieces
    return found


def _leader(found: dict[str, int], tie: str | None) -> str | None:
    most = max(found.values(), default=0)
    leaders = [name for name, pieces in found.items() if pieces == most]
    if most < _ENOUGH:
        return None
    return leaders[0] if len(leaders) == 1 else tie if tie in leaders else None


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files("comparators.format").joinpath("languages.toml").read_text(encoding="utf-8"))


@cache
def _words() -> dict[str, tuple[str, ...]]:
    by_word: dict[str, list[str]] = {}
    for language, words in _data()["words"].items():
        for word in words.split():
            by_word.setdefault(word, []).append(language)
    # a single Latin letter is as likely a variable, in code and mathematics
    return {word: tuple(names) for word, names in by_word.items() if len(word) > 1 or not word.isascii()}


@cache
def _by_language() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Of each language all its words, and those that no other one has."""
    every: dict[str, set[str]] = defaultdict(set)
    own: dict[str, set[str]] = defaultdict(set)
    for word, names in _words().items():
        for name in names:
            every[name].add(word)
        if len(names) == 1:
            own[names[0]].add(word)
    return {name: (frozenset(words), frozenset(own[name])) for name, words in every.items()}


@cache
def _alphabets() -> tuple[tuple[str, frozenset[str]], ...]:
    """Of each language its letters beyond a to z."""
    return tuple((name, frozenset(letters)) for name, letters in _data()["letters"].items())


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(_words())


@cache
def _families() -> dict[str, tuple[str, ...]]:
    return {script: tuple(names.split()) for script, names in _data()["families"].items()}


@cache
def _scripts() -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>[{ranges}]+)" for name, ranges in _data()["scripts"].items()))


@cache
def _outside_latin() -> re.Pattern[str]:
    return re.compile("[" + "".join(_data()["scripts"].values()) + "]")
