"""A code fence around or inside the answer: invisible to embeddings, fatal to a parser."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.format.json_text import has_fence, payload, wants_json


@dataclass(frozen=True)
class CodeFence(Comparator):
    r"""How the payload is wrapped: 1 in a code fence, 0.5 in prose, 0.25 behind white space, 0 bare.

    A wrapping that appears and one that vanishes count alike. Applies wherever the baseline has text or JSON is due;
    `prose` is said only where JSON is due and found, since elsewhere nobody can tell prose from payload.

    Sees: a fence anywhere in the answer (`fence`, `fence+prose` with text around fenced JSON), prose before or after
    bare JSON (`prose`), white space before the first character (`leading_space`).

    Does not see: whether what is inside parses (`invalid_json`), nor prose that joins or leaves a fence, other than in
    the reason.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> bare, fenced = Answer("m", text='{"a":1}'), Answer("m", text='```json\n{"a":1}\n```')
    >>> CodeFence().compare(Pair(Request({}), bare, fenced))
    Score(value=1.0, reason='fence', detail='')
    """

    version: ClassVar[int] = 3
    kind: ClassVar[Kind] = Kind.PROPERTY_BOTH

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        json_due = wants_json(pair)
        if not json_due and not pair.baseline.content:
            return inapplicable("no_text")
        text = pair.answer.content
        found = payload(text) if json_due else None
        has_prose = found is not None and found.prose > 0
        if has_fence(text):
            return Score(1.0, "fence+prose" if has_prose else "fence")
        if has_prose:
            return Score(0.5, "prose")
        if text[:1].isspace():
            return Score(0.25, "leading_space")
        return FINE
