"""How a text ends: properly, or broken off. Linear in the text."""

import re

from comparators.format.json_text import begins_json, is_unclosed
from comparators.format.languages import unfinished_words

_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+\u2022][ \t]|\d{1,3}[.)])")
_NO_PROSE = ("#", "|", ">")  # headings, tables, quotations: end as they like
_FINAL = re.compile(r"[A-Z]|[\d.,]+|yes|no|true|false|none", re.IGNORECASE)  # stands alone as a final answer
_ENDED = re.compile(r"[.!?\u2026][\"')\]*]{0,3}\s+[^\W\d_]")
_WIDE_ENDED = re.compile(
    r"[\u3002\uff01\uff1f\u0964\u06d4][\u300d\u300f\uff09\u201d]?\s?[^\W\d_]"
)  # Chinese, Japanese, Hindi, Urdu
_ADDRESS = re.compile(r"\S{0,40}(?:://|www\.|@)\S{1,400}|#\w{1,100}")
_PHONE = re.compile(r"(?:\+|\b0|\b1-|\()\d[\d ()/\-]{5,18}\d$")
_LONGEST_PHONE = 24
_HEADING = re.compile(r"^#{1,6} \S", re.MULTILINE)
_FIRST_TAG = re.compile(r"<([A-Za-z][\w.:\-]{0,63})(?:\s[^<>]{0,400})?(?<!/)>")
_NEVER_CLOSED = frozenset({"p", "li", "br", "hr", "img", "input", "meta", "link"})
_FOOTNOTE = re.compile(r"\s{0,20}\[\^?\d{1,4}\]:?\s")
_GOES_ON = (*",(-\u2013\u2014[{=+/<\u00d7\u00f7^\\\u2261\u2248\u2264\u2265\u2192", " >", " &&")
_SUM = re.compile(r"\d ?[+*/^\u00d7\u00f7\u00b2\u00b3]|\d - ")
_PROSE = re.compile(r"[^\W\d_]{4}")  # a word of a sentence rather than of a formula
_SENTENCE_ENDS = (".", "\u3002", "!", "?", "\u2026", "\\]", "$", "```", ".)", "**")
_INDENTED = ("    ", "\t")
_WORD = re.compile(r"[^\W\d_]+")
_INFLECTIONS = frozenset({"s", "es", "d", "ed", "ing", "ly", "r", "er", "n", "en", "y"})
_FEWEST_CHARACTERS = 60  # of a text in which a word may be met again
_ITEM_NUMBER = re.compile(r"^[ \t]{0,9}(\d{1,9})[.)][ \t]", re.MULTILINE)
_FEW = 0.2
_DIGITS = 9  # of a number that begins a line
_NEAR = 400  # characters in which the two lines before stand
_ENDS = (".", "!", "?", "$")
_DASHES = ("\u2014", "\u2013", "\u2015", "--")

_WORDS_OF_A_LINE = 4
_LETTERS_OF_A_LINE = 8  # where words have no spaces between them
_WORDS_OF_OTHERS = 6


def broken_off(text: str) -> str:
    """Why a text looks cut off, empty where it does not.

    One of `open_json`, `open_fence`, `open_tag`, `open_bracket`, `open_row` (of a table), `open_sum`, `mid_sentence`,
    `mid_word` and `fragment` (a word or two, or the number of a list item, that begin a line; a heading without text).

    A last line without an end mark says nothing by itself. It does where it ends in a word or mark that must go on, has
    an earlier sentence that ended, or where lines of its kind end properly.
    """
    stripped = text.rstrip()
    if not stripped:
        return ""
    if begins_json(stripped):
        return "open_json" if is_unclosed(stripped) else ""
    if stripped.count("```") % 2:
        return "open_fence"
    if stripped.endswith("```"):
        return ""
    before, _, last = stripped.rpartition("\n")
    if last.lstrip().startswith(_NO_PROSE):
        return _broken_layout(last, before)
    return "open_tag" if stripped[0] == "<" and _has_open_tag(stripped) else _broken_line(last, before)


def _has_open_tag(text: str) -> bool:
    """Whether the tag that a text begins with is never closed, though such tags must be."""
    tag = _FIRST_TAG.match(text)
    return tag is not None and tag[1].lower() not in _NEVER_CLOSED and f"</{tag[1]}" not in text


def _broken_layout(last: str, before: str) -> str:
    if _is_open_row(last.lstrip(), before.rstrip()):
        return "open_row"
    return "fragment" if _is_empty_section(last, before) else ""


def _is_empty_section(last: str, before: str) -> bool:
    """Whether the last line is a heading that nothing follows, behind a section that had text."""
    if not _HEADING.match(last) or not before.endswith("\n"):
        return False
    section = before.rstrip()
    return bool(section) and not _HEADING.match(section.rpartition("\n")[2]) and _HEADING.search(section) is not None


def _is_open_row(last: str, before: str) -> bool:
    """Whether a row of a table lacks its last mark, or cells, that the row before has."""
    row = before.rpartition("\n")[2].lstrip()
    return last[0] == "|" == row[:1] and row[-1] == "|" and (last[-1] != "|" or last.count("|") < row.count("|"))


def _broken_line(last: str, before: str) -> str:
    if _has_open_pair(last, before):
        return "open_bracket"
    if last.endswith(_GOES_ON):
        return "mid_sentence"
    if _begins_line(last, before):
        return "fragment"
    if last[-1] in ":\uff1a" and _is_announced(last, before):
        return "mid_sentence"
    if not last[-1].isalnum() or _needs_no_mark(last) or _is_signature(last, before):
        return ""
    return next((reason for reason, is_broken in _SIGNS if is_broken(last, before)), "")


def _is_signature(last: str, before: str) -> bool:
    """Whether the last line names who wrote it: behind a dash, or behind a line such as "Kind regards,"."""
    if len(last.split()) > _WORDS_OF_A_LINE:
        return False
    if last.startswith(_DASHES):
        return True
    greeting = before[-_NEAR:].rstrip().rpartition("\n")[2]
    return greeting.endswith(",") and len(greeting.split()) < _WORDS_OF_A_LINE and last[0].isupper()


def _needs_no_mark(last: str) -> bool:
    """Whether a line ends in an address, a hashtag or a final answer, or is a footnote."""
    if _FOOTNOTE.match(last) or _PHONE.search(last[-_LONGEST_PHONE:]) or _ADDRESS.fullmatch(last.rpartition(" ")[2]):
        return True
    return _FINAL.fullmatch(last.rpartition(":")[2].strip()) is not None


def _is_announced(last: str, before: str) -> bool:
    """Whether a sentence, the first or behind one that ended, announces what does not follow."""
    if len(last.split()) < _WORDS_OF_A_LINE and (last.isascii() or len(last) < _LETTERS_OF_A_LINE):
        return False
    whole = before.rstrip()
    return not whole or whole.endswith(_SENTENCE_ENDS) or _ENDED.search(last) is not None


def _is_mid_sentence(last: str, before: str) -> bool:
    words = last.split()
    is_unfinished = len(words) >= _WORDS_OF_A_LINE and words[-1].lower() in unfinished_words()
    return is_unfinished or _stands_out(last, before)


def _has_open_pair(last: str, before: str) -> bool:
    """Whether emphasis, code, a bracket or a formula is open at the end of the last line."""
    if last.count("**") % 2 or last.count("`") % 2:
        return True
    if last.count("$") % 2 and before.rstrip().endswith("$") and not last.endswith(_ENDS):
        return True
    if last.count("\\(") > last.count("\\)"):
        return True
    opened = before.count("\\[") + last.count("\\[")
    if opened and opened > before.count("\\]") + last.count("\\]"):
        return True
    return last[-1].isalnum() and last.count("(") > last.count(")")


def _stands_out(last: str, before: str) -> bool:
    """Whether a last line without an end mark had sentences that ended, or is less than all lines of its kind."""
    item = _LIST_ITEM.match(last)
    words = len(last.split())
    if words >= _WORDS_OF_A_LINE and _ENDED.search(last, item.end() if item else 0):
        return True
    if not last.isascii() and _WIDE_ENDED.search(last):
        return True
    if item and words < _WORDS_OF_A_LINE:
        items = [line for line in before.split("\n") if _LIST_ITEM.match(line)]
        if len(items) > 1 and all(len(line.split()) >= 2 * words for line in items):
            return True
    kin = _kin(last, before)
    return (words >= _WORDS_OF_A_LINE or (item is not None and len(kin) > 1)) and _mostly_end(kin)


def _kin(last: str, before: str) -> list[str]:
    """The lines like the last one, but longer than a few words: list items, formulas, or neither."""
    is_item, is_formula = _LIST_ITEM.match(last) is not None, "=" in last
    fewest = _WORDS_OF_A_LINE if is_item else _WORDS_OF_OTHERS
    return [
        line
        for line in before.split("\n")
        if ("=" in line) is is_formula
        and (_LIST_ITEM.match(line) is not None) is is_item
        and len(line.split()) >= fewest
    ]


def _mostly_end(lines: list[str]) -> bool:
    """Whether there are lines, and all but a few (a heading, a label) end in a mark."""
    return bool(lines) and sum(line.rstrip()[-1].isalnum() for line in lines) <= _FEW * len(lines)


def _is_fragment(last: str, before: str) -> bool:
    """Whether the last line is a word or two behind a sentence that ended: no list item, final answer or code."""
    whole = before.rstrip()
    if len(last.split()) >= _WORDS_OF_A_LINE or ":" in last or not whole.endswith(_SENTENCE_ENDS):
        return False
    if last.startswith(_INDENTED) or _LIST_ITEM.match(last):
        return False
    return _mostly_end(_kin(last, before))


def _begins_line(last: str, before: str) -> bool:
    """Whether a number stands alone in the last line: the next of a numbered list, or as the line before began."""
    number = last.strip().rstrip(".)")
    if not number.isdecimal() or len(number) > _DIGITS:
        return False
    items = set(_ITEM_NUMBER.findall(before))
    if str(int(number) - 1) in items and number not in items:  # else the list is counted, not continued
        return True
    line = before.rpartition("\n")[2].strip()
    return line[:1].isdecimal() and line.endswith(".") and len(line.split()) >= _WORDS_OF_A_LINE


def _is_mid_word(last: str, before: str) -> bool:
    """Whether the last word stands nowhere else, and a longer one begins with it that is not merely an inflection."""
    *words, part = _WORD.findall(f"{before}\n{last}".lower()) or [""]
    if not last.lower().endswith(part) or len(before) < _FEWEST_CHARACTERS:
        return False
    tails = {word[len(part) :] for word in words if word.startswith(part)}
    return "" not in tails and not tails <= _INFLECTIONS


def _is_open_sum(last: str, before: str) -> bool:
    """Whether the last line is a sum that lacks the result which both lines before it have."""
    if _SUM.search(last) is None or _PROSE.search(last):
        return False
    kin = [line for line in before[-_NEAR:].split("\n") if line.strip()][-2:]
    return len(kin) > 1 and last.count("=") < min(line.count("=") for line in kin)


_SIGNS = (
    ("mid_sentence", _is_mid_sentence),
    ("fragment", _is_fragment),
    ("open_sum", _is_open_sum),
    ("mid_word", _is_mid_word),
)
