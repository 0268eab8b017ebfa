import pytest

from schemas.json_paths import json_path

RECORD = {"a": {"b c": [{"d": 1}, {"d": 2}]}, "e": None}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$.a['b c'][1].d", 2),
        ('$.a["b c"][-1].d', 2),
        ("$['a']['b c'][0]", {"d": 1}),
        ("$.a['b c'][2].d", None),
        ("$.a.b", None),
        ("$.e.f", None),
        ("$.a[0]", None),
    ],
)
def test_a_path_names_one_place(text, found):
    assert json_path(text).find(RECORD) == found


@pytest.mark.parametrize("text", ["", "$", "a.b", "$a", "$..a", "$.a[*]", "$.a[", "$.a[1", "$.a b", "$.a.", "$.a['b]"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match="is no JSON path"):
        json_path(text)


def test_a_copy_can_lack_the_place_and_the_original_keeps_it():
    assert json_path("$.a['b c'][0].d").without(RECORD) == {"a": {"b c": [{}, {"d": 2}]}, "e": None}
    assert json_path("$.a['b c'][1]").without(RECORD) == {"a": {"b c": [{"d": 1}, None]}, "e": None}
    assert json_path("$.x.y").without(RECORD) is RECORD
    assert RECORD["a"]["b c"][0] == {"d": 1}
