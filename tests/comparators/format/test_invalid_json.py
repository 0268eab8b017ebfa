"""JSON is due by request or baseline; then prose, cuts and slips score 1, wrappings do not."""

import pytest

from comparators.comparator import Pair
from comparators.format.invalid_json import InvalidJson
from schemas.answers import Answer
from schemas.exchanges import Request

PLAIN = Request({})
OBJECT = Request({"response_format": {"type": "json_object"}})
BY_SCHEMA = Request({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "integer"}}}})


def scored(request, baseline, answer):
    score = InvalidJson().compare(Pair(request, Answer("m", text=baseline), Answer("m", text=answer)))
    return score.value, score.reason


@pytest.mark.parametrize("baseline", ['{"a": 1}', '```json\n{"a": 1}\n```', 'Sure!\n{"a": 1}', '{"a": 1'])
def test_it_applies_where_the_baseline_answers_json_in_any_wrapping_or_broken(baseline):
    assert scored(PLAIN, baseline, "I would say one.") == (1.0, "prose")
    assert scored(PLAIN, baseline, '{"b": 2}') == (0.0, "")


def test_it_does_not_apply_to_prose():
    assert scored(PLAIN, "One.", '{"a": 1') == (None, "no_json_due")


def test_a_fence_or_prose_around_valid_json_is_not_invalid():
    for wrapped in ('```json\n{"a": 1}\n```', 'Here you are: {"a": 1}', '  {"a": 1}'):
        assert scored(OBJECT, '{"a": 1}', wrapped) == (0.0, "")


def test_a_bare_value_is_invalid_unless_a_schema_may_ask_for_it():
    assert scored(OBJECT, '{"a": 1}', "42") == (1.0, "scalar")
    assert scored(PLAIN, '{"a": 1}', "null") == (1.0, "scalar")
    assert scored(BY_SCHEMA, "41", "42") == (0.0, "")


def test_a_tool_call_in_the_place_of_json_is_no_json():
    assert scored(OBJECT, '{"a": 1}', None) == (1.0, "empty")


def test_json_lines_are_fine_where_the_baseline_has_them_and_nowhere_else():
    lines = '{"a": 1}\n{"a": 2}'
    assert scored(PLAIN, lines, '{"a": 3}\n\n{"a": 4}\n{"a": 5}') == (0.0, "")
    assert scored(PLAIN, lines, '{"a": 3}\n{"a": ')[0] == 1.0
    assert scored(PLAIN, '{"a": 1}', lines) == (1.0, "several")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('{"a": None, "tags": ["x", "y"]}', "malformed"),
        ('{"a": NaN, "tags": ["x", "y"]}', "constant"),
        ('Here it is:\n{"a: 1, "items": [{"b": 2}]}', "prose"),
        ('The result is {"a": None, "tags": ["x", "y"]}.', "prose"),
    ],
)
def test_what_is_whole_inside_broken_json_does_not_mend_it(broken, reason):
    assert scored(PLAIN, '{"a": 1, "tags": ["x"]}', broken) == (1.0, reason)


def test_braces_before_the_json_do_not_hide_it():
    assert scored(PLAIN, '{"a": 1}', 'Of the set {"x", "y"} it is {"a": 2}.') == (0.0, "")
