"""Which kind of final answer a request suggests: yes/no, an option letter, a label of its own list, a box, a number."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Any

from comparators.semantic.phrases import Phrases
from schemas.exchanges import Request

_SCANNED = 6000  # characters of a long prompt that are read from its head and from its tail: instructions stand there
_LABELS = range(2, 25)
_QUESTION = 1000  # characters at the end of the last user message that say what is asked
_SHORT_QUESTION = 200
_ANNOUNCEMENT = 80  # characters between what announces a list and its colon
# Patterns begin with what they look for, and look behind it for the rest: so they are found several times sooner.
_OPTION = re.compile(r"[A-J](?:(?<=\(.)\)(?<!\S...)|(?<!\S.)[).:](?=\s))")
_LETTERS = re.compile(r"A(?<!\w.), ?B(?:, ?[C-J])*(?:,? ?(?:and|or) ?[B-J])?\b")
_QUOTES = "[\"'`(<*\\[{“]{0,3}"
_CLOSE = "[\"'`)>*\\]}”]{0,3}"
_YES_OR_NO = re.compile(rf"yes(?<!\w...){_CLOSE} ?(?:/|,|\||or|and) ?(?:or |a )?{_QUOTES}no\b")
_TRUE_OR_FALSE = re.compile(rf"true(?<!\w....){_CLOSE} ?(?:/|,|\||or) ?(?:or )?{_QUOTES}false\b")
_ARITHMETIC = re.compile(r"[-+*/\u00d7\u00f7^=](?:(?<=\d.)|(?<=\d .)) ?\d")
_LIST_END = re.compile(r"[.!?\n]")
_ITEM_BREAK = re.compile(r",|/|\||;|\bor\b|\band\b")
_LEADS_TO_LIST = re.compile(r"\b(?:as|into|of|with|from|between)\b")
_SENTENCE_STARTS = re.compile(r"[.!?:\n]\W{0,3}(?:please )?([a-z]+)")
_COUNTED = re.compile(r"\b(?:how many|number of) (?:more |other |different |total )?([a-z]{3,})")
_BULLET = re.compile(r"(?:[-*•]|\d{1,2}[.)]) {0,3}([^\n:(]{1,40})")
# Alternatives that need no announcement: in quotes, in capitals, in brackets with slashes.
_ONE_QUOTED = r"[\"'`“][^\"'`“”\n]{1,30}[\"'`”]"
_QUOTED = re.compile(rf"{_ONE_QUOTED}(?:(?:,|/|,? or|,? and) ?{_ONE_QUOTED})*,? or {_ONE_QUOTED}")
_OR_ANOTHER = re.compile(r" or (?:[\"'`“]|[A-Z]{3})")  # found sooner than any of the lists that have it
_CAPITALS = re.compile(r"[A-Z][A-Z_]{2,29}(?:, [A-Z][A-Z_]{2,29})*,? or [A-Z][A-Z_]{2,29}\b")
_SLASHED = re.compile(r"\(([\w -]{2,30}(?:/[\w -]{2,30}){1,9})\)")
_BRACKETED = re.compile(r"\[\[\S(?:[^\[\]\n]{0,38}\S)?\]\]")
_SCALE = re.compile(r"[01](?<![\w.].) ?(?:to|-|\u2013|and|through) ?(\d{1,3})\b")
_CLAIM = re.compile(r"\b(?:is|are|was|were) [^?.!\n]{1,80}? (an? [a-z][a-z -]{1,40})\?")
_ORDER = "ABCDEFGHIJ"
_EDGES = " \t\r\n\"'`()[]{}<>*.:“”"


@dataclass(frozen=True)
class Asked:
    """What a request suggests of its final answer; the rest is read out of the prompt where an answer calls for it.

    `kinds` in the order in which they are tried; `demanded` are those whose form the request spells out, so that an
    answer without it is missing something; `labels` case-folded, longest first; `letters` of the options;
    `counted` is what is asked to be counted ("how many eggs"), `scale` the highest rating ("1 to 5").
    """

    prompt: str
    kinds: tuple[str, ...]
    demanded: frozenset[str]
    labels: tuple[str, ...] = ()
    letters: str = ""
    counted: str = ""
    scale: str = ""

    @cached_property
    def wants_reasons_first(self) -> bool:
        """Whether the answer is to stand at the end."""
        return _has_any(self.prompt.casefold(), "reasons_first")

    @cached_property
    def claim(self) -> str:
        """Of "is 7 a prime number?" what may be so or not, "a prime number"; empty where no such question is asked."""
        found = _CLAIM.findall(self.prompt.casefold())
        return found[-1] if found else ""

    @cached_property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The letter and the text of each option; of several lists (examples, then the question) the last."""
        marks = list(_OPTION.finditer(self.prompt))
        ends = [mark.start() for mark in marks[1:]] + [len(self.prompt)]
        found = {}
        for mark, end in zip(marks, ends, strict=True):
            text = self.prompt[mark.end() : min(end, mark.end() + _ANNOUNCEMENT)].partition("\n")[0].strip()
            found[mark[0][0]] = text.removesuffix("(").rstrip()  # which belongs to the next option
        return tuple((letter, text) for letter, text in found.items() if text)


@cache
def words() -> dict[str, Any]:
    """The word lists of `final_answers.toml`."""
    text = resources.files("comparators.semantic").joinpath("final_answers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def asked_answer(request: Request) -> Asked:
    """What the request suggests; from its system and last user message alone."""
    return _asked(request.system_text, request.user_text)


@lru_cache(maxsize=512)
def _asked(system: str, user: str) -> Asked:
    prompt = _ends(system) + "\n" + _ends(user)
    folded = prompt.casefold()
    letters, labels = _letters(prompt), _labels(folded) or _alternatives(prompt)
    spells_yes_no, boxed = _YES_OR_NO.search(folded) is not None, "boxed" in folded
    demanded = {kind for kind, spelled in (("yes_no", spells_yes_no), ("boxed", boxed and not letters)) if spelled}
    question = user[-_QUESTION:].casefold()
    scale = "" if demanded else _scale(folded)
    date = not demanded and "date" in question and _has_any(question, "asks_date")
    number = not demanded and not scale and not date and _asks_number(question)
    suggested = (
        ("bracketed", "[[" in prompt and _BRACKETED.search(prompt) is not None),
        ("option", bool(letters)),
        ("yes_no", spells_yes_no),
        ("true_false", _TRUE_OR_FALSE.search(folded) is not None),
        ("label", bool(labels)),
        ("boxed", boxed),
        ("yes_no", not spells_yes_no and _is_yes_no_question(user)),
        ("rating", bool(scale)),
        ("date", date),
        ("number", number),
    )
    kinds = tuple(kind for kind, is_suggested in suggested if is_suggested)
    counted = _COUNTED.search(question) if number else None
    noun = counted[1].rstrip("s") if counted else ""
    return Asked(prompt, kinds, frozenset(demanded), labels, letters, noun, scale)


def _has_any(folded: str, name: str) -> bool:
    """Whether any phrase of a list stands in the text."""
    return _phrases(name).any_in(folded)


@cache
def _phrases(name: str) -> Phrases:
    return Phrases(words()[name])


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _SCANNED else f"{text[:_SCANNED]}\n{text[-_SCANNED:]}"


def _letters(prompt: str) -> str:
    # the patterns are dear, and most prompts have no options
    marks = _OPTION.findall(prompt) if "B)" in prompt or "B." in prompt or "B:" in prompt else ()
    found = {mark[0] for mark in marks}
    for listed in _LETTERS.findall(prompt) if "A, B" in prompt or "A,B" in prompt else ():
        found.update(letter for letter in listed if letter in _ORDER)
    run = ""
    for letter in _ORDER if found else "":
        if letter not in found:
            break
        run += letter
    return run if len(run) > 1 else ""


def _asks_number(question: str) -> bool:
    asks = (
        _has_any(question, "asks_number")
        or (
            _has_any(question, "asks_number_first")
            and not set(words()["asks_number_first"]).isdisjoint(_SENTENCE_STARTS.findall(f"\n{question}"))
        )
        or (len(question) <= _SHORT_QUESTION and _ARITHMETIC.search(question) is not None)
    )
    return asks and not _has_any(question, "asks_code")


def _scale(folded: str) -> str:
    """The highest rating, where one is asked for and a scale stands within a line of it."""
    for word in filter(folded.__contains__, words()["asks_rating"]):
        place = folded.find(word)
        while place >= 0:
            found = _SCALE.search(folded, max(0, place - _ANNOUNCEMENT), place + _ANNOUNCEMENT)
            if found:
                return found[1]
            place = folded.find(word, place + _ANNOUNCEMENT)
    return ""


def _is_yes_no_question(user: str) -> bool:
    ending = user[-600:].rstrip()
    if not ending.endswith("?"):
        return False
    sentence = re.split(r"[.!?\n:]", ending[:-1])[-1].strip().casefold()
    first, _, rest = sentence.partition(" ")
    return first in words()["opens_yes_no"] and " or " not in rest


def _labels(folded: str) -> tuple[str, ...]:
    """Labels of the longest list that the prompt announces; none unless it reads as a list of short names."""
    best: list[str] = []
    for phrase in filter(folded.__contains__, words()["announces_labels"]):
        start = folded.find(phrase)
        while start >= 0:
            begin = start + len(phrase.removesuffix(":"))  # `_listed` looks for the colon itself
            after = folded[begin : begin + 400]
            found = _listed(after)
            if len(found) > len(best):
                best = found
            start = folded.find(phrase, start + len(phrase) + 200)
    return tuple(sorted(best, key=lambda label: (-len(label), label)))


def _alternatives(prompt: str) -> tuple[str, ...]:
    """Labels that tell themselves by how they are written; none unless it is one list of short names."""
    found: list[str] = []
    if another := _OR_ANOTHER.search(prompt):
        near = max(0, another.start() - 2 * _ANNOUNCEMENT)
        if quoted := _QUOTED.search(prompt, near):
            found = re.findall(_ONE_QUOTED, quoted[0])
        elif capitals := _CAPITALS.search(prompt, near, another.end() + _ANNOUNCEMENT):
            found = _ITEM_BREAK.split(capitals[0])
    if not found and (slashed := _SLASHED.search(prompt)):
        found = slashed[1].split("/")
    names = _names([name.casefold() for name in found])
    return tuple(sorted(set(names), key=lambda label: (-len(label), label)))


def _listed(after: str) -> list[str]:
    head, _, tail = after.partition(":")
    if len(head) <= _ANNOUNCEMENT and tail:  # "...categories: a, b or c", or one below the other
        bullets = _BULLET.findall(tail) if tail.lstrip(" ").startswith("\n") else []
        if len(bullets) in _LABELS:
            return _names(bullets)
        found = _names(_ITEM_BREAK.split(_LIST_END.split(tail.lstrip(), maxsplit=1)[0]))
        if found:
            return found
    sentence = _LIST_END.split(after, maxsplit=1)[0]
    starts = [0, *(joined.end() for joined in _LEADS_TO_LIST.finditer(sentence[:_ANNOUNCEMENT]))]
    return next((found for start in starts if (found := _names(_ITEM_BREAK.split(sentence[start:])))), [])


def _names(pieces: list[str]) -> list[str]:
    names = [name for name in (piece.strip(_EDGES) for piece in pieces) if name]
    short = all(len(name) <= 40 and name.count(" ") <= 2 for name in names)  # noqa: PLR2004 - three words at most
    yes_no = {"yes", "no"}, {"true", "false"}
    return names if len(names) in _LABELS and short and set(names) not in yes_no else []
