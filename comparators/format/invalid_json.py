"""The answer should be JSON and does not parse."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.format.json_text import NO_JSON, is_structure, json_lines, json_problem, payload, wants_json


@dataclass(frozen=True)
class InvalidJson(Comparator):
    """1 where JSON is due and the answer holds no well-formed JSON.

    JSON is due where the request's `response_format` asks for it, or the baseline answered an object or a list (bare,
    in a fence, with some prose around it, or broken). Where the baseline has an object on each line (JSON Lines), so
    may the answer. NaN and Infinity are no JSON (RFC 8259). A fence or prose around valid JSON is `code_fence`, not
    this: the payload is there, only its wrapping changed.

    Sees: prose instead of JSON (`prose`), nothing (`empty`), an answer cut off (`unclosed`), a comma too many
    (`comma`), single quotes (`quotes`), NaN (`constant`), more than one value (`several`), a bare number or string
    where an object is due (`scalar`), anything else (`malformed`).

    Does not see: valid JSON of another shape (`structure_change`) or against its schema (`schema_violation`).

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> due = Request({"response_format": {"type": "json_object"}})
    >>> InvalidJson().compare(Pair(due, Answer("m", text='{"a":1}'), Answer("m", text='{"a":1')))
    Score(value=1.0, reason='unclosed', detail='')
    """

    version: ClassVar[int] = 3
    kind: ClassVar[Kind] = Kind.PROPERTY

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        if not wants_json(pair):
            return inapplicable("no_json_due")
        text = pair.answer.content
        value = payload(text).value
        if value is NO_JSON:
            if json_lines(pair.baseline.content) is not NO_JSON and json_lines(text, fewest=1) is not NO_JSON:
                return FINE
            return Score(1.0, json_problem(text))
        if not is_structure(value) and pair.request.response_format.get("type") != "json_schema":
            return Score(1.0, "scalar")
        return FINE
