"""Where an answer's JSON is, and why there is none."""

import pytest

from comparators.format.json_text import NO_JSON, answers_json, fenced_blocks, json_problem, parsed, payload

OBJECT = {"a": 1}
LONG_PROSE = "This is what I think about it. " * 20


@pytest.mark.parametrize(
    ("text", "fenced", "has_prose"),
    [
        ('{"a": 1}', False, False),
        (' \n{"a": 1}\n', False, False),
        ('```json\n{"a": 1}\n```', True, False),
        ('```\n{"a": 1}', True, False),
        ('~~~json\n{"a": 1}\n~~~', True, False),
        ('Here it is:\n```json\n{"a": 1}\n```\nAnything else?', True, True),
        ('```python\nprint(1)\n```\n```json\n{"a": 1}\n```', True, True),
        ('Sure!\n{"a": 1}', False, True),
        ('Sure: {"a": 1}', False, True),
        ('{"a": 1}\nThat is all.', False, True),
    ],
)
def test_the_payload_is_found_wherever_it_stands(text, fenced, has_prose):
    found = payload(text)
    assert found.value == OBJECT
    assert (found.is_fenced, found.prose > 0) == (fenced, has_prose)
    assert (parsed(text) is NO_JSON) == has_prose


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        "[Yes]",
        "the set {1, 2}",
        'a {"b: ' * 9 + '{"a": 1}',
        '```json\n{"a": 1}\n```\n```json\n{"a": 2}\n```',
        '{"a": 1}\n{"a": 2}',
        "[" * 5_000,
        "no { { { { { { { { { {",
        '{"a": NaN}',
    ],
)
def test_what_is_no_payload(text):
    assert payload(text).value is NO_JSON


@pytest.mark.parametrize(
    ("text", "is_json"),
    [
        ('{"a": 1}', True),
        ('[{"a": 1}]', True),
        ('["x"]', True),
        ("[1, 2]", False),
        ("42", False),
        ('"text"', False),
        ("[[A>B]]", False),
        ('{"a": 1', True),
        ("{'a': 1}", True),
        ('```json\n{"a"', True),
        ('Here:\n```json\n{"a": 1}\n```', True),
        (f'{LONG_PROSE}\n```json\n{{"a": 1}}\n```\n', False),
        (f'{LONG_PROSE}\n{{"a": 1}}', False),
        ('Use {"a": 1} for that.', False),
        ('Here:\n{"a": 1}', True),
    ],
)
def test_an_example_in_a_text_is_no_json_answer_and_a_broken_object_is_one(text, is_json):
    assert answers_json(text) is is_json


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("Sorry, no.", "prose"),
        ('{"a": 1', "unclosed"),
        ('{"a": "x', "unclosed"),
        ('{"a": "\\"\\"', "unclosed"),
        ('{"a": 1}{"a": 2}', "several"),
        ('```json\n{"a": 1}\n```\n```json\n{"a": 2}\n```', "several"),
        ('{"a": 1,}', "comma"),
        ("{'a': 1}", "quotes"),
        ('{"a": NaN}', "constant"),
        ('{"a": x}', "malformed"),
        ('{"a": 1]]}', "malformed"),
        ("```json\n{a: 1}\n```", "malformed"),
    ],
)
def test_the_problem_is_named(text, problem):
    assert json_problem(text) == problem


def test_blocks_name_their_language_and_an_unclosed_one_runs_to_the_end():
    assert fenced_blocks("no fence") == []
    assert [(block.language, block.body) for block in fenced_blocks("```Py\na\n```\nx\n```\nb")] == [
        ("py", "a\n"),
        ("", "b"),
    ]


def test_an_answer_too_long_to_keep_is_read_all_the_same():
    assert payload('{"a": "' + "x" * 20_000 + '"}').value == {"a": "x" * 20_000}


def test_lone_surrogates_survive():
    assert payload('{"a": "\ud800"}').value == {"a": "\ud800"}
