"""A code fence around or inside the answer: invisible to embeddings, fatal to a parser."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.format.json_text import wants_json

_CODE_MARKS = ("def ", "class ", "return ", "import ", "function ", "SELECT ", "#include", "public ", "const ", "=>")


@dataclass(frozen=True)
class CodeFence(Comparator):
    """1 where the payload stands in a fence or in prose around it, in answers that a program reads.

    Applies where JSON is due, where the baseline has a fence, and where the baseline or the request is about code. A
    fence that appears and one that vanishes count alike. Does not see: whether what is inside parses.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> bare, fenced = Answer("m", text='{"a":1}'), Answer("m", text='```json\\n{"a":1}\\n```')
    >>> CodeFence().compare(Pair(Request({}), bare, fenced))
    Score(value=1.0, reason='fence', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.PROPERTY_BOTH

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        json_due = wants_json(pair)
        if not json_due and not _is_about_code(pair):
            return Score(None, "no_code")
        text = pair.answer.content
        if "```" in text:
            return Score(1.0, "fence")
        stripped = text.strip()
        if json_due and stripped and stripped[0] not in "{[" and ("{" in stripped or "[" in stripped):
            return Score(1.0, "prose_around")
        return Score(0.0)


def _is_about_code(pair: Pair) -> bool:
    baseline = pair.baseline.content
    if "```" in baseline or "```" in pair.request.user_text or " code" in pair.request.user_text.lower():
        return True
    return sum(mark in baseline for mark in _CODE_MARKS) >= 2  # noqa: PLR2004 - one alone stands in prose too
