r"""Find the final answer of a text and write it in one way: `[Yes]`, `**yes**` and `the answer is yes` are `yes`.

Places are tried from the surest to the weakest: the whole text, a JSON field, a `\boxed{}`, what follows "the answer
is", the first word, the last mention. Only the head and the tail of a long text are read.
"""

import re
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any, NamedTuple

from comparators.format.json_text import payload
from comparators.semantic.asked_answers import Asked, words
from comparators.semantic.facts import facts_of
from schemas.values import immutable

_TAIL = 4000  # characters in which a final answer is looked for
_HEAD = 200
_SHORT = 60  # characters; a longer text of one's own words is no final answer but prose

_BOX = re.compile(r"boxed ?\{")
_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:/\d+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_ASIDE = re.compile(r"\([^()\n]{0,200}\)")
# These read lower case. They begin with a letter and look behind it: so they are found several times sooner.
_YES_NO = re.compile(
    r"[yn](?<![\w'-].)(?:(?<=y)(es)(?![\w'-])"
    r"|(?<=n)o(?=[\])}\"'*.,:;!?”]|$|\n| [-\u2013\u2014] | (?:it|this|that|they|he|she|we|you|i)\b))(?!\. ?\d)",
    re.MULTILINE,
)
_TRUE_FALSE = re.compile(r"[tf](?<![\w'-].)(?:(?<=t)(rue)|(?<=f)alse)(?![\w'-])")
_LEAD = 12  # characters before the first word of an answer: brackets, stars, "Answer: "
_LATEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf) ?\{([^{}]*)\}|\\[,;! ]|\\(?:left|right)(?![a-z])|\$|\s")
_FRACTION = re.compile(r"\\frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))")
_BRACKETED = re.compile(r"\[\[(\S(?:[^\[\]\n]{0,38}\S)?)\]\]")
_RATED = re.compile(r"\b(?:rat(?:e|ed|ing)|score|grade)\b[^.\d\n]{0,40}(\d{1,3}(?:\.\d)?)(?![\d%])")
_EDGES = " \t\r\n\"'`()[]{}<>*_.,:;!?$“”"


@immutable
class FinalAnswer:
    """A final answer: its kind, its value written in one way, and where it was found."""

    kind: str
    value: str
    place: str


class _Text(NamedTuple):
    whole: str
    head: str
    tail: str


class _Either(NamedTuple):
    kind: str  # the two answers, joined by an underscore
    pattern: re.Pattern[str]  # of lower case; its group is of the first of the two

    def answer(self, found: re.Match[str], place: str) -> FinalAnswer:
        return FinalAnswer(self.kind, self.kind.split("_")[found.group(1) is None], place)


def final_answer(text: str, asked: Asked) -> FinalAnswer | None:
    """The final answer of a kind the request suggests, or a JSON field that holds one; None where there is none."""
    fields = _json_object(text)
    if fields is not None:
        return _from_json(fields, asked)
    for kind in asked.kinds:
        found = answer_of_kind(text, kind, asked)
        if found is not None:
            return found
    return None


def answer_of_kind(text: str, kind: str, asked: Asked) -> FinalAnswer | None:
    """The final answer of this kind, in JSON or prose; None where there is none."""
    fields = _json_object(text)
    if fields is not None:
        found = _from_json(fields, asked, kind)
        return found if found is not None and found.kind == kind else None
    return _in_prose(text, kind, asked)


def plain_value(text: str) -> str:
    r"""A short value written in one way: LaTeX dressing, case, blanks and number form do not count.

    >>> plain_value("$1,000.0$"), plain_value(r"\text{Both A}"), plain_value(r"\dfrac{1}{2}")
    ('1000', 'botha', '0.5')
    """
    bare = _LATEX.sub(lambda found: found.group(1) or "", text).replace("\\dfrac", "\\frac")
    bare = "".join(bare.replace("\\tfrac", "\\frac").split()).strip("().").casefold()
    return canonical_number(_FRACTION.sub(r"\1\3/\2\4", bare)) or bare


def canonical_number(text: str) -> str | None:
    """A number in one form (`1,000.0` is `1000`), or None. A fraction of digits counts: `1/2` is `0.5`."""
    digits = text.replace(",", "").replace("\u2212", "-").rstrip("%")
    numerator, slash, denominator = digits.partition("/")
    try:
        value = Decimal(numerator)
        if slash:
            value /= Decimal(denominator)
    except (InvalidOperation, ZeroDivisionError):
        return None
    if not value.is_finite() or abs(value.adjusted()) > _SHORT:
        return None
    written = format(value.normalize(), "f")
    return "0" if written == "-0" else written


def _json_object(text: str) -> dict[str, Any] | None:
    value = payload(text).value if "{" in text[:_HEAD] else None
    return value if isinstance(value, dict) else None


def _from_json(fields: dict[str, Any], asked: Asked, kind: str | None = None) -> FinalAnswer | None:
    value = _answer_field(fields)
    if isinstance(value, bool):
        value = _spelled(asked, kind)[not value]
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or len(value) > _TAIL:
        return None
    for suggested in asked.kinds:
        found = _in_prose(value, suggested, asked)
        if found is not None and (suggested not in ("number", "boxed") or len(value) <= _SHORT):
            return FinalAnswer(suggested, found.value, "json")
    bare = " ".join(value.casefold().split()).strip(_EDGES)
    if bare in ("yes", "no", "true", "false"):
        spelled = _spelled(asked, kind)
        return FinalAnswer("_".join(spelled), spelled[bare in ("no", "false")], "json")
    return FinalAnswer("json", canonical_number(bare) or bare, "json") if 0 < len(bare) <= _SHORT else None


def _spelled(asked: Asked, kind: str | None) -> tuple[str, str]:
    return ("true", "false") if "true_false" in asked.kinds or kind == "true_false" else ("yes", "no")


def _answer_field(fields: dict[str, Any]) -> Any:
    by_key = {"".join(filter(str.isalnum, key.casefold())): value for key, value in fields.items()}
    for key in words()["answer_keys"]:
        if key in by_key:
            return by_key[key]
    return next(iter(fields.values())) if len(fields) == 1 else None


def _in_prose(text: str, kind: str, asked: Asked) -> FinalAnswer | None:
    find = _FINDERS.get(kind)
    if find is None:
        return None
    stripped = text.strip()
    return find(_Text(stripped, stripped[:_HEAD], stripped[-_TAIL:]), asked)


def _announced(tail: str) -> str | None:
    """What follows the last phrase that announces an answer, to the end of its line (or the next, if that is bare)."""
    folded = tail.lower()
    if len(folded) != len(tail):  # a letter that grows in lower case: positions must stay true
        folded = tail
    found = -1
    for phrase in words()["announces_answer"]:
        start = folded.rfind(phrase)
        found = max(found, start + len(phrase)) if start >= 0 else found
    if found < 0:
        return None
    line = tail[found:].lstrip(_EDGES + "-=").partition("\n")[0]
    return line.removeprefix("is").removeprefix("option").lstrip(_EDGES)[:_HEAD] or None


def _last_box(tail: str) -> str | None:
    found = None
    for start in _BOX.finditer(tail):
        depth, position = 1, start.end()
        while position < len(tail) and depth:
            depth += {"{": 1, "}": -1}.get(tail[position], 0)
            position += 1
            if position - start.end() > _HEAD:
                break
        if not depth and position - 1 > start.end():
            found = tail[start.end() : position - 1]
    return found


def _yes_no(text: _Text, asked: Asked) -> FinalAnswer | None:
    return _either(text, _Either("yes_no", _YES_NO), asked) or _claimed(text, asked)


def _claimed(text: _Text, asked: Asked) -> FinalAnswer | None:
    """`17077 is not a prime number`, where a question whether it is one was to be answered by yes or no."""
    if "yes_no" not in asked.demanded or not asked.claim:  # the claim is read out of the prompt only now
        return None
    said = _claim(asked.claim).findall(text.tail.lower())
    return FinalAnswer("yes_no", "no" if any(said[-1]) else "yes", "said") if said else None


@lru_cache(maxsize=512)
def _claim(what: str) -> re.Pattern[str]:
    adverb = r"(?: (?!not\b)[a-z]{2,12},?)?"
    return re.compile(rf"\b(?:is|are|was|were)(n['\u2019]t)?{adverb}( not)?{adverb} {re.escape(what)}\b")


def _true_false(text: _Text, asked: Asked) -> FinalAnswer | None:
    return _either(text, _Either("true_false", _TRUE_FALSE), asked)


def _either(text: _Text, of: _Either, asked: Asked) -> FinalAnswer | None:
    if not asked.wants_reasons_first:
        line = _announced(text.tail)
        marked = of.pattern.match(line.lower()) if line else None
        if marked:
            return of.answer(marked, "announced")
        lead = of.pattern.search(text.head.lower())
        if lead and lead.start() <= _LEAD:
            return of.answer(lead, "first")
        if of.kind not in asked.demanded:  # a question that merely opens with "is": only a plain yes or no counts
            return _only(text, of)
    last = None
    for mention in of.pattern.finditer(text.tail.lower()):
        last = mention
    return None if last is None else of.answer(last, "last")


def _only(text: _Text, of: _Either) -> FinalAnswer | None:
    """`The claim is **false**`: a short text that names one of true and false, and never the other."""
    if of.kind != "true_false" or len(text.whole) > _HEAD:
        return None
    found = {of.answer(mention, "only") for mention in of.pattern.finditer(text.whole.lower())}
    return found.pop() if len(found) == 1 else None


def _option(text: _Text, asked: Asked) -> FinalAnswer | None:
    letters = asked.letters
    box = _last_box(text.tail)
    if box is not None:
        value = plain_value(box).upper()
        if value[:1] in letters and not value[1:2].isalnum():
            return FinalAnswer("option", value[0], "box")
        named = [letter for letter, option in asked.options if plain_value(option) == plain_value(box)]
        if len(named) == 1:
            return FinalAnswer("option", named[0], "box")
    line = _announced(text.tail)
    marked = re.match(rf"([{letters}])(?![\w'])", line) if line else None
    if marked:
        return FinalAnswer("option", marked.group(1), "announced")
    lead = re.match(rf"[\[(*\"' ]{{0,4}}([{letters}])(?:[\])*.:\"']|$|\n)", text.head)
    if lead:
        return FinalAnswer("option", lead.group(1), "first")
    chosen = _option_lines(letters).findall(text.tail.rpartition("\n\n")[2])
    if len(chosen) == 1:
        return FinalAnswer("option", chosen[0], "line")
    mentions = _options(letters).findall(text.tail)
    return FinalAnswer("option", next(filter(None, mentions[-1])), "last") if mentions else None


@cache
def _options(letters: str) -> re.Pattern[str]:
    return re.compile(rf"[\[(]([{letters}])[\])]|\b[Oo]ption \**([{letters}])\b|(?<![\w'])([{letters}])[.*)]{{0,3}}$")


@cache
def _option_lines(letters: str) -> re.Pattern[str]:
    return re.compile(rf"^[*_ ]{{0,3}}\(?([{letters}])[).:] ", re.MULTILINE)


def _label(text: _Text, asked: Asked) -> FinalAnswer | None:
    pattern = _label_pattern(asked.labels)
    folded = text.tail.casefold()
    bare = folded.strip(_EDGES)
    if bare in asked.labels:
        return FinalAnswer("label", bare, "whole")
    line = _announced(text.tail)
    marked = pattern.match(line.casefold()) if line else None
    if marked:
        return FinalAnswer("label", marked.group(), "announced")
    lead = pattern.search(text.head.casefold().partition("\n")[0])
    if lead and lead.start() <= 2:  # noqa: PLR2004 - quotes, stars
        return FinalAnswer("label", lead.group(), "first")
    mentioned = set(pattern.findall(folded)) if len(text.whole) <= _HEAD else set()
    return FinalAnswer("label", mentioned.pop(), "only") if len(mentioned) == 1 else None


@lru_cache(maxsize=512)
def _label_pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, labels))})(?!\w)")


def _boxed(text: _Text, _: Asked) -> FinalAnswer | None:
    box = _last_box(text.tail)
    return None if box is None else FinalAnswer("boxed", plain_value(box), "box")


def _number(text: _Text, asked: Asked) -> FinalAnswer | None:
    box = _last_box(text.tail)
    value = canonical_number(plain_value(box)) if box is not None else None
    if value is not None:
        return FinalAnswer("number", value, "box")
    line = _announced(text.tail)
    if line:
        found = _numbers(line.rpartition("=")[2]) or _numbers(line)
        if found:
            return FinalAnswer("number", found[0], "announced")
    paragraph = text.tail.rpartition("\n\n")[2].casefold()
    if asked.counted:
        of_them = _counted(asked.counted).findall(paragraph)
        value = canonical_number(of_them[-1].rstrip(",")) if of_them else None
        if value is not None:
            return FinalAnswer("number", value, "counted")
    closing = _SENTENCE_END.split(_ASIDE.sub(" ", paragraph).strip())[-1]
    found = _numbers(closing) or (_numbers(paragraph) if len(text.whole) <= _HEAD else [])
    return FinalAnswer("number", found[-1], "whole" if len(text.whole) <= _SHORT else "last") if found else None


@lru_cache(maxsize=512)
def _counted(noun: str) -> re.Pattern[str]:
    return re.compile(rf"({_NUMBER.pattern})[*_$ ]{{0,3}}(?:[a-z-]{{1,20}} )?{re.escape(noun)}")


def _numbers(text: str) -> list[str]:
    found = [value for one in _NUMBER.findall(text) if (value := canonical_number(one.rstrip(","))) is not None]
    if found:
        return found
    spelled = words()["number_words"]
    return [str(spelled[word]) for word in re.findall(r"[a-z]+", text.casefold()) if word in spelled]


def _date(text: _Text, _: Asked) -> FinalAnswer | None:
    """The last date of the last sentence that has one."""
    for sentence in reversed(_SENTENCE_END.split(text.tail[-_HEAD:])):
        dates = [fact.value for fact in facts_of(sentence) if fact.kind == "date"]
        if dates:
            return FinalAnswer("date", dates[-1], "whole" if len(text.whole) <= _SHORT else "last")
    return None


def _bracketed(text: _Text, _: Asked) -> FinalAnswer | None:
    found = _BRACKETED.findall(text.tail)
    return FinalAnswer("bracketed", plain_value(found[-1]), "last") if found else None


def _rating(text: _Text, asked: Asked) -> FinalAnswer | None:
    """`4/5`, `4 out of 5`, `Rating: 4`, or the only number of a short text."""
    tail = text.tail.casefold()
    for pattern, place in ((_of_scale(asked.scale), "of the scale"), (_RATED, "announced")):
        found = pattern.findall(tail)
        if found:
            return FinalAnswer("rating", canonical_number(found[-1]) or found[-1], place)
    only = _numbers(text.whole) if len(text.whole) <= _HEAD else []
    return FinalAnswer("rating", only[0], "only") if len(only) == 1 else None


@cache
def _of_scale(highest: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,])(\d{{1,3}}(?:\.\d)?)[*_]{{0,2}} ?(?:/|out of) ?{highest}\b")


_FINDERS = {
    "bracketed": _bracketed,
    "rating": _rating,
    "date": _date,
    "yes_no": _yes_no,
    "true_false": _true_false,
    "option": _option,
    "label": _label,
    "boxed": _boxed,
    "number": _number,
}
