"""The shape of a JSON value: paths with indexes folded (`$.items[].price`), their types, how often they stand there.

Two values are compared by shape without aligning array items, and shapes add up over many answers. Paths never hold
text of users: keys that are no plain names, and all keys of very large objects, are folded to `*`.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@ -]{0,39}")
_KEYS_OF_A_RECORD = 40  # an object with more keys is a map from data to data
_DEEPEST = 32  # levels below are folded into one
_SHORT = 40  # characters of a string that may be one of a few labels


@dataclass(slots=True)
class Shape:
    """What stands at each path. Sums over all places that fold to it, so that shapes can be added."""

    types: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    count: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    parent: dict[str, str] = field(default_factory=dict)  # path of the object or array that holds it
    labels: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # short strings
    prose: set[str] = field(default_factory=set)  # paths that hold a longer string as well

    def is_always_there(self, path: str) -> bool:
        """Whether every object that could hold the path holds it."""
        return self.count[path] >= self.count[self.parent[path]]


def json_type(value: Any) -> str:
    """The JSON type of a parsed value; integers and floats are both `number`."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def shape_of(value: Any) -> Shape:
    """The shape of a parsed JSON value."""
    shape = Shape()
    waiting: list[tuple[str, Any, int]] = [("$", value, 0)]
    while waiting:
        path, item, depth = waiting.pop()
        name = json_type(item)
        shape.types[path].add(name)
        shape.count[path] += 1
        if name == "string":
            if len(item) <= _SHORT:
                shape.labels[path].add(item)
            else:
                shape.prose.add(path)
        elif name == "array":
            inner = f"{path}[]"
            shape.parent[inner] = path
            waiting.extend((inner if depth < _DEEPEST else path, element, depth + 1) for element in item)
        elif name == "object":
            is_map = len(item) > _KEYS_OF_A_RECORD
            for key, element in item.items():
                inner = path if depth >= _DEEPEST else f"{path}.{'*' if is_map else folded_key(key)}"
                if inner != path:
                    shape.parent[inner] = path
                waiting.append((inner, element, depth + 1))
    return shape


def folded_key(key: str) -> str:
    """The key as a reason may show it: a plain name, or `*`."""
    return key if _PLAIN_KEY.fullmatch(key) else "*"
