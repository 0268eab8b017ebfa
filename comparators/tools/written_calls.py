"""Tool calls that an answer writes as text: JSON or Python-like call lists, alone, in fences, marked, or on a line.

Forms read: `{"name": …, "arguments": {…}}` and its relatives, alone, in lists, or one a line; `[f(a=1), g(b="x")]`,
also printed (`print(f(a=1))`, Gemini); both in code fences or behind the marks of a chat template
(`marked_calls.py`: `<tool_call>`, `[TOOL_CALLS]`, `<|python_tag|>` …); ReAct's `Action:` / `Action Input:`; arguments
as tags of their own. What stands in `<think>` is not read. Every search is linear in the text.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from json import JSONDecoder
from typing import Any

from comparators.tools.marked_calls import (
    answered,
    first_value,
    is_marked,
    marked_parts,
    named_calls,
    parts_behind,
    tagged_calls,
)
from comparators.tools.offered_tools import NAMESPACE, Schema, bare_name
from comparators.tools.python_calls import literals, python_calls
from schemas import json_text
from schemas.answers import ToolCall

_NAME_KEYS = ("name", "function", "tool", "tool_name", "function_name", "recipient_name", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "params", "kwargs")
_LIST_KEYS = ("tool_calls", "function_calls", "calls", "tool_uses")
_WRAPPER_KEYS = ("function", "function_call", "tool_call", "tool_use")
_OPENERS = frozenset("{[<`")
_CALL_START = re.compile(r"\[?\s{0,20}[A-Za-z_][\w.]{0,80}\(")
_ACTION = re.compile(r"^Action:[ \t]*([\w.\-]{1,64})[ \t]*\r?\n+Action Input:[ \t]*", re.MULTILINE)
_OBSERVED = re.compile(r"^Observation:", re.MULTILINE)
_ARGUMENT_LIST = re.compile(r"""\((?:[^()"']++|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\([^()]*+\))*+\)""", re.DOTALL)
_BEFORE_ARGUMENTS = re.compile(
    r"(?:[^\w{}]|_|arguments|parameters|params|args|action|tool|input|json|name){1,60}(?=\{)", re.IGNORECASE
)
_MOST_MENTIONS = 64
_LONGEST_SOURCE = 20_000  # characters of the arguments of a call that is mentioned
_LISTED = re.compile(r"\[\s{0,20}[A-Za-z_][\w.]{0,80}\(\s{0,20}\w{1,80}\s{0,9}=")
_MOST_TRIES = 8  # at JSON that begins a line of prose
_MOST_LINES = 200  # of prose in which a call on its own line is looked for
_DECODER = JSONDecoder()


def written_calls(text: str, known: Mapping[str, Schema]) -> tuple[ToolCall, ...]:
    """The calls written in a text, in order; empty where there are none.

    `known` maps the names of the tools offered to their schemas, whose order of properties names positional
    arguments. A text that is nothing but calls may call any name; among prose or in a fence only known names count.
    """
    body = text.strip()
    has_marks = is_marked(body)
    if not known and not has_marks and body[:1] not in _OPENERS and not _CALL_START.match(body):
        return ()  # most texts by far: nothing is offered and nothing looks like a call
    if known or has_marks:
        body = answered(body).strip()
        if marked := list(named_calls(body) or _marked(body, known)):
            return tuple(ToolCall(bare_name(call.name, known), call.arguments) for call in marked)
    if not known:
        fences = list(_fences(body))
        is_fence = len(fences) == 1 and body.startswith("```") and body.endswith("```")
        return tuple(_calls(fences[0] if is_fence else body, known))
    found = list(_calls(body, known))
    if not found and body[:1] in ("{", "[") and _json_values(body):
        return ()  # JSON for somebody else
    for read in (_fenced, _actions, _json_lines, _mentioned):
        found = found or [call for call in read(body, known) if call.name in known]
    return tuple(found)


def are_unmistakable(text: str) -> bool:
    """Whether a text in which calls were read can be nothing else, whatever the prompt says."""
    return is_marked(text) or _LISTED.match(text.lstrip()) is not None or ('"name"' in text and '"arguments"' in text)


def _calls(payload: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    """The calls a payload consists of; none where it holds anything else."""
    payload = payload.strip()
    if payload[:1] in ("{", "["):
        values = _json_values(payload)
        if values:
            yield from _all_or_none(values, known)
            return
    if _CALL_START.match(payload) and payload[-1:] in (")", "]", ";"):
        yield from python_calls(payload, known)


def _marked(body: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    for part in marked_parts(body):
        yield from _calls(part, known)
    yield from tagged_calls(body, known)


def _fenced(body: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    for part in _fences(body):
        yield from _calls(part, known)


def _json_lines(body: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    """Calls as JSON that begins a line of prose."""
    tries, place = 0, 0
    for line in body.splitlines(keepends=True)[:_MOST_LINES]:
        bare = line.strip(" \t\r\n`*-")
        if bare[:1] in ("{", "["):
            found = list(_calls(bare, known))
            if not found and line[0] in "{[" and tries < _MOST_TRIES:  # over several lines
                tries += 1
                found = _json_calls(first_value(body[place:]), known)
            yield from found
        place += len(line)


def _mentioned(body: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    """Known tools by name, whatever the template: `name(literals)`, or the name, a word for arguments, and JSON."""
    end = 0
    for place, mention in enumerate(_mention_of(frozenset(known)).finditer(body)):
        if place == _MOST_MENTIONS:
            return
        if mention.start() < end:  # inside the call before
            continue
        if body.startswith("(", mention.end()):
            source = _ARGUMENT_LIST.match(body, mention.end(), mention.end() + _LONGEST_SOURCE)
            if source and (calls := python_calls(f"{mention[1]}{source[0]}", known, only_literals=True)):
                end = source.end()
                yield from calls
        elif gap := _BEFORE_ARGUMENTS.match(body, mention.end()):
            value = first_value(body[gap.end() : gap.end() + _LONGEST_SOURCE])
            if isinstance(value, dict):
                yield ToolCall(mention[1], value)


@lru_cache(maxsize=64)
def _mention_of(names: frozenset[str]) -> re.Pattern[str]:
    """The names where they are called: not part of another name, and no value that is kept (`x = f(1)`)."""
    either = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"(?<![\w.\-])(?<!= )(?<!=)(?:{NAMESPACE})?({either})(?![\w\-])")


def _actions(body: str, _: Mapping[str, Schema]) -> Iterator[ToolCall]:
    """ReAct: the input is JSON, perhaps fenced, perhaps over several lines, or the rest of the line."""
    for match, behind in parts_behind(_ACTION, body):
        given = _OBSERVED.split(behind, maxsplit=1)[0]
        inside = next(_fences(given), given).strip()
        yield ToolCall(match[1], first_value(inside) if inside[:1] in ("{", "[") else given.partition("\n")[0].strip())


def _fences(body: str) -> Iterator[str]:
    for part in body.split("```")[1::2]:
        first, newline, rest = part.partition("\n")
        language = first.strip()
        yield rest if newline and (not language or language.replace("_", "").isalnum()) else part


def _json_values(payload: str) -> list[Any]:
    """The JSON values that fill the payload one after another, perhaps with commas between; empty if anything else."""
    try:
        return [json_text.loads(payload)]
    except (ValueError, RecursionError):
        pass
    values: list[Any] = []
    place = 0
    while place < len(payload):
        if payload[place] in " \t\r\n,;":
            place += 1
            continue
        try:
            value, place = _DECODER.raw_decode(payload, place)
        except (ValueError, RecursionError):
            return literals(payload)
        values.append(value)
    return values


def _all_or_none(values: Sequence[Any], known: Collection[str]) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for value in values:
        found = _json_calls(value, known)
        if not found:
            return []
        calls.extend(found)
    return calls


def _json_calls(value: Any, known: Collection[str]) -> list[ToolCall]:
    if isinstance(value, list):
        return _all_or_none(value, known)
    if not isinstance(value, dict):
        return []
    wrapped = next((value[key] for key in _WRAPPER_KEYS if isinstance(value.get(key), dict)), None)
    inner = next((value[key] for key in _LIST_KEYS if isinstance(value.get(key), list)), wrapped)
    if inner is not None:
        return _json_calls(inner, known)
    name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    if name is None:  # {"get_weather": {"city": "Oslo"}}
        named = value and all(key in known and isinstance(given, dict) for key, given in value.items())
        return [ToolCall(key, given) for key, given in value.items()] if named else []
    name = bare_name(name, known)
    arguments = next((value[key] for key in _ARGUMENT_KEYS if key in value), None)
    is_call = isinstance(arguments, dict | str) or (name in known and arguments is None)
    return [ToolCall(name, arguments)] if is_call else []
