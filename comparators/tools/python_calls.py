"""Tool calls written as Python: `f(a=1)`, `[f(a=1), g(b="x")]`, `print(f(a=1))`."""

import ast
import re
import warnings
from collections.abc import Collection, Mapping
from typing import Any

from comparators.tools.offered_tools import Schema, bare_name
from schemas.answers import ToolCall

_LITERAL = re.compile(r"\[?\s{0,9}\{\s{0,9}'")
_JSON_WORDS = frozenset({"true", "false", "null"})


def literals(payload: str) -> list[Any]:
    """A Python literal in place of JSON, with single quotes."""
    if not _LITERAL.match(payload):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in a model's string literal are no affair of ours
            return [ast.literal_eval(payload)]
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return []


def python_calls(payload: str, known: Mapping[str, Schema], *, only_literals: bool = False) -> list[ToolCall]:
    """The calls that Python source consists of, alone or in a list; none where there is anything else.

    `only_literals` takes no `f(city)`, which speaks of the call rather than making it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in a model's string literal are no affair of ours
            statements = ast.parse(payload).body
        values = [statement.value for statement in statements if isinstance(statement, ast.Expr)]
        nodes = [
            node for value in values for node in (value.elts if isinstance(value, ast.List | ast.Tuple) else [value])
        ]
        nodes = [_printed(node) for node in nodes]
        calls = [node for node in nodes if isinstance(node, ast.Call) and _may_be(node, known)]
        if len(calls) != len(nodes) or len(values) != len(statements):
            return []
        if only_literals and not all(map(_is_literal, calls)):
            return []
        return [_python_call(call, known) for call in calls]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what the parser raises on text that is no call
        return []


def _printed(node: ast.expr) -> ast.expr:
    """What `print` is given where that is one call."""
    match node:
        case ast.Call(func=ast.Name(id="print"), args=[ast.Call() as call], keywords=[]):
            return call
    return node


def _may_be(node: ast.Call, known: Collection[str]) -> bool:
    """Whether a call can be one of a tool: where tools are known, another's arguments have names, unlike `f(2)`."""
    return not known or (not node.args and bool(node.keywords)) or bare_name(ast.unparse(node.func), known) in known


def _is_literal(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    names = (node for value in given for node in ast.walk(value) if isinstance(node, ast.Name))
    return all(name.id in _JSON_WORDS for name in names)


def _python_call(node: ast.Call, known: Mapping[str, Schema]) -> ToolCall:
    name = bare_name(ast.unparse(node.func), known)
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
