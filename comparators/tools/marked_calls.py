"""Tool calls that a chat template marks: by special tokens, by tags, or by a name in front of the arguments.

Serving software turns these marks into `tool_calls`; where it does not know the template, they stand in the text. The
forms are those of the published templates: Hermes and Qwen, Llama, Mistral, DeepSeek, Kimi, GLM, gpt-oss (harmony),
Functionary, Granite, Command R, Anthropic. Every search is linear in the text.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from json import JSONDecoder
from typing import Any

from comparators.tools.offered_tools import Schema
from comparators.tools.python_calls import literals
from schemas import json_text
from schemas.answers import ToolCall

_WIDE_TOKEN = re.compile("<\uff5c([^\uff5c<>]{1,40})\uff5c>")  # DeepSeek writes its tokens with wide bars
_NAMESPACE = re.compile("<(/?)(?:\uff5cDSML\uff5c|[a-z]{1,20}:)(?=(?:invoke|parameter|tool_calls?|function_calls)\\b)")
_MARK = re.compile(
    r"<\|[^|<>]{1,40}\|>|<[/\w|]{0,20}(?:tool|function)_?calls?[\w|]{0,20}>|\[/?TOOL_CALLS\]|functools(?=\[)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:\[TOOL_CALLS\]|<\|tool_call_begin\|>(?:function<\|tool_sep\|>)?|\bto=(?=[^{]{1,160}<\|message\|>)"
    r"|<\|recipient\|>|^>>>(?=[\w.\-]{1,64}\n))\s{0,9}([A-Za-z_][\w.\-]{0,63}+)[^{]{0,80}(?=\{)",
    re.MULTILINE,
)
_SIGN = re.compile("<(?:[|\uff5c]|function|invoke|[\\w:]{0,20}(?:tool|function)_?call)", re.IGNORECASE)
_NAMING = ("[TOOL_CALLS]", "<|", ">>>")
_TAG = re.compile(r"<(/?)([A-Za-z_][\w.\-]{0,63})>")
_LONGEST_NAME = 64
_DECODER = JSONDecoder()


def is_marked(text: str) -> bool:
    """Whether a text has marks of calls, be they ones or not."""
    # asked of every text: one character is found several times as fast as a word
    return ("<" in text and _SIGN.search(text) is not None) or ("[" in text and "[TOOL_CALLS]" in text)


def answered(text: str) -> str:
    """The text behind the model's thoughts, with the marks of all templates in one spelling."""
    if "</think>" in text:
        text = text.rpartition("</think>")[2]
    if "\uff5c" in text:
        text = _WIDE_TOKEN.sub(lambda token: f"<|{token[1].replace(chr(0x2581), '_')}|>", text)
    return _NAMESPACE.sub(r"<\1", text) if "<" in text else text


def named_calls(text: str) -> list[ToolCall]:
    """Calls whose name stands behind a mark and in front of the JSON of its arguments."""
    if not any(map(text.__contains__, _NAMING)):
        return []
    return [ToolCall(match[1], first_value(behind)) for match, behind in parts_behind(_NAMED, text)]


def parts_behind(pattern: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each match with the text from its end to the next one."""
    found = list(pattern.finditer(text))
    for match, following in zip_longest(found, found[1:]):
        yield match, text[match.end() : following.start() if following else len(text)]


def marked_parts(text: str) -> list[str]:
    """What stands behind each mark, up to the next one: a payload of calls, or anything else."""
    return _MARK.split(text)[1:]


def tagged_calls(text: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    """Calls whose arguments are tags of their own, or whose name stands in the tag."""
    for opening, closing in (("<function=", "</function>"), ("<invoke name=", "</invoke>")):
        for name, inside in _named_tags(text, opening, closing):
            pairs = [
                pair
                for parameter in ("<parameter=", "<parameter name=")
                for pair in _named_tags(inside, parameter, "</parameter>")
            ]
            yield _tagged_call(name, pairs, inside, known)
    if "<arg_key>" in text:
        for part in marked_parts(text):
            name, *rest = part.split("<arg_key>")
            if rest and 0 < len(name.strip()) <= _LONGEST_NAME:
                yield _tagged_call(name.strip(), map(_key_and_value, rest), "", known)
    if "</" in text and known:
        for name, inside in _contents(text, known):
            pairs = list(_contents(inside))
            if pairs or not inside.strip() or isinstance(_value(inside), dict):  # else a tag of that name with prose
                yield _tagged_call(name, pairs, inside, known)


def first_value(given: str) -> Any:
    """The JSON value a text begins with, else the text up to the next mark."""
    given = given.lstrip()
    try:
        return _DECODER.raw_decode(given)[0]
    except (ValueError, RecursionError):
        text = _MARK.split(given, maxsplit=1)[0].strip()
        return next(iter(literals(text)), text)


def _tagged_call(name: str, pairs: Iterable[tuple[str, str]], inside: str, known: Mapping[str, Schema]) -> ToolCall:
    """Tags hold text: what it is the tool's schema says, or where there is none, how it looks."""
    arguments = {key: value.strip() for key, value in pairs}
    if not arguments:
        return ToolCall(name, _value(inside))
    return ToolCall(name, arguments if known.get(name) else {key: _value(value) for key, value in arguments.items()})


def _value(given: str) -> Any:
    try:
        return json_text.loads(given.strip())
    except (ValueError, RecursionError):
        return given.strip()


def _key_and_value(pair: str) -> tuple[str, str]:
    """What stands behind `<arg_key>` (GLM)."""
    key, _, rest = pair.partition("</arg_key>")
    return key.strip(), rest.partition("<arg_value>")[2].partition("</arg_value>")[0]


def _named_tags(text: str, opening: str, closing: str) -> Iterator[tuple[str, str]]:
    """Name and content of each tag that begins so; the name stands before its `>`, perhaps quoted and not alone."""
    for part in text.split(opening)[1:]:
        attributes, closed, rest = part.partition(">")
        attributes = attributes.strip()
        quote = attributes[:1]
        name = attributes[1:].partition(quote)[0] if quote in ("'", '"') else attributes
        if closed and 0 < len(name) <= _LONGEST_NAME:
            yield name, rest.split(closing, 1)[0]


def _contents(text: str, names: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """Name and content of the outermost `<name>…</name>`, of all names or of these."""
    open_name, begun = "", 0
    for tag in _TAG.finditer(text):
        closing, name = tag.groups()
        if not open_name and not closing and (names is None or name in names):
            open_name, begun = name, tag.end()
        elif closing and name == open_name:
            yield name, text[begun : tag.start()]
            open_name = ""
