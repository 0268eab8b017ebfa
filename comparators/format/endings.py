"""How a text ends: properly, or broken off. Linear in the text."""

import re

from comparators.format.json_text import begins_json, is_unclosed
from comparators.format.languages import unfinished_words

_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+\u2022][ \t]|\d{1,3}[.)])")
_NO_PROSE = ("#", "|", ">")  # headings, tables, quotations: end as they like
_ENDED = re.compile(r"[.!?\u2026][\"')\]*]{0,3}\s+[^\W\d_]")
_GOES_ON = tuple(",(-\u2013\u2014[{=+/<\u00d7\u00f7")
_ENDS = (".", "!", "?", "$")

_WORDS_OF_A_LINE = 4
_WORDS_OF_OTHERS = 6


def broken_off(text: str) -> str:
    """Why a text looks cut off (`open_json`, `open_fence`, `open_bracket`, `mid_sentence`), empty where it does not.

    A last line without an end mark says nothing by itself. It does where it ends in a word or mark that must go on, has
    an earlier sentence that ended, or where all lines of its kind end properly.
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
        return ""
    return _broken_line(last, before)


def _broken_line(last: str, before: str) -> str:
    if _has_open_pair(last, before):
        return "open_bracket"
    words = last.split()
    goes_on = last.endswith(_GOES_ON) or (
        last[-1].isalnum()
        and ((len(words) >= _WORDS_OF_A_LINE and words[-1].lower() in unfinished_words()) or _stands_out(last, before))
    )
    return "mid_sentence" if goes_on else ""


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
    kin = [line for line in before.split("\n") if line.strip() and (_LIST_ITEM.match(line) is None) == (item is None)]
    if item and words < _WORDS_OF_A_LINE:
        return len(kin) > 1 and all(len(line.split()) >= 2 * words for line in kin)
    kin = [line for line in kin if len(line.split()) >= (_WORDS_OF_A_LINE if item else _WORDS_OF_OTHERS)]
    return words >= _WORDS_OF_A_LINE and bool(kin) and not any(line.rstrip()[-1].isalnum() for line in kin)
