"""What the answers of a feature have looked like, as sums: any order, any partitioning, one after another or merged.

A sketch counts; `contracts.freeze` turns it into rules once a calibration window is over. It stays small: a path with
more than 32 different short strings, or with long ones, holds free text and its strings are forgotten; with more than
300 paths the shape is free. Both are sticky and depend on the union only, so merging is associative and commutative.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from comparators.format.json_shapes import Shape, shape_of
from comparators.format.json_text import has_fence, is_structure, payload
from comparators.format.languages import languages
from schemas import json_text
from schemas.ids import content_hash

SKETCH_VERSION = 1
_MOST_LABELS = 32
_MOST_PATHS = 300
BINS_PER_OCTAVE = 4

Counts = Mapping[tuple[str, ...], int]


@dataclass(frozen=True)
class ContractSketch:
    """Counts under keys such as `("fence",)`, `("type", "$.price", "number")`, `("label", "$.status", "9f2c…")`.

    `answers`, `json`, `fence` count answers; `language` (by code) and `length` (by quarter octaves of characters) are
    histograms of answers; `path` counts places in JSON, `parent` names what holds them, `label` and `type` count
    answers. `free` and `free_shape` mark what was given up.
    """

    counts: Counts = field(default_factory=dict)
    version: int = SKETCH_VERSION

    def __add__(self, other: "ContractSketch") -> "ContractSketch":
        """Both together.

        Raises:
            ValueError: they are of different versions.
        """
        if self.version != other.version:
            raise ValueError(f"sketches of versions {self.version} and {other.version} cannot be merged")
        return ContractSketch(_bounded(_sum((self.counts, other.counts))), self.version)


def sketch_of(texts: Iterable[str]) -> ContractSketch:
    """The sketch of some answers' texts."""
    return ContractSketch(_bounded(_sum(_counted(text) for text in texts)))


def sketch_bytes(sketch: ContractSketch) -> bytes:
    """The sketch as JSON; equal sketches give equal bytes."""
    rows = sorted([*key, count] for key, count in sketch.counts.items())
    return json_text.canonical({"version": sketch.version, "counts": rows})


def sketch_from_bytes(value: bytes) -> ContractSketch:
    """Read what `sketch_bytes` wrote.

    Raises:
        ValueError: no sketch, or one of another version.
    """
    fields = json_text.loads(value)
    if not isinstance(fields, dict) or fields.get("version") != SKETCH_VERSION:
        raise ValueError(f"no contract sketch of version {SKETCH_VERSION}")
    return ContractSketch({tuple(key): count for *key, count in fields["counts"]})


def label_mark(label: str) -> str:
    """What stands for a label in a sketch: a hash, because a sketch is stored where no text of anybody may be."""
    return content_hash(label)


def length_bin(text: str) -> int:
    """The length of a text in quarter octaves of characters, without outer white space."""
    return int(BINS_PER_OCTAVE * math.log2(1 + len(text.strip())))


def _counted(text: str) -> Counts:
    counts = {("answers",): 1, ("length", str(length_bin(text))): 1}
    if has_fence(text):
        counts["fence",] = 1
    found = payload(text).value
    if is_structure(found):
        counts["json",] = 1
        counts |= _shape_counts(shape_of(found))
    else:
        language = languages(text).main
        if language is not None:
            counts["language", language] = 1
    return counts


def _shape_counts(shape: Shape) -> Iterator[tuple[tuple[str, ...], int]]:
    for path, types in shape.types.items():
        yield ("path", path), shape.count[path]
        yield from ((("type", path, name), 1) for name in types)
        yield from ((("label", path, label_mark(label)), 1) for label in shape.labels.get(path, ()))
    yield from ((("parent", path, parent), 1) for path, parent in shape.parent.items() if path in shape.types)
    yield from ((("free", path), 1) for path in shape.prose)


def _sum(parts: Iterable[Counts]) -> dict[tuple[str, ...], int]:
    total: dict[tuple[str, ...], int] = {}
    for part in parts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return total


def _bounded(counts: dict[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    labels: dict[str, int] = {}
    paths = 0
    for key in counts:
        if key[0] == "label":
            labels[key[1]] = labels.get(key[1], 0) + 1
        paths += key[0] == "path"
    given_up = {path for path, count in labels.items() if count > _MOST_LABELS}
    given_up |= {key[1] for key in counts if key[0] == "free"}
    counts |= {("free", path): 1 for path in given_up}  # a mark, not a count
    if paths > _MOST_PATHS:
        counts["free_shape",] = 1
    shapeless = ("free_shape",) in counts
    return {
        key: 1 if key[0] in ("free", "free_shape") else count
        for key, count in counts.items()
        if not (key[0] == "label" and key[1] in given_up)
        and not (shapeless and key[0] in ("path", "parent", "type", "label", "free"))
    }
