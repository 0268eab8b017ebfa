"""Tool calls that an answer writes as text: JSON or Python-like call lists, alone, in fences, in tags, or on a line.

Forms read: `{"name": …, "arguments": {…}}` and its relatives, alone, in lists, or one a line; `[f(a=1), g(b="x")]`,
also printed (`print(f(a=1))`, Gemini); both in code fences or `<tool_call>` and `<function=f>` tags (Hermes, Llama),
after `[TOOL_CALLS]` (Mistral), and ReAct's `Action:` / `Action Input:`; arguments as tags of their own, in
`<function=f><parameter=a>` (Qwen) and `<invoke name="f"><parameter name="a">` (Anthropic). Every search is linear in
the text.
"""

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from json import JSONDecoder
from typing import Any

from comparators.tools.offered_tools import Schema
from schemas import json_text
from schemas.answers import ToolCall

_NAME_KEYS = ("name", "function", "tool", "tool_name", "function_name", "recipient_name", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "params", "kwargs")
_LIST_KEYS = ("tool_calls", "function_calls", "calls", "tool_uses")
_WRAPPER_KEYS = ("function", "function_call", "tool_call", "tool_use")
_TAGS = ("tool_call", "function_call", "tool_calls", "function_calls")
_PREFIXES = ("[TOOL_CALLS]", "<|python_tag|>")
_OPENERS = frozenset("{[<`")
_CALL_START = re.compile(r"\[?\s{0,20}[A-Za-z_][\w.]{0,80}\(")
_ACTION = re.compile(r"^Action:[ \t]*([\w.\-]{1,64})[ \t]*\r?\n+Action Input:[ \t]*([^\n]*)", re.MULTILINE)
_LONGEST_NAME = 64
_MOST_LINES = 200  # of prose in which a call on its own line is looked for
_DECODER = JSONDecoder()


def written_calls(text: str, known: Mapping[str, Schema]) -> tuple[ToolCall, ...]:
    """The calls written in a text, in order; empty where there are none.

    `known` maps the names of the tools offered to their schemas, whose order of properties names positional
    arguments. A text that is nothing but calls may call any name; among prose or in a fence only known names count.
    """
    body = text.strip()
    for prefix in _PREFIXES:
        body = body.removeprefix(prefix).lstrip()
    if not known and body[:1] not in _OPENERS and "<tool_call" not in body and not _CALL_START.match(body):
        return ()  # most texts by far: nothing is offered and nothing looks like a call
    tagged = [call for part in _tagged(body) for call in _calls(part, known)] + list(_function_tags(body))
    if tagged:
        return tuple(tagged)
    fences = list(_fences(body))
    if len(fences) == 1 and body.startswith("```") and body.endswith("```"):
        return tuple(_calls(fences[0], known))
    whole = list(_calls(body, known))
    if whole or not known:
        return tuple(whole)
    fenced = [call for part in fences for call in _calls(part, known) if call.name in known]
    return tuple(fenced or [call for call in _scattered(body, known) if call.name in known])


def _calls(payload: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    """The calls a payload consists of; none where it holds anything else."""
    payload = payload.strip()
    if payload[:1] in ("{", "["):
        values = _json_values(payload)
        if values:
            yield from _all_or_none(values, known)
            return
    if _CALL_START.match(payload) and payload[-1:] in (")", "]", ";"):
        yield from _python_calls(payload, known)


def _scattered(body: str, known: Mapping[str, Schema]) -> Iterator[ToolCall]:
    actions = [ToolCall(name, _argument_text(given)) for name, given in _ACTION.findall(body)]
    if actions:
        yield from actions
        return
    for line in body.splitlines()[:_MOST_LINES]:
        bare = line.strip(" \t`*-")
        if bare[:1] in ("{", "[") or _CALL_START.match(bare):
            yield from _calls(bare, known)


def _tagged(body: str) -> Iterator[str]:
    for tag in _TAGS:
        for part in body.split(f"<{tag}>")[1:]:
            yield part.split(f"</{tag}>", 1)[0]


def _function_tags(body: str) -> Iterator[ToolCall]:
    for opening, closing in (("<function=", "</function>"), ("<invoke name=", "</invoke>")):
        for name, inside in _named_tags(body, opening, closing):
            arguments = {
                key: value.strip()
                for parameter in ("<parameter=", "<parameter name=")
                for key, value in _named_tags(inside, parameter, "</parameter>")
            }
            yield ToolCall(name, arguments or _argument_text(inside))


def _named_tags(text: str, opening: str, closing: str) -> Iterator[tuple[str, str]]:
    """Name and content of each tag that begins so; the name stands before its `>`, perhaps in quotes."""
    for part in text.split(opening)[1:]:
        name, closed, rest = part.partition(">")
        name = name.strip().strip("\"'")
        if closed and 0 < len(name) <= _LONGEST_NAME:
            yield name, rest.split(closing, 1)[0]


def _fences(body: str) -> Iterator[str]:
    for part in body.split("```")[1::2]:
        first, newline, rest = part.partition("\n")
        language = first.strip()
        yield rest if newline and (not language or language.replace("_", "").isalnum()) else part


def _argument_text(given: str) -> Any:
    try:
        return json_text.loads(given.strip())
    except (ValueError, RecursionError):
        return given.strip()


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
            return []
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
    name = name.removeprefix("functions.")
    arguments = next((value[key] for key in _ARGUMENT_KEYS if key in value), None)
    is_call = isinstance(arguments, dict | str) or (name in known and arguments is None)
    return [ToolCall(name, arguments)] if is_call else []


def _python_calls(payload: str, known: Mapping[str, Schema]) -> list[ToolCall]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in a model's string literal are no affair of ours
            statements = ast.parse(payload).body
        values = [statement.value for statement in statements if isinstance(statement, ast.Expr)]
        nodes = [
            node for value in values for node in (value.elts if isinstance(value, ast.List | ast.Tuple) else [value])
        ]
        nodes = [_printed(node) for node in nodes]
        calls = [_python_call(node, known) for node in nodes if isinstance(node, ast.Call)]
        return calls if len(values) == len(statements) and len(calls) == len(nodes) else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what the parser raises on text that is no call
        return []


def _printed(node: ast.expr) -> ast.expr:
    """What `print` is given where that is one call."""
    match node:
        case ast.Call(func=ast.Name(id="print"), args=[ast.Call() as call], keywords=[]):
            return call
    return node


def _python_call(node: ast.Call, known: Mapping[str, Schema]) -> ToolCall:
    name = ast.unparse(node.func)
    properties = known.get(name, {}).get("properties")
    order = list(properties) if isinstance(properties, Mapping) else []
    arguments = {
        (order[place] if place < len(order) else str(place)): _plain(value) for place, value in enumerate(node.args)
    }
    for keyword in node.keywords:
        value = _plain(keyword.value)
        if keyword.arg is not None:
            arguments[keyword.arg] = value
        elif isinstance(value, dict):
            arguments.update(value)
    return ToolCall(name, arguments)


def _plain(node: ast.expr) -> Any:  # noqa: PLR0911 - one case, one value
    """The value of a literal; JSON's true, false and null too; the source of everything else."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return [_plain(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {
                str(_plain(key)) if key is not None else "**": _plain(value)
                for key, value in zip(keys, values, strict=True)
            }
        case ast.Name(id="true" | "false" as word):
            return word == "true"
        case ast.Name(id="null"):
            return None
        case _:
            return ast.unparse(node)
