"""The tools a request offers, with the JSON Schema of their arguments: by `tools`, or described in the prompt.

Read are the shapes of OpenAI (`function.parameters`, or flat with `parameters`), Anthropic (`input_schema`), Gemini
(`functionDeclarations`) and Bedrock (`toolSpec`), the older `functions` list, and lists of such objects written into a
system or user message as JSON or as a Python literal.
"""

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from json import JSONDecoder
from typing import Any, TypeAlias

from schemas.exchanges import Request

Schema: TypeAlias = Mapping[str, Any]

_SCHEMA_KEYS = ("parameters", "input_schema", "inputSchema", "arguments")
_NAMED = re.compile(r"""["']name["']\s*:\s*["']([\w.\-]{1,64})["']""")
NAMESPACE = r"(?:functions|default_api|tools)\."  # in which templates offer their tools
_IN_NAMESPACE = re.compile(NAMESPACE)
_MOST_STARTS = 64  # places in a prompt where a description is looked for; keeps the time linear in the prompt
_DECODER = JSONDecoder()


def offered_tools(request: Request) -> dict[str, Schema]:
    """Tool name to the JSON Schema of its arguments (empty where the request gives none)."""
    functions = request.body.get("functions")
    listed = [*request.tools, *(functions if isinstance(functions, list | tuple) else ())]
    if listed:
        return dict(_described(listed))
    return {**_in_prompt(request.system_text), **_in_prompt(request.user_text)}


def bare_name(name: str, known: Collection[str]) -> str:
    """A name as it was offered: without the namespace, or the `.call` (Llama), that a template adds."""
    if name in known:
        return name
    inside = _IN_NAMESPACE.match(name)
    return (name[inside.end() :] if inside else name).removesuffix(".call")


def _in_prompt(prompt: str) -> dict[str, Schema]:
    """Cheap for the prompts that describe no tools, which are most: these are not kept."""
    is_candidate = _has_name(prompt) and any(map(prompt.__contains__, _SCHEMA_KEYS))
    return tools_in_prompt(prompt) if is_candidate else {}


def _has_name(prompt: str) -> bool:
    return '"name"' in prompt or "'name'" in prompt


@lru_cache(maxsize=256)
def tools_in_prompt(prompt: str) -> dict[str, Schema]:
    """The tools a prompt describes as objects with a name and parameters; empty for every other prompt."""
    names = _NAMED.findall(prompt)
    if not names:
        return {}
    tools: dict[str, Schema] = {name: {} for name in names}
    tools.update(_described(_values_in(prompt)))
    return tools


def _described(entries: Any) -> Iterator[tuple[str, Schema]]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _described(entry)
        if not isinstance(entry, Mapping):
            continue
        declared = entry.get("functionDeclarations", entry.get("function_declarations"))
        if isinstance(declared, list):
            yield from _described(declared)
        function = entry.get("function", entry.get("toolSpec"))
        described = function if isinstance(function, Mapping) else entry
        name = described.get("name")
        if isinstance(name, str):
            schema: Schema = next(
                (described[key] for key in _SCHEMA_KEYS if isinstance(described.get(key), Mapping)), {}
            )
            inner = schema.get("json")
            yield name, inner if isinstance(inner, Mapping) else schema


def _values_in(prompt: str) -> Iterator[Any]:
    """JSON values standing in a prompt; failing those, the one Python literal some harnesses print instead."""
    place, found = 0, False
    for _ in range(_MOST_STARTS):
        start = min((at for at in (prompt.find("[", place), prompt.find("{", place)) if at >= 0), default=-1)
        if start < 0:
            break
        try:
            value, place = _DECODER.raw_decode(prompt, start)
        except (ValueError, RecursionError):
            place = start + 1
            continue
        found = found or bool(value)
        yield value
    first, last = prompt.find("[{"), prompt.rfind("]")
    if not found and 0 <= first < last:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a literal's odd escapes are the prompt's affair
                yield ast.literal_eval(prompt[first : last + 1])
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return
