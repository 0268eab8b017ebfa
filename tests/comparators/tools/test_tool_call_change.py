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
    "{'name': 'get_weather', 'arguments': {'city': 'Oslo', 'limit': 5}}",
    (
        '<think>get_weather(city="Rome")? No.</think>\n<tool_call>\n{"name": "get_weather", "arguments": '
        '{"city": "Oslo", "limit": 5}}\n</tool_call>'
    ),
    '<|python_tag|>get_weather.call(city="Oslo", limit=5)<|eom_id|>',
    '<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Oslo", "limit": "5"}}<|eot_id|>',
    '[TOOL_CALLS]get_weather[CALL_ID]a1b2c3d4e[ARGS]{"city": "Oslo", "limit": 5}',
    (
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function<\uff5ctool\u2581sep\uff5c>"
        'get_weather\n```json\n{"city": "Oslo", "limit": 5}\n```<\uff5ctool\u2581call\u2581end\uff5c>'
    ),
    (
        '<\uff5cDSML\uff5cfunction_calls><\uff5cDSML\uff5cinvoke name="get_weather">'
        '<\uff5cDSML\uff5cparameter name="city" string="true">Oslo</\uff5cDSML\uff5cparameter>'
        '<\uff5cDSML\uff5cparameter name="limit" string="false">5'
        "</\uff5cDSML\uff5cparameter></\uff5cDSML\uff5cinvoke></\uff5cDSML\uff5cfunction_calls>"
    ),
    (
        "<|channel|>analysis<|message|>I need it.<|end|><|start|>assistant<|channel|>commentary "
        'to=functions.get_weather <|constrain|>json<|message|>{"city":"Oslo","limit":5}<|call|>'
    ),
    '<|from|>assistant\n<|recipient|>get_weather\n<|content|>{"city": "Oslo", "limit": 5}',
    '>>>get_weather\n{"city": "Oslo", "limit": 5}',
    (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n<arg_key>limit</arg_key>\n"
        "<arg_value>5</arg_value>\n</tool_call>"
    ),
    (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        '{"city": "Oslo", "limit": 5}<|tool_call_end|><|tool_calls_section_end|>'
    ),
    '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo", "limit": 5}}]',
    'functools[{"name": "get_weather", "arguments": {"city": "Oslo", "limit": 5}}]',
    '<|tool_call_start|>[get_weather(city="Oslo", limit=5)]<|tool_call_end|>I am looking.',
    "<get_weather>\n<city>Oslo</city>\n<limit>5</limit>\n</get_weather>",
    '```tool_code\nprint(default_api.get_weather(city="Oslo", limit=5))\n```',
    "Call: get_weather(city='Oslo', limit=5)<bot_end>",
    '<tool_use>\n  <name>get_weather</name>\n  <arguments>{"city": "Oslo", "limit": 5}</arguments>\n</tool_use>',
    'I look.\n{\n  "name": "get_weather",\n  "parameters": {\n    "city": "Oslo",\n    "limit": 5\n  }\n}\nOne moment.',
    'Thought: look.\nAction: get_weather\nAction Input:\n```json\n{\n"city": "Oslo", "limit": 5}\n```\nObservation: 9',
    "Here:\n[get_weather(\n    city='Oslo',\n    limit=5,\n)]",
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
    for answer in (
        "Use `get_weather` with a city (any), like so: {curly}.",
        "You can call get_weather(city) yourself; get_weather(city: str) -> dict is its signature.",
        "x = get_weather(city='Oslo')",
        "get_weather returned {'city': 'Oslo'}",
        "<search>what it says</search>",
        '{"plan": "get_weather", "why": "asked"}',
        "```python\nprint(len([1, 2]))\nplt.plot(x=1)\n```",
        "Since f(3) = 2, the sum is [sin(x), cos(x)].",
        "[sin(x), cos(x)]",
        "f(3)",
        ">>> f(2)\n3",
        "The text ends with <|endoftext|> (a token).",
    ):
        assert scored(OFFERS, text("It rains."), text(answer)) == (0.0, "")


def test_calls_that_can_be_nothing_else_need_no_prompt_that_speaks_of_them():
    for written in (
        '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
        "[f(a=1)]",
        '[{"name": "f", "arguments": {"a": 1}}]',
        "<function=f><parameter=a>1</parameter></function>",
    ):
        assert scored(PLAIN, text(written), text('[{"name": "f", "arguments": {"a": 1.0}}]')) == (0.0, "")
        assert scored(PLAIN, text(written), text("[f(a=2)]")) == (1.0, "argument:$.a")
        assert scored(PLAIN, text(written), text("It rains.")) == (1.0, "missing_call")
    for answer in ("f(a=1)", '[{"name": "Ada", "age": 3}]', "A <|token|>."):
        assert scored(PLAIN, text(answer), text("It rains.")) == (None, "no_tools")


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
        "get_weather('" * 15_000,
        "get_weather(" + "()" * 90_000,
        'get_weather {"a": ' * 10_000,
        "to=" * 60_000,
        "[TOOL_CALLS]get_weather" * 8_000,
        "<|tool_call_begin|>get_weather{" * 6_000,
        "<a>" * 60_000 + "</b>",
        "<tool_call><arg_key>" * 10_000,
        "<" * 200_000 + "_call",
        "<|" * 100_000,
    ],
)
def test_hostile_text_ends_soon_in_a_score(hostile):
    began = time.perf_counter()
    value, _ = scored(OFFERS, text(hostile), text('[get_weather(city="Oslo")]'))
    assert value is not None
    assert time.perf_counter() - began < 5
