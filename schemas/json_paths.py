"""Simple JSON paths: `$.a.b[0].c` and `$['a key'].b`. No wildcards: a path names one place."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas.values import immutable

_STEP = re.compile(r"""\.(?P<name>[^.\[\]'"\s]+)|\[(?P<index>-?\d{1,9})\]|\[(?P<quote>['"])(?P<key>.+?)(?P=quote)\]""")


@immutable
class JsonPath:
    """A path as its steps: names of object members and indexes of arrays."""

    steps: tuple[str | int, ...]

    def find(self, value: Any) -> Any:
        """What stands there, None where nothing does."""
        for step in self.steps:
            if isinstance(step, str) and isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(step, int) and isinstance(value, list | tuple) and -len(value) <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    def without(self, value: Any) -> Any:
        """A copy of the value that lacks the place; the value itself is left as it is."""
        if not self.steps or self.find(value) is None:
            return value
        step, rest = self.steps[0], JsonPath(self.steps[1:])
        if isinstance(step, str):
            kept = dict(value)
            if rest.steps:
                kept[step] = rest.without(value[step])
            else:
                del kept[step]
            return kept
        items = list(value)
        items[step] = rest.without(items[step]) if rest.steps else None
        return items


@cache
def json_path(text: str) -> JsonPath:
    """Read a path.

    >>> json_path("$.choices[0].message").steps
    ('choices', 0, 'message')

    Raises:
        ValueError: no such path; says how one looks.
    """
    steps: list[str | int] = []
    place = 1
    while text.startswith("$") and place < len(text):
        step = _STEP.match(text, place)
        if step is None:
            break
        steps.append(int(step["index"]) if step["index"] else step["name"] or step["key"])
        place = step.end()
    if not steps or place < len(text):
        raise ValueError(f"{text!r} is no JSON path; write it like $.a.b[0].c")
    return JsonPath(tuple(steps))
