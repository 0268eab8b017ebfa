"""Harmful edits: each changes what an answer says or whether it can be used, in one place, as models do by mistake.

Each takes an answer and a seeded random source and gives None where the answer has no place for it. The word tables
are of this benchmark and deliberately not the comparators' own.
"""

import re
from random import Random

from benchmarks.edit_places import DATES, WORDS, Edit, any_of, date_as, date_of, edited, first_of, form_of, like
from benchmarks.real_answers import prose_only

_NOT = re.compile(
    r"\b(?P<verb>is|are|was|were|do|does|did|should|could|would|will|has|have|must|may|might|can)"
    r"(?P<not> not|n['\u2019]t)\b(?! (?:only|just|necessarily|limited|hesitate|to mention|\?))(?!\?)",
)  # fmt: skip
_CANNOT = re.compile(r"\b(?:cannot|can['\u2019]t|won['\u2019]t)\b(?!\?)")
_CANNOT_FORMS = {"cannot": "can", "can't": "can", "won't": "will"}
_STATEMENT = re.compile(
    r"(?<=[a-z0-9)] )(?:is|are|was|were|can|will|should)(?= [a-z]{2,})(?! (?:not|no|never|nothing)\b)"
)
_NO_STATEMENT = re.compile(
    r"\b(?:what|who|how|which|where|when|why|that|there)\W*\Z|\b(?:if|whether|unless)\b[^.:;\n]*\Z", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.,:/\-^])\d{2,6}(?:\.\d{1,3})?(?![\w/^:]|[.,\-]\d|\.\s)")
_YEAR = re.compile(r"\b(?:in|since|from|by|until) (?:19|20)\d\d\b")
_UNIT = re.compile(rf"(?<=\d)(?P<gap>[ -]?)(?P<unit>{any_of(WORDS['units'])})(?![\w/])")
_CURRENCY = re.compile(
    r"(?<![\w$])[$€£](?=\d[\d,.]*(?:[ ;)]|$))|(?<=\d )(?:dollars|euros|pounds|USD|EUR|GBP)\b", re.MULTILINE
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,12}(?: [A-Z][a-z]{2,12})?(?=[ ,.;)']|$)", re.MULTILINE)
_FLIPS = {a: b for one, other in reversed(WORDS["comparatives"]) for a, b in ((one, other), (other, one))}
_FLIP = re.compile(rf"(?<!as )(?<!no )(?<!look )\b(?:{any_of(_FLIPS)})\b(?! all\b)(?!-)", re.IGNORECASE)
SHORTEST_CUT = 120
_WHOLE = (".", "!", "?", "]", ")", "}", '"', "$", "```")
_FIRST_SENTENCE = re.compile(r"\A\s*[^.!?\n]{10,400}(?:[.!?:](?=\s)|\n)")


def negation_dropped(text: str, rng: Random) -> str | None:
    """`is not` becomes `is`, `cannot` becomes `can`."""
    return first_of(
        text,
        rng,
        [
            (_NOT, lambda found, _: found["verb"]),
            (_CANNOT, lambda found, _: _CANNOT_FORMS.get(found[0].replace("\u2019", "'"))),
        ],
    )


def negation_added(text: str, rng: Random) -> str | None:
    """`is` becomes `is not` in a statement."""

    def change(found: re.Match[str], _: Random) -> str | None:
        end = re.search(r"[.!?;\n]", found.string[found.end() :])
        asks = end is not None and end[0] == "?"
        return None if asks or _NO_STATEMENT.search(found.string[: found.start()][-160:]) else f"{found[0]} not"

    return edited(text, _STATEMENT, change, rng)


def number_changed(text: str, rng: Random) -> str | None:
    """One digit of one number becomes another."""

    def change(found: re.Match[str], rng: Random) -> str | None:
        if _YEAR.search(found.string[max(0, found.start() - 6) : found.end()]):
            return None
        digits = found[0]
        place = rng.choice([at for at, sign in enumerate(digits) if sign.isdigit()])
        other = rng.choice([d for d in "123456789" if d != digits[place]])
        return digits[:place] + other + digits[place + 1 :]

    return edited(text, _NUMBER, change, rng)


def unit_changed(text: str, rng: Random) -> str | None:
    """The unit behind a number becomes another."""
    return edited(text, _UNIT, lambda found, _: found["gap"] + WORDS["units"][found["unit"]], rng)


def date_changed(text: str, rng: Random) -> str | None:
    """Day, month or year of a date become another."""

    def change(found: re.Match[str], rng: Random) -> str:
        day, month, year = date_of(found)
        match rng.randrange(3):
            case 0:
                day = day % 28 + 1
            case 1:
                month = month % 12 + 1
            case _:
                year += rng.choice((-1, 1, 10))
        return date_as(day, month, year, form_of(found))

    return edited(text, DATES, change, rng)


def currency_changed(text: str, rng: Random) -> str | None:
    """The currency of an amount becomes another."""
    if "$" in text and ("^" in text or "\\" in text):  # then $ is TeX
        return None
    return edited(text, _CURRENCY, lambda found, _: WORDS["currencies"][found[0]], rng)


def name_swapped(text: str, rng: Random) -> str | None:
    """A capitalised name becomes another one, wherever it stands."""
    names = sorted({found[0] for found in _NAME.finditer(prose_only(text))})
    names = [name for name in names if not set(name.split()) & set(WORDS["no_names"])]
    if not names:
        return None
    name, other = rng.choice(names), rng.choice(WORDS["names"])
    return re.sub(rf"\b{re.escape(name)}\b", other, text)


def comparative_flipped(text: str, rng: Random) -> str | None:
    """A comparison turns round: more than, less than."""
    return edited(text, _FLIP, lambda found, _: like(found[0], _FLIPS[found[0].lower()]), rng)


def truncated(text: str, rng: Random) -> str | None:
    """The answer ends at 40 to 80 % of its length, wherever that is; nothing else says so.

    Only answers that are whole are cut: many of the real ones were cut already, and end in the middle of a word.
    """
    if len(text) < SHORTEST_CUT or not text.rstrip().endswith(_WHOLE):
        return None
    cut = text[: rng.randint(len(text) * 2 // 5, len(text) * 4 // 5)].rstrip()
    return cut if cut[-1:].isalnum() else cut.rstrip(" .,;:!?)\n*") or None


def first_sentence_foreign(text: str, rng: Random) -> str | None:
    """A sentence in another language stands in place of the first."""
    found = _FIRST_SENTENCE.match(prose_only(text))
    if found is None or found.end() >= len(text):
        return None
    return rng.choice(WORDS["openings"]) + text[found.end() - found[0].endswith("\n") :]


def refusal_in_front(text: str, rng: Random) -> str | None:
    """A refusal stands in front of the whole answer."""
    return f"{rng.choice(WORDS['refusals'])}{rng.choice((' ', chr(10) * 2))}{text.lstrip()}"


PROSE: dict[str, Edit] = {
    "negation dropped": negation_dropped,
    "negation added": negation_added,
    "number changed": number_changed,
    "unit changed": unit_changed,
    "date changed": date_changed,
    "currency changed": currency_changed,
    "name swapped": name_swapped,
    "comparative flipped": comparative_flipped,
    "truncated": truncated,
    "first sentence in another language": first_sentence_foreign,
    "refusal put in front": refusal_in_front,
}
