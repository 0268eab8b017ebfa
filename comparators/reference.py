"""The page docs/comparators.md, from the docstrings of the comparators: `python -m comparators.reference`.

A docstring says in its first line what a score of 1 means, then whatever is worth knowing, with a paragraph "Sees: …",
one "Does not see: …", and an example that the tests run.
"""

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

from comparators.comparator import Comparator
from comparators.dimensions import Dimension, load_dimensions

_KINDS = {
    "property": "a property of one answer, worse when it goes up",
    "property_both": "a property of one answer, drift in either direction",
    "distance": "the distance from the baseline answer",
    "measure": "an amount on a fixed log scale",
}
_HEAD = """# Comparators

What each dimension sees, what it does not, its settings and an example. Made from the docstrings of the comparators by
`python -m comparators.reference > docs/comparators.md`; a test fails where this page is not current. Any setting can be
changed in `shadowtap.toml`, for all features (`[dimensions.NAME]`) or for one (`[features.FEATURE]`,
`dimensions.NAME = { … }`).

| dimension | effect | kind | tolerance | 1 means |
|---|---|---|---|---|
"""
_LABEL = re.compile(r"^(Sees|Does not see|Settings?):", re.MULTILINE)
_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


def reference() -> str:
    """The page as Markdown."""
    dimensions = load_dimensions()
    rows = "".join(_row(dimension) for dimension in dimensions)
    return _HEAD + rows + "\n" + "\n".join(_section(dimension) for dimension in dimensions)


def _row(dimension: Dimension) -> str:
    summary = _docstring(dimension.comparator).partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return (
        f"| [`{dimension.name}`](#{dimension.name}) | {dimension.effect} | {dimension.kind} | {dimension.tolerance} | "
        f"{summary} |\n"
    )


def _section(dimension: Dimension) -> str:
    text = _docstring(dimension.comparator)
    example = _EXAMPLE.search(text)
    prose = _LABEL.sub(r"**\1:**", _EXAMPLE.sub("", text).rstrip())
    rank = f"Effect {dimension.effect}, tolerance {dimension.tolerance}, version {dimension.comparator.version}"
    parts = [f"## {dimension.name}\n", f"{prose}\n", f"{rank}; {_KINDS[dimension.kind]}.\n"]
    settings = list(_settings(dimension.comparator))
    if settings:
        parts.append("| setting | default |\n|---|---|\n" + "\n".join(settings) + "\n")
    if example is not None:
        parts.append(f"```python\n{example[0].rstrip()}\n```\n")
    return "\n".join(parts)


def _settings(comparator: Any) -> Iterator[str]:
    for field in dataclasses.fields(comparator):
        value = str(getattr(comparator, field.name)) or '""'
        yield f"| `{field.name}` | `{value}` |"


def _docstring(comparator: Comparator) -> str:
    return inspect.getdoc(type(comparator)) or ""


if __name__ == "__main__":  # pragma: no cover - the command itself
    sys.stdout.write(reference())
