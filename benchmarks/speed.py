"""Pairs a second on one core: all deterministic comparators together, beside a floor and the tools people use today.

    python -m benchmarks.speed --data ../shared/data [--pairs 2000] [--peers PYTHON ...] [--profile FILE]

The pairs are real ones (two versions, or the same model asked again), drawn so that a side has 580 characters on
average. Measured is `compare_many` of every comparator that uses no embedding model, for the candidate and, where
the score is of one answer, for the baseline: what one trial costs. The floor is rapidfuzz, orjson and one regular
expression on the same pairs, in the interpreters given by `--peers`. Ours is the best of `--rounds` rounds, each with
other pairs and with everything forgotten that comparators remember of texts (a worker remembers them too, but meets
new ones). All times are CPU time of one process on one thread, so that a busy machine distorts them less than a clock
would.
"""

import argparse
import cProfile
import functools
import gc
import platform
import pstats
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from benchmarks.peer_runs import run_timed
from benchmarks.real_answers import CODE, JSON, PROSE, real_pairs
from comparators.comparator import Comparator, Pair
from comparators.dimensions import Dimension, load_dimensions
from schemas.answers import Answer
from schemas.comparisons import Kind
from schemas.exchanges import Request

BATCH = 256  # trials, as in streams/topology.py
CHARACTERS = 580  # of a side, on average
WITH_A_MODEL = frozenset(("embedding_distance", "semantic_change", "style_shift"))
OF_ONE_ANSWER = (Kind.PROPERTY, Kind.PROPERTY_BOTH, Kind.MEASURE)


def drawn(data: Path, count: int, *, seed: int) -> list[tuple[Request, Answer, Answer]]:
    """That many real pairs from all files in turn, the longest left out until a side is 580 characters on average."""
    by_file = []
    for file in (*PROSE, *CODE, *JSON):
        pairs = list(real_pairs(data, (file,)))
        Random(f"{seed}:{file}").shuffle(pairs)
        by_file.append(pairs)
    turns = [pairs[turn] for turn in range(max(map(len, by_file))) for pairs in by_file if turn < len(pairs)]
    ordered = sorted(turns, key=_size)
    while sum(map(_size, ordered)) > 2 * CHARACTERS * len(ordered):
        ordered.pop()
    kept = set(map(id, ordered))
    return [pair for pair in turns if id(pair) in kept][:count]


def comparator_pairs(comparator: Comparator, drawn_pairs: Sequence[tuple[Request, Answer, Answer]]) -> list[Pair]:
    """What a comparator gets for these trials: the candidate, and the baseline where it scores one answer."""
    pairs = [Pair(request, baseline, answer) for request, baseline, answer in drawn_pairs]
    if comparator.kind in OF_ONE_ANSWER:
        pairs += [Pair(request, baseline, baseline) for request, baseline, _ in drawn_pairs]
    return pairs


def fresh(drawn_pairs: Sequence[tuple[Request, Answer, Answer]]) -> list[tuple[Request, Answer, Answer]]:
    """The same pairs as new objects, so that nothing kept on a request or string speeds up a later round."""
    return [
        (Request(dict(request.body)), Answer("first", text=_copy(baseline)), Answer("second", text=_copy(answer)))
        for request, baseline, answer in drawn_pairs
    ]


def forget_texts() -> None:
    """Empty every sized cache of the comparators: what they remember of texts, not the word lists they loaded."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("comparators.", "schemas.")):
            for kept in vars(module).values():
                if isinstance(kept, functools._lru_cache_wrapper) and kept.cache_parameters()["maxsize"]:  # noqa: SLF001
                    kept.cache_clear()


def seconds(dimensions: Sequence[Dimension], drawn_pairs: Sequence[tuple[Request, Answer, Answer]]) -> dict[str, float]:
    """CPU seconds of each comparator over these pairs: batches as workers score them, one comparator after the other."""
    pairs = fresh(drawn_pairs)
    spent = dict.fromkeys((dimension.name for dimension in dimensions), 0.0)
    for first in range(0, len(pairs), BATCH):
        for dimension in dimensions:
            given = comparator_pairs(dimension.comparator, pairs[first : first + BATCH])
            began = time.process_time()
            dimension.comparator.compare_many(given)
            spent[dimension.name] += time.process_time() - began
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", nargs="*", default=[], metavar="PYTHON", help="interpreters that have other tools")
    parser.add_argument("--profile", type=Path, help="write the hot spots of each comparator")
    given = parser.parse_args()
    dimensions = [dimension for dimension in load_dimensions() if dimension.name not in WITH_A_MODEL]
    rounds = []
    for number in range(given.rounds):
        pairs = drawn(given.data, 10**9, seed=given.seed + number)[: given.pairs]
        forget_texts()
        gc.collect()
        gc.freeze()  # as a worker does with what it loads: other rounds' pairs are none of its garbage
        rounds.append(seconds(dimensions, pairs))
    best = min(rounds, key=lambda spent: sum(spent.values()))
    total = sum(best.values())
    side = sum(map(_size, pairs)) / 2 / len(pairs)
    print(f"{len(pairs)} real pairs, {side:.0f} characters a side on average, one core.")
    print(f"{platform.machine()}, {_processor()}, Python {platform.python_version()}\n")
    print("| what | pairs/s | ratio |\n|---|---|---|")
    print(f"| **all {len(dimensions)} deterministic comparators** | **{len(pairs) / total:,.0f}** | 1 |")
    for said in run_timed(given.peers, pairs):
        speed = len(pairs) / said["seconds"]
        print(f"| {said['name']} ({said['settings']}) | {speed:,.0f} | {speed * total / len(pairs):.2f} |")
    print("\n| comparator | microseconds a pair | share |\n|---|---|---|")
    for name, spent in sorted(best.items(), key=lambda item: -item[1]):
        print(f"| `{name}` | {spent / len(pairs) * 1e6:.1f} | {spent / total:.1%} |")
    if given.profile:
        given.profile.write_text(hot_spots(dimensions, fresh(pairs)), encoding="utf-8")


def hot_spots(dimensions: Sequence[Dimension], pairs: Sequence[tuple[Request, Answer, Answer]], most: int = 8) -> str:
    """The functions that cost most, per comparator, by their own time; profiling itself makes all of them slower."""
    out = [f"Own time of functions over {len(pairs)} pairs, under cProfile.\n"]
    for dimension in dimensions:
        given = comparator_pairs(dimension.comparator, fresh(pairs))
        profile = cProfile.Profile()
        profile.runcall(dimension.comparator.compare_many, given)
        stats = pstats.Stats(profile)
        rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])[:most]  # type: ignore[attr-defined]
        out.append(f"## {dimension.name}: {stats.total_tt * 1e6 / len(pairs):.0f} us a pair\n")  # type: ignore[attr-defined]
        out += [
            f"- {own * 1e6 / len(pairs):7.1f} us  {calls / len(pairs):6.1f} calls  {Path(file).name}:{line} {name}"
            for (file, line, name), (_, calls, own, _, _) in rows
        ]
        out.append("")
    return "\n".join(out)


def _size(pair: tuple[Request, Answer, Answer]) -> int:
    return len(pair[1].content) + len(pair[2].content)


def _copy(answer: Answer) -> str:
    return "".join(list(answer.content))


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


if __name__ == "__main__":
    main()
