"""The answer should be JSON and does not parse."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.format.json_text import NO_JSON, parsed, wants_json


@dataclass(frozen=True)
class InvalidJson(Comparator):
    """1 where JSON is due and the answer does not parse as JSON, bare or inside one fence.

    JSON is due where the request's `response_format` asks for it or the baseline answered an object or a list. A fence
    around valid JSON is `code_fence`, not this. Does not see: valid JSON of another shape (`structure_change`).

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> due = Request({"response_format": {"type": "json_object"}})
    >>> InvalidJson().compare(Pair(due, Answer("m", text='{"a":1}'), Answer("m", text='{"a":1')))
    Score(value=1.0, reason='unclosed', detail='')
    """

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.PROPERTY

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        if not wants_json(pair):
            return Score(None, "no_json_due")
        text = pair.answer.content
        if parsed(text) is not NO_JSON:
            return Score(0.0)
        stripped = text.strip()
        if not stripped:
            return Score(1.0, "empty")
        if stripped[0] not in "{[`":
            return Score(1.0, "prose")
        closed = stripped.rstrip("`").rstrip().endswith(("}", "]"))
        return Score(1.0, "malformed" if closed else "unclosed")
