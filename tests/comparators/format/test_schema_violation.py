"""Answers held to a JSON Schema: the request's own or the one in the settings."""

import gzip
import json
from pathlib import Path

import pytest

from comparators.comparator import Pair
from comparators.dimensions import load_dimensions
from comparators.format.schema_violation import SchemaViolation
from schemas.answers import Answer
from schemas.errors import ConfigError
from schemas.exchanges import Request

STRICT = Path(__file__).parents[3].parent / "shared/data/stability/strict_json_open.jsonl.gz"
SCHEMA = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "status": {"enum": ["open", "closed"]},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
    },
    "required": ["items", "status"],
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "properties": {"price": {"type": "number"}}}},
}
FINE = '{"items": [{"price": 1}], "status": "open"}'


def asking(schema):
    return Request({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}})


def scored(text, schema=SCHEMA, **settings):
    score = SchemaViolation(**settings).compare(Pair(asking(schema), Answer("m", text=FINE), Answer("m", text=text)))
    return score.value, score.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"items": []}', "required:$.status"),
        ('{"item": [], "status": "open"}', "required:$.items"),
        ('{"items": [{"price": "1"}], "status": "open"}', "type:$.items[].price"),
        ('{"items": [], "status": "Open"}', "enum:$.status"),
        ('{"items": [], "status": "open", "note": 1}', "additionalProperties:$"),
        ('{"items": [], "status": "open", "code": "a"}', "pattern:$.code"),
        ("[]", "type:$"),
        ("Sorry.", "no_json"),
    ],
)
def test_the_most_telling_rule_is_named_with_its_path(text, reason):
    assert scored(text) == (1.0, reason)


def test_a_schema_that_stands_in_the_response_format_itself_counts():
    request = Request({"response_format": {"type": "json_object", "schema": SCHEMA}})
    wrong = Answer("m", text="{}")
    assert SchemaViolation().compare(Pair(request, wrong, wrong)).value == 1.0


def test_an_answer_that_follows_the_schema_is_fine_in_a_fence_too():
    assert scored(FINE) == (0.0, "")
    assert scored(f"```json\n{FINE}\n```") == (0.0, "")


@pytest.mark.parametrize(
    "schema", [{"type": 7}, {"$ref": "https://example.org/other.json"}, {"$ref": "#/nowhere"}, {"pattern": "("}]
)
def test_a_schema_that_cannot_be_used_is_nobodys_violation(schema):
    assert scored(FINE, schema) == (None, "unusable_schema")
    with pytest.raises(ValueError, match="schema"):
        SchemaViolation(schema=json.dumps(schema))


def test_a_schema_in_the_settings_stands_instead_of_the_requests_own():
    rule = SchemaViolation(schema='{"required": ["other"]}')
    pair = Pair(asking(SCHEMA), Answer("m", text=FINE), Answer("m", text=FINE))
    assert rule.compare(pair).reason == "required:$.other"
    assert SchemaViolation().compare(Pair(Request({}), pair.baseline, pair.answer)).reason == "no_schema"


@pytest.mark.parametrize("text", ["[1]", "no json"])
def test_a_schema_in_the_settings_that_is_none_is_a_configuration_error(text):
    with pytest.raises(ConfigError, match="schema_violation"):
        load_dimensions({"schema_violation": {"schema": text}})


def test_a_pattern_that_could_run_for_ever_is_not_run():
    evil = {"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}}
    assert scored('{"a": "' + "a" * 5_000 + '!"}', evil) == (0.0, "")


@pytest.mark.skipif(not STRICT.exists(), reason=f"real answers are not at {STRICT}")
def test_a_schema_that_is_wrong_for_the_feature_is_broken_by_both_arms_alike():
    """The requests demand `answer`, all answers of all five runs have `Answer`: known, and no drift."""
    with gzip.open(STRICT, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rule = SchemaViolation()
    for row in rows:
        baseline, *others = (Answer("m", text=response["content"]) for response in row["responses"])
        request = Request(row["request"])
        broken = {rule.compare(Pair(request, baseline, answer)).reason for answer in (baseline, *others)}
        assert broken == {"required:$.answer"}
