"""The answer breaks the JSON Schema it should follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.format.json_schemas import first_violation, validator
from comparators.format.json_text import NO_JSON, payload
from schemas.json_text import loads


@dataclass(frozen=True)
class SchemaViolation(Comparator):
    """1 where the answer breaks the request's own schema, or the one in the settings, or holds no JSON.

    Setting: `schema`, a JSON Schema as JSON text, which then stands instead of the request's own `response_format`. A
    schema that is no schema, or that refers outside itself, is nobody's violation: reason `unusable_schema`. A schema
    can be wrong for the feature; then the baseline breaks it as often as the candidate, which is no drift.

    Sees: `required:$.answer`, `type:$.items[].price`, `enum:$.status` and the other rules of JSON Schema; where several
    are broken, the reason names the most telling one. `no_json` where there is nothing to validate.

    Does not see: `format` (dates, addresses), which JSON Schema leaves open, and patterns with a repeated repetition.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> rule = SchemaViolation(schema='{"required": ["answer"]}')
    >>> fine, wrong = Answer("m", text='{"answer": 1}'), Answer("m", text='{"Answer": 1}')
    >>> rule.compare(Pair(Request({}), fine, wrong))
    Score(value=1.0, reason='required:$.answer', detail='')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.PROPERTY
    schema: str = ""

    def __post_init__(self) -> None:
        if self.schema and validator(_schema(self.schema)) is None:
            raise ValueError("schema: no valid JSON Schema, or one that refers outside itself")

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        schema = _schema(self.schema) if self.schema else pair.request.response_schema
        if schema is None:
            return inapplicable("no_schema")
        ready = validator(schema)
        if ready is None:
            return inapplicable("unusable_schema")
        value = payload(pair.answer.content).value
        if value is NO_JSON:
            return Score(1.0, "no_json")
        broken = first_violation(ready, value)
        return Score(1.0, broken) if broken else FINE


@lru_cache(maxsize=64)
def _schema(text: str) -> Mapping[str, Any]:
    schema = loads(text)
    if not isinstance(schema, dict):
        raise ValueError("schema: must be a JSON object")
    return schema
