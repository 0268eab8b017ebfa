"""Arguments that mean the same to a tool have one form."""

import math

import pytest

from comparators.tools.canonical_arguments import canonical_arguments
from comparators.tools.offered_tools import offered_tools
from schemas.exchanges import Request


def test_schemas_are_followed_through_references_and_alternatives():
    schema = {
        "properties": {
            "at": {"$ref": "#/$defs/place"},
            "lost": {"$ref": "#/nowhere"},
            "n": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "list": {"type": "array", "items": {"type": "integer"}},
        },
        "$defs": {"place": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"default": "0"}}}},
    }
    given = {"at": '{"x": "1", "y": "0"}', "lost": " a ", "n": "2.50", "list": "[1, "}
    assert canonical_arguments(given, schema) == {"at": {"x": 1}, "lost": "a", "n": 2.5, "list": "[1,"}


def test_numbers_that_no_json_can_hold_and_deep_nesting_do_not_stop_it():
    assert canonical_arguments({"x": math.inf, "y": math.nan}, {}) == {"x": "inf", "y": "nan"}
    deep = [1.0]
    for _ in range(200):
        deep = [deep]
    assert canonical_arguments({"x": deep}, {})["x"][0] == deep[0]
    assert canonical_arguments("{broken", {}) == "{broken"
    assert canonical_arguments({"x": 1.0, "y": True}, {"properties": {"x": {"type": "string"}}}) == {
        "x": "1",
        "y": True,
    }


def test_tools_are_found_wherever_a_request_offers_them():
    described = {"name": "f", "parameters": {"type": "object"}}
    assert offered_tools(Request({"functions": [described]})) == {"f": {"type": "object"}}
    assert offered_tools(Request({"tools": [{"type": "web_search"}, {"name": "g", "inputSchema": {"a": 1}}]})) == {
        "g": {"a": 1}
    }
    schema = {"type": "object", "properties": {"json": {"type": "string"}}}
    for tool in (
        {"functionDeclarations": [{"name": "g", "parameters": schema}]},
        {"toolSpec": {"name": "g", "inputSchema": {"json": schema}}},
    ):
        assert offered_tools(Request({"tools": [tool]})) == {"g": schema}
    for prompt in (
        'Use {braces} and [[{"name": "f", "parameters": {"type": "object"}}]]',
        "Use [{'name': 'f', 'parameters': {'type': 'object'}}].",
    ):
        assert offered_tools(Request({"messages": [{"role": "user", "content": prompt}]})) == {"f": {"type": "object"}}
    unreadable = "'name': 'f', 'parameters': [{see below}]"
    assert offered_tools(Request({"messages": [{"role": "user", "content": unreadable}]})) == {"f": {}}
    assert offered_tools(Request({"messages": [{"role": "user", "content": "the parameters of a name"}]})) == {}
    nameless = '{"name": "f", "parameters": {}} {"name": 7, "parameters": {}}'
    assert offered_tools(Request({"messages": [{"role": "user", "content": nameless}]})) == {"f": {}}


@pytest.mark.parametrize(
    ("description", "default"),
    [
        ("Number of days. Defaults to 5.", 5),
        ("Number of days (default: '5')", 5),
        ("Optional. Default is 5", 5),
        ("Number of days, default 5", 5),
        ("Default value is `5`.", 5),
    ],
)
def test_a_default_may_stand_in_the_description(description, default):
    schema = {"properties": {"days": {"type": "integer", "description": description}}}
    assert canonical_arguments({"days": default}, schema) == {}
    assert canonical_arguments({"days": default + 1}, schema) == {"days": default + 1}


def test_words_about_a_default_are_none():
    schema = {"properties": {"unit": {"type": "string", "description": "The default unit to use, by default all."}}}
    assert canonical_arguments({"unit": "unit"}, schema) == {"unit": "unit"}
