"""How much of what is marked in labelled texts redaction finds, and what it takes wrongly.

`python -m benchmarks.redaction`

A mark counts as found when everything in it is covered by what was redacted, whatever the kind that took it; a kind's
precision counts what it took that touches no mark. `--real FOLDER` adds how often it fires on answers of models.
"""

import argparse
import gzip
import random
import re
import time
from collections import Counter
from pathlib import Path

import orjson

from streams.redaction import Redactor
from streams.redaction.redactor import KINDS

HERE = Path(__file__).parent
_MARK = re.compile(r"\{\{([a-z_]+):(.*?)\}\}")
_FILL = re.compile(r"<(an|hex|dec|b32:)(\d+)>")
_LETTERS = {
    "an": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "hex": "0123456789abcdef",
    "dec": "0123456789",
    "b32:": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
}


def labelled(path: Path) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """Texts with their marks: first character, the one after the last, kind."""
    rng = random.Random(5)
    texts = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        filled = _FILL.sub(lambda fill: "".join(rng.choices(_LETTERS[fill[1]], k=int(fill[2]))), line)
        text, marks, place = "", [], 0
        for mark in _MARK.finditer(filled):
            text += filled[place : mark.start()]
            marks.append((len(text), len(text) + len(mark[2]), mark[1]))
            text += mark[2]
            place = mark.end()
        texts.append((text + filled[place:], marks))
    return texts


def tell(path: Path, *, misses: bool) -> None:
    redactor = Redactor()
    marked, seen, taken, wrong = Counter(), Counter(), Counter(), Counter()
    for text, marks in labelled(path):
        found = redactor.find(text)
        covered = {place for one in found for place in range(one.start, one.end)}
        for start, end, kind in marks:
            marked[kind] += 1
            if covered.issuperset(range(start, end)):
                seen[kind] += 1
            elif misses:
                print(f"  missed {kind}: {text[start:end]!r} in {text!r}")
        for one in found:
            taken[one.kind] += 1
            if not any(one.start < end and start < one.end for start, end, _ in marks):
                wrong[one.kind] += 1
                if misses:
                    print(f"  taken as {one.kind}: {text[one.start : one.end]!r} in {text!r}")
    print(f"\n{path.name}\n| kind | marked | recall | taken | precision |\n|---|---|---|---|---|")
    for kind in [kind for kind in KINDS if marked[kind] or taken[kind]]:
        recall = f"{seen[kind] / marked[kind]:.2f}" if marked[kind] else "-"
        precision = f"{1 - wrong[kind] / taken[kind]:.2f}" if taken[kind] else "-"
        print(f"| `{kind}` | {marked[kind]} | {recall} | {taken[kind]} | {precision} |")
    recall, precision = seen.total() / marked.total(), 1 - wrong.total() / taken.total()
    print(f"| all | {marked.total()} | {recall:.2f} | {taken.total()} | {precision:.2f} |")


def tell_real(folder: Path) -> None:
    """What is taken from answers and prompts of published data, where next to nothing is personal."""
    redactor, kinds, size, examples = Redactor(), Counter(), 0, {}
    took = 0.0
    for path in sorted(folder.rglob("*.jsonl*")):
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                for text in _texts(orjson.loads(line)):
                    size += len(text)
                    begun = time.perf_counter()
                    found = redactor.find(text)
                    took += time.perf_counter() - begun
                    for one in found:
                        kinds[one.kind] += 1
                        examples.setdefault(one.kind, []).append(text[one.start : one.end])
    print(f"\n{folder}: {size / 1e6:.1f} million characters, {size / took / 1e6:.1f} a second")
    for kind, count in kinds.most_common():
        shown = random.Random(1).sample(examples[kind], min(6, count))
        print(f"  {kind} {count}, such as {shown}")


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print what was missed and what was taken wrongly")
    parser.add_argument("--real", type=Path, help="a folder with .jsonl or .jsonl.gz files")
    given = parser.parse_args()
    for name in ("redaction_tuned.txt", "redaction_unseen.txt"):
        tell(HERE / name, misses=given.misses)
    if given.real:
        tell_real(given.real)


if __name__ == "__main__":
    main()
