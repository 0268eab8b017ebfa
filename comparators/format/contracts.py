"""Rules of form that a feature's baseline answers kept during a calibration window, frozen.

A rule is made only where the baseline was regular: nearly always, or nearly never. How often something unseen must be
expected is estimated by Good's missing mass (the share of what was seen once; Good 1953, after Turing): where it is
above 1 %, unseen labels and paths are no violation.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from comparators.format.contract_sketch import (
    BINS_PER_OCTAVE,
    SKETCH_VERSION,
    ContractSketch,
    Counts,
    label_mark,
    length_bin,
)
from comparators.format.json_shapes import Shape, shape_of
from comparators.format.json_text import has_fence, is_structure, payload
from comparators.format.languages import languages
from schemas import json_text

FEWEST_ANSWERS = 50
_NEARLY_ALWAYS = 0.95  # of answers: JSON, fence, language
_REQUIRED = 0.99  # of the objects that could hold a key
_MISSING_MASS = 0.01
_TAIL = 0.005  # of lengths, on each side, before the band is widened by an octave


@dataclass(frozen=True)
class Contract:
    """The rules. None or empty: no rule. `presence` is the share of objects that hold a path, for readers."""

    answers: int
    is_json: bool = False
    fence: bool | None = None
    language: str | None = None
    shortest: int = 0  # length bins, see `contract_sketch.length_bin`
    longest: int = 0
    required: tuple[str, ...] = ()
    presence: tuple[tuple[str, float], ...] = ()
    types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_closed: bool = False  # no path beyond those in `types` is expected
    version: int = SKETCH_VERSION


def freeze(sketch: ContractSketch) -> str:
    """The contract as text for the setting `contract` of `contract_violation`; empty with fewer than 50 answers."""
    counts = sketch.counts
    answers = counts.get(("answers",), 0)
    if answers < FEWEST_ANSWERS:
        return ""
    json_answers = counts.get(("json",), 0)
    is_json = json_answers >= _NEARLY_ALWAYS * answers
    shortest, longest = _band(counts, answers)
    contract = Contract(
        answers=answers,
        is_json=is_json,
        fence=_habit(counts.get(("fence",), 0), answers),
        language=_language(counts),
        shortest=shortest,
        longest=longest,
        **_shape_rules(counts, json_answers) if is_json and ("free_shape",) not in counts else {},
    )
    return json_text.canonical(asdict(contract)).decode()


@lru_cache(maxsize=512)
def contract_from(text: str) -> Contract:
    """Read what `freeze` wrote.

    Raises:
        ValueError: no contract, or one of another version.
    """
    fields = json_text.loads(text)
    if not isinstance(fields, dict) or fields.get("version") != SKETCH_VERSION:
        raise ValueError(f"contract: no contract of version {SKETCH_VERSION}")
    try:
        return Contract(**{key: _frozen(value) for key, value in fields.items()})
    except TypeError as wrong:
        raise ValueError(f"contract: {wrong}") from wrong


def violations(contract: Contract, text: str) -> Iterator[str]:
    """The rules an answer breaks, as codes, worst first."""
    value = payload(text).value
    if is_structure(value):
        if contract.is_json:
            yield from sorted(_broken_shape(contract, shape_of(value)), key=_by_harm)
    elif contract.is_json:
        yield "no_json"
    else:
        language = languages(text).main
        if None not in (language, contract.language) and language != contract.language:
            yield f"language:{language}"
    if contract.fence is not None and has_fence(text) is not contract.fence:
        yield "fence:-" if contract.fence else "fence:+"
    length = length_bin(text)
    if not contract.shortest <= length <= contract.longest:
        yield "length:short" if length < contract.shortest else "length:long"


def _by_harm(code: str) -> tuple[int, str]:
    return ("missing", "type", "label", "extra").index(code.partition(":")[0]), code


def _broken_shape(contract: Contract, shape: Shape) -> Iterator[str]:
    known = dict(contract.types)
    for path in contract.required:
        parent = path.rpartition(".")[0]
        if shape.count.get(path, 0) < shape.count.get(parent, 0):
            yield f"missing:{path}"
    for path, types in shape.types.items():
        if path not in known:
            if contract.is_closed and path.rpartition(".")[0] in known:
                yield f"extra:{path}"
        elif not types <= set(known[path]):
            yield f"type:{path}:{min(types - set(known[path]))}"
    for path, labels in contract.labels:
        if path in shape.prose or not {label_mark(label) for label in shape.labels.get(path, ())} <= set(labels):
            yield f"label:{path}"


def _habit(count: int, answers: int) -> bool | None:
    share = count / answers
    return share >= _NEARLY_ALWAYS if share >= _NEARLY_ALWAYS or share <= 1 - _NEARLY_ALWAYS else None


def _language(counts: Counts) -> str | None:
    known = {key[1]: count for key, count in counts.items() if key[0] == "language"}
    total = sum(known.values())
    if total < FEWEST_ANSWERS:
        return None
    language = max(sorted(known), key=known.__getitem__)
    return language if known[language] >= _NEARLY_ALWAYS * total else None


def _band(counts: Counts, answers: int) -> tuple[int, int]:
    bins = sorted((int(key[1]), count) for key, count in counts.items() if key[0] == "length")
    return (
        _quantile(bins, answers) - BINS_PER_OCTAVE,
        _quantile(list(reversed(bins)), answers) + BINS_PER_OCTAVE,
    )


def _quantile(bins: list[tuple[int, int]], answers: int) -> int:
    passed = 0
    for place, count in bins:
        passed += count
        if passed > _TAIL * answers:
            return place
    raise ValueError("a sketch whose lengths do not add up to its answers")


def _shape_rules(counts: Counts, json_answers: int) -> dict[str, Any]:
    places = {key[1]: count for key, count in counts.items() if key[0] == "path"}
    parents = {key[1]: key[2] for key in counts if key[0] == "parent"}
    keys = {path: parent for path, parent in parents.items() if not path.endswith("[]")}
    presence = {path: places[path] / places[parent] for path, parent in keys.items()}
    types: dict[str, list[str]] = {}
    labels: dict[str, dict[str, int]] = {}
    for key, count in counts.items():
        if key[0] == "type":
            types.setdefault(key[1], []).append(key[2])
        elif key[0] == "label":
            labels.setdefault(key[1], {})[key[2]] = count
    return {
        "required": tuple(sorted(path for path, share in presence.items() if share >= _REQUIRED)),
        "presence": tuple(sorted((path, round(share, 4)) for path, share in presence.items())),
        "types": tuple(sorted((path, tuple(sorted(names))) for path, names in types.items())),
        "labels": tuple(sorted((path, tuple(sorted(seen))) for path, seen in labels.items() if _is_settled(seen))),
        "is_closed": sum(places[path] == 1 for path in keys) <= _MISSING_MASS * json_answers,
    }


def _is_settled(seen: dict[str, int]) -> bool:
    """Whether nearly every label that will come has been seen."""
    once = sum(count == 1 for count in seen.values())
    return sum(seen.values()) >= FEWEST_ANSWERS and once <= _MISSING_MASS * sum(seen.values())


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
