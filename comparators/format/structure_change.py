"""The JSON has another shape than the baseline's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.format.json_shapes import Shape, folded_key, shape_of
from comparators.format.json_text import NO_JSON, answers_json, json_lines, payload
from comparators.format.named_labels import is_named
from comparators.tools.tool_call_change import answers_in_calls
from schemas.exchanges import Request
from schemas.json_text import canonical

_SHOWN = 10


class _Difference(NamedTuple):
    """A difference with its least score; sorts by harm, then by place."""

    rank: int
    code: str
    floor: float


# what happened, the least score for it; worst first. A value that became null, or was, is retyped too, but less harm.
_RANKS = {"retyped": 0.5, "missing": 0.5, "enum": 0.5, "extra": 0.25, "null": 0.25, "reordered": 0.25}
_CODES = {"null": "retyped"}


@dataclass(frozen=True)
class StructureChange(Comparator):
    """How much of the JSON's shape changed: paths, types, order of arrays, labels outside the list in the prompt.

    Applies where the baseline answers well-formed JSON (or JSON Lines, read as an array) that is no list of tool calls
    (`tool_call_change` knows which of their arguments are defaults). 1 where the arm has none, or another type at the
    top. Else a path that is missing or has another type gives 0.5 plus half the share of paths that changed; an extra
    path, null in a value's place and a reordered array give 0.25 plus a quarter of that share. The order of keys does
    not count, nor does the length of arrays; what is inside an array is compared as one, `$.items[].price`.

    Sees: `missing:$.items[].price` (also if only some items lack it), `extra:$.note`, `retyped:$.price:number->string`,
    `retyped:$.name:string->null`, `reordered:$.tags`, and `enum:$.status` where the request names the baseline's label
    (in its schema, quoted, or anywhere in the system prompt) and not the arm's.

    Does not see: other values of the same shape (`answer_change`, `fact_change`), nor labels that no prompt names
    (`contract_violation` learns them).

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> full, less = Answer("m", text='{"id": 1, "price": 2}'), Answer("m", text='{"id": 1}')
    >>> StructureChange().compare(Pair(Request({}), full, less)).reason
    'missing:$.price'
    """

    version: ClassVar[int] = 3
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        text = pair.baseline.content
        baseline = payload(text).value if (is_json := answers_json(text)) else NO_JSON
        are_lines = is_json and baseline is NO_JSON
        if are_lines:
            baseline = json_lines(text)
        if baseline is NO_JSON:
            return inapplicable("no_json")
        if answers_in_calls(pair):
            return inapplicable("tool_calls")
        answer = json_lines(pair.answer.content, fewest=1) if are_lines else payload(pair.answer.content).value
        if answer is NO_JSON:
            return Score(1.0, "no_json")
        if canonical(baseline) == canonical(answer):
            return FINE
        before, after = shape_of(baseline), shape_of(answer)
        found = sorted({*_shape_differences(before, after), *_unseen(before, after, pair.request)})
        found += sorted(set(_reordered(baseline, answer)))
        if not found:
            return FINE
        worst = found[0]
        share = len(found) / max(len(found), len(before.types.keys() | after.types.keys()))
        value = 1.0 if worst.code.startswith("retyped:$:") else worst.floor * (1 + share)
        return Score(value, worst.code, ", ".join(difference.code for difference in found[:_SHOWN]))


def _difference(what: str, path: str, more: str = "") -> _Difference:
    return _Difference(list(_RANKS).index(what), f"{_CODES.get(what, what)}:{path}{more}", _RANKS[what])


def _shape_differences(before: Shape, after: Shape) -> Iterator[_Difference]:
    for path, types in before.types.items():
        if path in after.types:
            yield from _retyped(path, types, after.types[path])
        if _is_comparable(path, before, after) and before.is_always_there(path) and not _is_always_there(path, after):
            yield _difference("missing", path)
    for path in after.types:
        if path not in before.types and _is_comparable(path, after, before):
            yield _difference("extra", path)


def _is_always_there(path: str, shape: Shape) -> bool:
    return path in shape.types and shape.is_always_there(path)


def _is_comparable(path: str, shape: Shape, other: Shape) -> bool:
    """Whether the other side has what would hold the path: one missing object is one difference, not twenty."""
    parent = shape.parent.get(path)
    return parent is not None and not path.endswith("[]") and "object" in other.types.get(parent, ())


def _retyped(path: str, before: set[str], after: set[str]) -> Iterator[_Difference]:
    for name in sorted(after - before):
        was = min(before - {"null"}, default="null")
        yield _difference("null" if "null" in (name, was) else "retyped", path, f":{was}->{name}")


def _unseen(before: Shape, after: Shape, request: Request) -> Iterator[_Difference]:
    for path, labels in before.labels.items():
        others = after.labels.get(path, set()) - labels
        if not others or path in before.prose or path in after.prose:
            continue
        if all(is_named(label, request) for label in labels) and not all(is_named(it, request) for it in others):
            yield _difference("enum", path)


def _reordered(before: Any, after: Any) -> Iterator[_Difference]:
    """Arrays with the same items in another order. Inside arrays nothing is aligned, so nothing is looked for."""
    waiting = [("$", before, after)]
    while waiting:
        path, one, other = waiting.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            waiting.extend((f"{path}.{folded_key(key)}", one[key], other[key]) for key in one.keys() & other.keys())
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other) > 1:
            items, others = [canonical(item) for item in one], [canonical(item) for item in other]
            if items != others and sorted(items) == sorted(others):
                yield _difference("reordered", path)
