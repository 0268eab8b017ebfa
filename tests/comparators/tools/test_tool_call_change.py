"""Calls are compared by what they would do: form does not matter, tool and arguments do."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparators.comparator import Pair
from comparators.tools.tool_call_change import ToolCallChange
from schemas.answers import Answer, ToolCall
from schemas.exchanges import Request

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "default": 3},
                "limit": {"type": ["number", "null"]},
                "metric": {"type": "boolean"},
                "filters": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "number"}}}},
            },
            "required": ["city"],
        },
    },
}
SEARCH = {"name": "search", "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}}}
OFFERS = Request({"messages": [{"role": "user", "content": "Weather?"}], "tools": [WEATHER, SEARCH]})
PLAIN = Request({"messages": [{"role": "user", "content": "Weather?"}]})


def calls(*pairs):
    return Answer("m", tool_calls=tuple(ToolCall(name, arguments) for name, arguments in pairs))


def text(content):
    return Answer("m", text=content)


def scored(request, baseline, answer, **settings_of_comparator):
    score = ToolCallChange(**settings_of_comparator).compare(Pair(request, baseline, answer))
    return score.value, score.reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"city": "Oslo", "limit": 5}, {"limit": 5.0, "city": " Oslo "}),
        ({"city": "Oslo", "limit": 5}, {"city": "Oslo", "limit": "5"}),
        ({"city": "Oslo", "limit": 2.5}, '{"city": "Oslo", "limit": 2.50}'),
        ({"city": "Oslo"}, {"city": "Oslo", "days": 3}),
        ({"city": "Oslo", "days": "3"}, {"city": "Oslo", "limit": None}),
        ({"city": "Oslo", "metric": True}, {"city": "Oslo", "metric": "true"}),
        ({"city": "7"}, {"city": 7}),
        ({"city": "Oslo", "filters": {"tags": [1, 2]}}, {"city": "Oslo", "filters": '{"tags": ["1", 2.0]}'}),
    ],
)
def test_arguments_that_mean_the_same_to_the_tool_are_no_change(one, other):
    assert scored(OFFERS, calls(("get_weather", one)), calls(("get_weather", other))) == (0.0, "")


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ({"city": "Oslo"}, {"city": "Bergen"}, "argument:$.city"),
        ({"city": "Oslo", "days": 3}, {"city": "Oslo", "days": 4}, "argument:$.days"),
        ({"city": "Oslo"}, {"city": "Oslo", "limit": 1}, "argument:$.limit"),
        ({"city": "Oslo", "metric": True}, {"city": "Oslo", "metric": 1}, "argument:$.metric"),
        (
            {"city": "Oslo", "filters": {"tags": [1, 2]}},
            {"city": "Oslo", "filters": {"tags": [1, 3]}},
            "argument:$.filters.tags[]",
        ),
        ({"city": "Oslo", "a note of a user": 1}, {"city": "Oslo"}, "argument:$.*"),
        ("no json", "other text", "argument:$"),
    ],
)
def test_an_argument_that_differs_is_named_by_its_path(one, other, reason):
    value, found = scored(OFFERS, calls(("get_weather", one)), calls(("get_weather", other)))
    assert found == reason
    assert 0.5 < value <= 1.0


def test_a_string_that_looks_like_a_number_is_another_value_where_no_schema_says_number():
    without_schema = calls(("f", {"x": 1})), calls(("f", {"x": "1"}))
    assert scored(PLAIN, *without_schema) == (1.0, "argument:$.x")
    assert scored(PLAIN, calls(("f", {"x": 1})), calls(("f", {"x": 1.0}))) == (0.0, "")


def test_parallel_calls_are_a_multiset():
    oslo, bergen, query = ("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Bergen"}), ("search", {})
    assert scored(OFFERS, calls(oslo, bergen, query), calls(query, bergen, oslo)) == (0.0, "")
    assert scored(OFFERS, calls(oslo, oslo), calls(oslo)) == (0.5, "missing_call")
    assert scored(OFFERS, calls(oslo, query), calls(oslo, query, bergen)) == (pytest.approx(1 / 3), "extra_call")
    assert scored(OFFERS, calls(oslo, query), calls(oslo, bergen)) == (0.5, "other_tool")
    hamar = ("get_weather", {"city": "Oslo", "limit": 9})
    assert scored(OFFERS, calls(bergen, oslo), calls(hamar, bergen))[1] == "argument:$.limit"


def test_calling_or_not_is_the_whole_difference():
    call, prose = calls(("get_weather", {"city": "Oslo"})), text("It rains.")
    assert scored(OFFERS, call, prose) == (1.0, "missing_call")
    assert scored(OFFERS, prose, call) == (1.0, "extra_call")
    assert scored(OFFERS, prose, text("The sun shines.")) == (0.0, "")
    assert scored(PLAIN, prose, call) == (None, "no_tools")


def test_a_call_that_is_only_written_down_never_runs():
    call, written = calls(("get_weather", {"city": "Oslo"})), text('[get_weather(city="Oslo")]')
    assert scored(OFFERS, call, written) == (1.0, "missing_call")
    assert "written as text" in ToolCallChange().compare(Pair(OFFERS, call, written)).detail


WRITTEN = [
    '{"name": "get_weather", "arguments": {"city": "Oslo", "limit": 5}}',
    '[{"name": "get_weather", "parameters": {"limit": "5", "city": "Oslo"}}]',
    '{"tool_calls": [{"function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Oslo\\", \\"limit\\": 5}"}}]}',
    '```json\n{"tool": "get_weather", "args": {"city": "Oslo", "limit": 5}}\n```',
    '[get_weather(city="Oslo", limit=5)]',
    "get_weather('Oslo', limit=5.0, days=3)",
    '```python\n[get_weather(\n    city="Oslo",\n    limit=5,\n)]\n```',
    'I will look that up.\n\n```tool_code\nget_weather(city="Oslo", limit=5)\n```\n',
    'Let me see:\nget_weather(city="Oslo", limit=5)',
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "limit": 5}}\n</tool_call>',
    '<function=get_weather>{"city": "Oslo", "limit": 5}</function>',
    '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo", "limit": 5}}]',
    'Thought: look.\nAction: get_weather\nAction Input: {"city": "Oslo", "limit": 5}',
    '{"get_weather": {"city": "Oslo", "limit": 5}}',
]


@pytest.mark.parametrize("written", WRITTEN)
def test_calls_written_as_text_are_read_in_every_common_form(written):
    assert scored(OFFERS, text(WRITTEN[0]), text(written)) == (0.0, "")
    changed = text(written.replace("Oslo", "Bergen"))
    assert scored(OFFERS, text(written), changed)[1] == "argument:$.city"
    assert scored(OFFERS, text(written), text("It rains in Oslo (as usual).")) == (1.0, "missing_call")


@pytest.mark.parametrize(
    "system",
    [
        'Call one of: [{"name": "area", "parameters": {"type": "dict", "properties": {"base": {"type": "integer"}}}}]',
        "Call one of: [{'name': 'area', 'parameters': {'type': 'dict', 'properties': {'base': {'type': 'integer'}}}}]",
        "You may call the function area(base: int). Answer with the call only.",
    ],
)
def test_tools_described_in_the_prompt_count_as_offered(system):
    request = Request({"messages": [{"role": "system", "content": system}, {"role": "user", "content": "base 2?"}]})
    assert scored(request, text("[area(base=2)]"), text('{"name": "area", "arguments": {"base": 2}}')) == (0.0, "")
    assert scored(request, text("[area(base=2)]"), text("[volume(base=2)]")) == (1.0, "other_tool")
    assert scored(request, text("[area(base=2)]"), text("Four.")) == (1.0, "missing_call")


def test_several_calls_may_stand_in_a_list_or_as_statements():
    listed = text('[get_weather(city="Oslo"), search(query="x")]')
    for other in ('get_weather(city="Oslo")\nsearch(query="x")', 'search(query="x"); get_weather(city="Oslo");'):
        assert scored(OFFERS, listed, text(other)) == (0.0, "")
    assert scored(OFFERS, listed, text('get_weather(city="Oslo")\nprint(1)\nx = 2'))[1] == "missing_call"


def test_answers_that_only_look_like_calls_are_none():
    code = Request({"messages": [{"role": "user", "content": "Write a program."}]})
    person = text('{"name": "Ada", "parameters": {"born": 1815}}')
    for answer in (text("```python\nprint('hi')\n```"), text("f(2)"), person):
        assert scored(code, answer, text("other")) == (None, "no_tools")
    prose = text("Use `get_weather` with a city (any), like so: {curly}.")
    assert scored(OFFERS, prose, prose) == (0.0, "")


def test_ignored_arguments_are_not_compared():
    one, other = calls(("search", {"query": "x", "id": 1})), calls(("search", {"query": "x", "id": 2}))
    assert scored(OFFERS, one, other)[1] == "argument:$.id"
    assert scored(OFFERS, one, other, ignored=("$.id",)) == (0.0, "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
CALLS = st.lists(st.tuples(st.sampled_from(["get_weather", "search", "other"]), JSON), max_size=5)


@settings(max_examples=150, deadline=None)
@given(one=CALLS, other=CALLS, seed=st.randoms(use_true_random=False))
def test_any_calls_score_within_bounds_and_order_never_matters(one, other, seed):
    value, reason = scored(OFFERS, calls(*one), calls(*other))
    assert 0.0 <= value <= 1.0
    assert (value > 0) == bool(reason)
    shuffled = list(other)
    seed.shuffle(shuffled)
    assert scored(OFFERS, calls(*other), calls(*shuffled)) == (0.0, "")
    assert scored(OFFERS, calls(*other), calls(*one))[0] == pytest.approx(value)


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 200_000,
        '{"name": ' * 20_000,
        "<tool_call>" * 20_000,
        "```" * 50_000,
        "get_weather(" * 15_000,
        "get_weather(" + "-" * 200_000 + "1)",
        'get_weather(city="\ud800\x00")',
        "get_weather(city=" + "+".join("1" * 50_000) + ")",
        "Action: a\n" * 20_000,
        '[get_weather(city="Oslo")]\n' * 8_000,
    ],
)
def test_hostile_text_ends_soon_in_a_score(hostile):
    began = time.perf_counter()
    value, _ = scored(OFFERS, text(hostile), text('[get_weather(city="Oslo")]'))
    assert value is not None
    assert time.perf_counter() - began < 5
