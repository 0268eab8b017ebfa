"""What counts as a call in a text, and what its arguments are."""

import pytest

from comparators.tools.written_calls import written_calls
from schemas.answers import ToolCall

QWEN = """I will look.
<tool_call>
<function=f>
<parameter=a>
Oslo
</parameter>
<parameter=b>
3
</parameter>
</function>
</tool_call>"""
INVOKED = """<function_calls>
<invoke name="f">
<parameter name="a">x > y</parameter>
</invoke>
<invoke name="g">
</invoke>
</function_calls>"""
KNOWN = {"f": {"properties": {"a": {}, "b": {}}}, "g": {}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("-1", -1),
        ("-1.5", -1.5),
        ("'x'", "x"),
        ("True", True),
        ("true", True),
        ("false", False),
        ("null", None),
        ("None", None),
        ("(1, 2)", [1, 2]),
        ("{3}", [3]),
        ("{'k': [1], **rest}", {"k": [1], "**": "rest"}),
        ("datetime(2026, 1, 2)", "datetime(2026, 1, 2)"),
        ("2 ** 3", "2 ** 3"),
    ],
)
def test_literals_are_values_and_everything_else_is_its_source(source, value):
    assert written_calls(f"f(a={source})", KNOWN) == (ToolCall("f", {"a": value}),)


def test_positional_arguments_get_the_names_of_the_schema_in_order():
    assert written_calls("f(1, 2, 3)", KNOWN) == (ToolCall("f", {"a": 1, "b": 2, "2": 3}),)
    assert written_calls("f(**{'b': 1})", KNOWN) == (ToolCall("f", {"b": 1}),)
    assert written_calls("f(1, **rest)", KNOWN) == (ToolCall("f", {"a": 1}),)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "f", "arguments": {}}\n{"name": "g", "arguments": {}}', (ToolCall("f", {}), ToolCall("g", {}))),
        ('{"name": "f", "arguments": {}};\n{"broken', (ToolCall("f", {}),)),
        ('{"name": "f", "arguments": {}} {"broken', (ToolCall("f", {}),)),
        ('[{"name": "f", "arguments": {}}, 7]', ()),
        ('{"name": "f"}', (ToolCall("f", None),)),
        ('{"name": "functions.f", "arguments": {"a": 1}}', (ToolCall("f", {"a": 1}),)),
        ('{"name": "unknown"}', ()),
        ("<function=f>not json</function><function=></function>", (ToolCall("f", "not json"),)),
        ("<tool_call>broken</tool_call>", ()),
        (QWEN, (ToolCall("f", {"a": "Oslo", "b": "3"}),)),
        (INVOKED, (ToolCall("f", {"a": "x > y"}), ToolCall("g", ""))),
        ('<function=f>{"a": 1}</function>', (ToolCall("f", {"a": 1}),)),
        ('{"function_call": {"name": "f", "arguments": "{\\"a\\": 1}"}}', (ToolCall("f", '{"a": 1}'),)),
        ('[{"type": "function", "function": {"name": "f", "arguments": {}}}]', (ToolCall("f", {}),)),
        ("```tool_code\nprint(f(a=1))\n```", (ToolCall("f", {"a": 1}),)),
        ("print(f(a=1))\nprint(g())", (ToolCall("f", {"a": 1}), ToolCall("g", {}))),
        ("print('f')", ()),
        ("```f(a=1)```", (ToolCall("f", {"a": 1}),)),
        ("Two:\n- `f(a=1)`\n- unknown(a=1)\nDone.", (ToolCall("f", {"a": 1}),)),
        ("f(a=1", ()),
        ("[]", ()),
        ("x = f(a=1)", ()),
        ("", ()),
    ],
)
def test_calls_are_read_where_a_text_is_calls_and_nowhere_else(text, calls):
    assert written_calls(text, KNOWN) == calls
