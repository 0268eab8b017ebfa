"""Labels that a request names."""

from comparators.format.named_labels import is_named
from schemas.exchanges import Request


def request(system="", user="", **body):
    return Request({"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}], **body})


def test_a_label_is_named_as_a_word_of_the_system_prompt():
    assert is_named("low", request("priority is low or high"))
    assert not is_named("low", request("the lower one, and slow"))


def test_a_label_is_named_by_the_user_only_in_quotes():
    assert is_named("low", request(user='say "low" or `high`'))
    assert not is_named("low", request(user="the price is low"))


def test_a_schema_names_what_its_enums_list_however_deep():
    schema = {"properties": {"a": {"items": {"anyOf": [{"enum": ["low"]}, {"const": "high"}]}}}}
    form = {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    assert is_named("low", request(**form))
    assert is_named("high", request(**form))
    assert not is_named("medium", request(**form))


def test_neither_nothing_nor_a_long_text_is_a_label():
    text = "x" * 41
    assert not is_named("", request("a"))
    assert not is_named(text, request(text))
