"""The labelled files of the data folder, and the rules by which their sources label them."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparators.comparator import Pair
from schemas.answers import Answer
from schemas.exchanges import Request

_YES, _NO = re.compile(r"\byes\b", re.IGNORECASE), re.compile(r"\bno\b", re.IGNORECASE)
_BOX = re.compile(r"boxed\{(\d+)\}")


def yes_or_no(text: str) -> str | None:
    """LLMDrift's rule for primes: any "yes" wins, else any "no"."""
    return "yes" if _YES.search(text) else "no" if _NO.search(text) else None


def boxed(text: str) -> str | None:
    """LLMDrift's rule for happy numbers: the digits of the last box."""
    found = _BOX.findall(text)
    return found[-1] if found else None


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def pair_of(line: dict[str, Any], both: str = "") -> Pair:
    """Baseline and candidate; with `both`, one arm as both, as a property of the baseline is scored."""
    before, after = (text_of(line, side) for side in (both * 2 or "ab"))
    return Pair(Request(line["request"]), Answer("a", text=before), Answer("b", text=after))


def text_of(line: dict[str, Any], side: str) -> str:
    return line[f"response_{side}"]["content"] or ""


def refused(line: dict[str, Any], side: str, who: str = "human") -> bool:
    return "refusal" in line["label"][f"{who}_{side}"]


def similarities(data: Path) -> tuple[NDArray[np.float64], list[Pair]]:
    """STS-B: similarity by people, 0 to 5, and the pairs."""
    rows = [line.split("\t") for line in (data / "sts/stsb_dev.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    pairs = [Pair(Request({}), Answer("a", text=row[1]), Answer("b", text=row[2])) for row in rows]
    return np.array([float(row[0]) for row in rows]), pairs
