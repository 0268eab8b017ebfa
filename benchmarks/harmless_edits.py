"""Harmless edits: each changes how an answer is written and nothing that it says.

Each takes an answer and a seeded random source and gives None where the answer has no place for it.
"""

import re
from random import Random

from benchmarks.edit_places import (
    DATES,
    WORDS,
    Edit,
    any_of,
    date_as,
    date_of,
    edited,
    everywhere,
    first_of,
    form_of,
    like,
)
from benchmarks.real_answers import prose_only

_CONTRACTIONS = WORDS["contractions"]
_EXPANSIONS = {short: long for long, short in _CONTRACTIONS.items()}
_CONTRACTION = re.compile(rf"\b(?:{any_of([*_CONTRACTIONS, *_EXPANSIONS])})\b(?= [a-z])")
_SYNONYM = re.compile(rf"\b(?:{any_of(WORDS['synonyms'])})\b", re.IGNORECASE)
_BULLET = re.compile(r"^(?P<indent> {0,4})(?P<mark>[-*•])(?= \S)", re.MULTILINE)
_ORDINAL = re.compile(r"^(?P<indent> {0,4})(?P<n>\d{1,2})\.(?= \S)", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?P<inner>[^*\n\x00]{2,80})\*\*")
_PLAIN_WORD = re.compile(r"(?<=[a-z] )[a-z]{5,12}(?= [a-z])")
_BIG_NUMBER = re.compile(r"(?<![\w.,$/\-^:(])(?P<n>[1-9]\d{3,6})(?![\w,/^:]|[.\-]\d)(?<!\b(?:19|20)\d\d)")
_IDENTIFIES = re.compile(
    r"\b(?:port|pin|form|code|call|dial\w*|number|phone|id|room|in|year|version)\W*\Z", re.IGNORECASE
)
_GROUPED = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\w,]|\.\d)")
_PERCENT = re.compile(r"(?<=\d)(?: ?%| percent\b)")
_DECIMAL = re.compile(r"(?<![\w.,$])\d{1,5}\.\d(?![\w.]|\d|°)")
_INDEPENDENT = re.compile("(?P<one>{0}) (?P<two>{0})".format(any_of(WORDS["independent"])))
_DEPENDENT = re.compile(
    r"[-*\u2022] \W*(?:therefore|so|thus|hence|since|because|next|then|finally|first|second|third|to|now|this|it|if)\b"
    r"|.*(?:\d|=)",
    re.IGNORECASE,
)
_ITEMS = re.compile(r"^(?P<one>[-*•] [^\n\x00]{15,})\n(?P<two>[-*•] [^\n\x00]{15,})$", re.MULTILINE)


def white_space(text: str, rng: Random) -> str | None:
    """Double spaces, spaces at line ends, more or fewer empty lines."""
    match rng.randrange(4):
        case 0:
            changed = re.sub(r"(?<=[a-z][.!?]) (?=[A-Z])", "  ", text)
        case 1:
            changed = re.sub(r"(?<=\S)\n(?=\n)", " \n", text) + "\n"
        case 2:
            changed = text.replace("\n\n", "\n\n\n") if "```" not in text else f"{text}\n\n"
        case _:
            changed = f"{text.rstrip()}\n\n"
    return changed if changed != text else f"{text} \n"


def leading_white_space(text: str, rng: Random) -> str | None:
    """A space or an empty line in front of everything; a class of its own, as `code_fence` is asked to see it."""
    return rng.choice((" ", "\n", "\n\n")) + text.lstrip() if text[:1].strip() else None


def contraction(text: str, rng: Random) -> str | None:
    """`do not` becomes `don't`, or the other way."""
    return edited(text, _CONTRACTION, lambda found, _: _CONTRACTIONS.get(found[0]) or _EXPANSIONS.get(found[0]), rng)


def synonym(text: str, rng: Random) -> str | None:
    """A word becomes one that says the same."""
    return edited(text, _SYNONYM, lambda found, _: like(found[0], WORDS["synonyms"][found[0].lower()]), rng)


def bullet_style(text: str, rng: Random) -> str | None:
    """Other bullets, or `1)` for `1.`, throughout."""
    prose = prose_only(text)
    if _BULLET.search(prose):
        mark = rng.choice([m for m in "-*•" if m != _BULLET.search(prose)["mark"]])  # type: ignore[index]
        return everywhere(text, _BULLET, lambda found: found["indent"] + mark)
    if len(_ORDINAL.findall(prose)) > 1:
        return everywhere(text, _ORDINAL, lambda found: f"{found['indent']}{found['n']})")
    return None


def bold(text: str, rng: Random) -> str | None:
    """A word becomes bold, or stops being so."""
    if _BOLD.search(prose_only(text)) and rng.random() < 0.5:
        return edited(text, _BOLD, lambda found, _: found["inner"], rng)
    return edited(text, _PLAIN_WORD, lambda found, _: f"**{found[0]}**", rng)


def number_formatting(text: str, rng: Random) -> str | None:
    """1,000 for 1000, 5 percent for 5 %, 2.50 for 2.5, or the other way."""
    return first_of(
        text,
        rng,
        [
            (_GROUPED, lambda found, _: found[0].replace(",", "")),
            (_BIG_NUMBER, lambda found, _: None if _names_something(found) else f"{int(found['n']):,}"),
            (_PERCENT, lambda found, rng: rng.choice([form for form in ("%", " %", " percent") if form != found[0]])),
            (_DECIMAL, lambda found, _: f"{found[0]}0"),
        ],
    )


def date_formatting(text: str, rng: Random) -> str | None:
    """A date in another common form."""

    def change(found: re.Match[str], rng: Random) -> str:
        form = form_of(found)
        return date_as(*date_of(found), rng.choice([f for f in ("iso", "dmy", "mdy", "short") if f != form]))

    return edited(text, DATES, change, rng)


def _names_something(found: re.Match[str]) -> bool:
    """Whether the number is a name (a port, a code, a year), which no separator may split."""
    return _IDENTIFIES.search(found.string[max(0, found.start() - 12) : found.start()]) is not None


def sentences_reordered(text: str, rng: Random) -> str | None:
    """Two neighbouring items of an unordered list, or sentences of ours that know nothing of another, change places."""

    def change(found: re.Match[str], _: Random) -> str | None:
        if _DEPENDENT.match(found["one"]) or _DEPENDENT.match(found["two"]):
            return None
        return f"{found['two']}\n{found['one']}"

    return first_of(text, rng, [(_ITEMS, change), (_INDEPENDENT, lambda found, _: f"{found['two']} {found['one']}")])


PROSE: dict[str, Edit] = {
    "white space": white_space,
    "leading white space": leading_white_space,
    "contraction": contraction,
    "synonym": synonym,
    "bullet style": bullet_style,
    "bold": bold,
    "number formatting": number_formatting,
    "date formatting": date_formatting,
    "independent sentences reordered": sentences_reordered,
}
