"""The answer is laid out otherwise: headings, lists, tables, bold."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable

_ITEM = re.compile(r"[-*+\u2022][ \t]+\S|\d{1,3}[.)][ \t]+\S")
_HEADING = re.compile(r"#{1,6}[ \t]+\S")
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_APPEARED = 0.25  # least score where headings, lists or tables appear or vanish
_KEPT_CHARACTERS = 8_192


class _Layout(NamedTuple):
    """Shares in [0, 1]: of lines with text (headings, lists, tables), of characters (bold)."""

    headings: float
    lists: float
    tables: float
    bold: float


@dataclass(frozen=True)
class MarkdownChange(Comparator):
    r"""The largest difference in the share of headings, list items, table rows (of lines) and bold (of characters).

    Where headings, lists or tables appear or vanish altogether the score is at least 0.25. Code in fences is left out,
    and which sign marks a list makes no difference.

    Sees: `headings:+`, `lists:-`, `tables:+`, `bold:-` and so on: more (+) or less (-) of it than in the baseline.

    Does not see: the order of the parts, links, italics, or what the text says.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> prose, bullets = Answer("m", text="First pay.\nThen wait."), Answer("m", text="- First pay.\n- Then wait.")
    >>> MarkdownChange().compare(Pair(Request({}), prose, bullets))
    Score(value=1.0, reason='lists:+', detail='0.00 -> 1.00')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        if not pair.baseline.content:
            return inapplicable("no_text")
        before, after = _layout(pair.baseline.content), _layout(pair.answer.content)
        if before == after:
            return FINE
        name, was, now = "", 0.0, 0.0
        value = 0.0
        for part, share, other in zip(_Layout._fields, before, after, strict=True):
            distance = abs(share - other)
            if distance and part != "bold" and not (share and other):
                distance = max(distance, _APPEARED)
            if distance > value:
                name, was, now, value = part, share, other, distance
        return Score(value, f"{name}:{'+' if now > was else '-'}", f"{was:.2f} -> {now:.2f}")


def _layout(text: str) -> _Layout:
    return _laid_out(text) if len(text) > _KEPT_CHARACTERS else _kept_layout(text)


@lru_cache(maxsize=4096)
def _kept_layout(text: str) -> _Layout:
    return _laid_out(text)


def _laid_out(text: str) -> _Layout:
    written = [line for raw in text.split("\n") if (line := raw.strip())]
    lines = len(written)
    headings = items = rows = 0
    in_code = False
    for line in written:
        first = line[0]
        if first.isalpha():  # most lines
            continue
        if line.startswith("```"):
            in_code = not in_code
            lines -= 1
        if in_code:
            continue
        if first == "#":
            headings += _HEADING.match(line) is not None
        elif first == "|":
            rows += line.count("|") > 1
        elif first == "=" and not line.strip("="):  # the underline of a heading
            headings += 1
            lines -= 1
        elif first in "-*+\u2022" or first.isdecimal():
            items += _ITEM.match(line) is not None
    if not lines:
        return _Layout(0.0, 0.0, 0.0, 0.0)
    bold = sum(len(match[0]) for match in _BOLD.finditer(text)) if "**" in text or "__" in text else 0
    return _Layout(headings / lines, items / lines, rows / lines, bold / len(text))
