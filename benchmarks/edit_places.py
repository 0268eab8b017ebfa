"""Where an edit can take place in an answer: in its prose, never in code, formulas, links or tables."""

import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from random import Random

from benchmarks.real_answers import prose_only

Edit = Callable[[str, Random], str | None]
Change = Callable[[re.Match[str], Random], str | None]

WORDS = tomllib.loads(Path(__file__).with_name("edit_words.toml").read_text(encoding="utf-8"))
MONTHS = [f"{date(2000, month, 1):%B}" for month in range(1, 13)]
DATES = re.compile(
    r"(?<!\d)(?P<iso>(?P<iy>20\d\d)-(?P<im>\d\d)-(?P<id>\d\d))(?!\d)"
    rf"|\b(?P<dmy>(?P<dd>\d{{1,2}}) (?P<dm>{'|'.join(MONTHS)}) (?P<dy>\d{{4}}))\b"
    rf"|\b(?P<mdy>(?P<mm>{'|'.join(MONTHS)}) (?P<md>\d{{1,2}}), (?P<my>\d{{4}}))\b"
)


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of the words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def edited(text: str, pattern: re.Pattern[str], change: Change, rng: Random) -> str | None:
    """The text with one random match of the pattern in its prose changed."""
    places = list(pattern.finditer(prose_only(text)))
    rng.shuffle(places)
    for place in places:
        changed = change(place, rng)
        if changed is not None and changed != place[0]:
            return text[: place.start()] + changed + text[place.end() :]
    return None


def first_of(text: str, rng: Random, changes: list[tuple[re.Pattern[str], Change]]) -> str | None:
    """The text with one change, of the first kind, in random order, that has a place in it."""
    for pattern, change in rng.sample(changes, len(changes)):
        done = edited(text, pattern, change, rng)
        if done is not None:
            return done
    return None


def everywhere(text: str, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> str:
    """The text with every match of the pattern in its prose changed."""
    for found in reversed(list(pattern.finditer(prose_only(text)))):
        text = text[: found.start()] + change(found) + text[found.end() :]
    return text


def like(word: str, other: str) -> str:
    """The other word, with a capital where the word has one."""
    return other[:1].upper() + other[1:] if word[:1].isupper() else other


def form_of(found: re.Match[str]) -> str:
    """How a date is written: `iso`, `dmy` or `mdy`."""
    return next(form for form in ("iso", "dmy", "mdy") if found[form])


def date_of(found: re.Match[str]) -> tuple[int, int, int]:
    """Day, month and year of a match of DATES."""
    if found["iso"]:
        return int(found["id"]), int(found["im"]), int(found["iy"])
    if found["dmy"]:
        return int(found["dd"]), MONTHS.index(found["dm"]) + 1, int(found["dy"])
    return int(found["md"]), MONTHS.index(found["mm"]) + 1, int(found["my"])


def date_as(day: int, month: int, year: int, form: str) -> str:
    """The date in one of four forms."""
    name = MONTHS[month - 1]
    return {
        "iso": f"{year}-{month:02d}-{day:02d}",
        "dmy": f"{day} {name} {year}",
        "mdy": f"{name} {day}, {year}",
        "short": f"{day} {name[:3]} {year}",
    }[form]
