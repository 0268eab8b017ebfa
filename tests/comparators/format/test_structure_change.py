"""What of a JSON's shape changed, by path, with indexes folded."""

import copy

import pytest

from comparators.comparator import Pair
from comparators.format.structure_change import StructureChange
from schemas.answers import Answer
from schemas.exchanges import Request
from schemas.json_text import dumps

ORDER = {
    "items": [{"price": 1, "name": "a"}, {"price": 2, "name": "b"}],
    "tags": ["x", "y"],
    "status": "open",
    "note": None,
    "text": "A longer text, in which somebody explains what became of the order.",
}
PROMPT = Request(
    {
        "messages": [
            {"role": "system", "content": "status is open or closed, never reopened."},
            {"role": "user", "content": 'Use "red" or "blue".'},
        ]
    }
)


def scored(baseline, answer, request=PROMPT):
    texts = [value if isinstance(value, str) else dumps(value).decode() for value in (baseline, answer)]
    score = StructureChange().compare(Pair(request, *(Answer("m", text=text) for text in texts)))
    return score.value, score.reason


def changed(**keys):
    return copy.deepcopy(ORDER) | keys


def without(*path):
    order = copy.deepcopy(ORDER)
    holder = order
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return order


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (without("items", 1, "price"), "missing:$.items[].price"),
        (without("items"), "missing:$.items"),
        (changed(extra=1), "extra:$.extra"),
        (changed(status=3), "retyped:$.status:string->number"),
        (changed(status=None), "retyped:$.status:string->null"),
        (changed(note="done"), "retyped:$.note:null->string"),
        (changed(items={"price": 1}), "retyped:$.items:array->object"),
        (changed(tags=["y", "x"]), "reordered:$.tags"),
        (changed(status="opened"), "enum:$.status"),
        (changed(**{"a note: of a user": 1}), "extra:$.*"),
        ([ORDER], "retyped:$:object->array"),
        ("I do not know.", "no_json"),
    ],
)
def test_each_difference_has_its_code(answer, reason):
    value, found = scored(ORDER, answer)
    assert found == reason
    assert (value == 1.0) == (reason in ("no_json", "retyped:$:object->array"))
    assert value > 0.25


@pytest.mark.parametrize(
    "answer",
    [
        dict(reversed(ORDER.items())),
        changed(status="closed"),
        changed(items=ORDER["items"][:1]),
        changed(items=[]),
        changed(text="Something else, which also goes on for longer than any label would."),
        "```json\n" + dumps(ORDER).decode() + "\n```",
        dumps(ORDER).decode().replace('"price":1', '"price": 1.0'),
    ],
)
def test_values_and_order_of_keys_and_lengths_of_arrays_are_no_structure(answer):
    assert scored(ORDER, answer) == (0.0, "")


def test_an_array_item_of_another_type_is_seen_and_one_type_less_is_not():
    assert scored({"a": [1, 2]}, {"a": [1, "2"]})[1] == "retyped:$.a[]:number->string"
    assert scored({"a": [1, "2"]}, {"a": [1]}) == (0.0, "")
    assert scored({"a": [1, None]}, {"a": [1, True, None]})[1] == "retyped:$.a[]:number->boolean"


def test_labels_count_only_where_the_prompt_names_them():
    assert scored({"c": "red"}, {"c": "green"}) == (0.75, "enum:$.c")
    assert scored({"c": "red"}, {"c": "blue"}) == (0.0, "")
    assert scored({"c": "Smith"}, {"c": "Jones"}) == (0.0, "")
    assert scored({"c": ""}, {"c": "Jones"}) == (0.0, "")
    assert scored({"c": "ope"}, {"c": "Jones"}) == (0.0, "")
    assert scored({"c": "red"}, {"c": "A sentence in the place of a label, which is no label."}) == (0.0, "")


def test_a_map_of_many_keys_is_data():
    many = {f"name {number}": number for number in range(50)}
    assert scored(many, {f"other {number}": number for number in range(60)}) == (0.0, "")


def test_one_missing_part_is_one_difference_and_more_of_them_weigh_more():
    one, both = without("items"), {"tags": ["x", "y"]}
    assert scored(ORDER, both)[0] > scored(ORDER, one)[0] > 0.5


def test_it_applies_to_json_answers_only_and_survives_depth():
    assert scored("Text.", ORDER) == (None, "no_json")
    assert scored('{"a": 1', ORDER) == (None, "no_json")
    deep = '{"a":' * 500 + "1" + "}" * 500
    assert scored(deep, deep.replace("1", '"x"'))[0] > 0
    nested = "[" * 400 + '{"a":1}' + "]" * 400
    assert scored(nested, nested.replace("1", '"x"'))[0] > 0


def test_json_lines_are_read_as_an_array_where_the_baseline_has_them():
    lines = '{"a": 1}\n{"a": 2}'
    assert scored(lines, '{"a": 3}\n{"a": 4}\n{"a": 5}') == (0.0, "")
    assert scored(lines, '```\n{"a": 3}\n{"b": 4}\n```')[1] == "missing:$[].a"
    assert scored(lines, '[{"a": 1}, {"a": 2}]') == (1.0, "no_json")
    assert scored('{"a": 1}', lines) == (1.0, "no_json")
