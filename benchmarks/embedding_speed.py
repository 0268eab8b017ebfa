"""Pairs a second of embedding_distance, beside SentenceTransformer.encode at its defaults on the same texts.

    python -m benchmarks.embedding_speed --data ../shared/data [--pairs 200] [--rounds 3] [--threads 0]
        [--precision auto] [--check-bfloat16]

The texts are those of benchmarks.speed (real pairs, 580 characters a side on average), once as (baseline, candidate) and
once with every tenth pair's rerun added (the baseline side again, as `compare_many` gets it). `encode` gets both texts of
every pair in one list, as one writes it first. Rounds take turns, so that other work on the machine hits all alike; a
figure is the best round; "ratio of CPU" compares CPU time instead of wall time, which on a busy machine says more (with
`--threads 1`, where no thread waits for another). `cos` is the 99th percentile, over pairs, of how far the cosine is from encode's in float32;
texts beyond the model's window are left out of that (encode cuts them off, we do not).
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from benchmarks.speed import drawn
from comparators.semantic import embeddings

Texts = Sequence[tuple[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of both; 0: every core")
    parser.add_argument("--precision", choices=embeddings.PRECISIONS, default=embeddings.AUTO, help="of ours")
    parser.add_argument("--check-bfloat16", action="store_true", help="measure its cosines even where it is emulated")
    given = parser.parse_args()
    pairs = [(one.content, other.content) for _, one, other in drawn(given.data, given.pairs, seed=1)]
    plain = SentenceTransformer(embeddings._where(embeddings.DEFAULT), device="cpu")  # noqa: SLF001 - the same weights
    ours = embeddings.embedder(embeddings.DEFAULT, given.precision, given.threads)
    if given.threads:
        torch.set_num_threads(given.threads)
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, ", end="")
    print(f"bfloat16 by the processor: {embeddings.multiplies_bfloat16()}\n")
    print("| pairs | distinct texts | encode, pairs/s | ours, pairs/s | ratio | ratio of CPU | cos p99 |")
    print("|---|---|---|---|---|---|---|")
    for name, chosen in (("all", pairs), ("within the window", _within(plain, pairs)), ("with reruns", _reruns(pairs))):
        defaults, own, defaults_cpu, own_cpu = _turns(chosen, plain, ours, given.rounds)
        apart = _apart(_within(plain, chosen), plain, ours)
        distinct = len({text for pair in chosen for text in pair})
        print(
            f"| {name}: {len(chosen)} | {distinct} of {2 * len(chosen)} | {len(chosen) / defaults:.1f} |"
            f" {len(chosen) / own:.1f} | {defaults / own:.2f} | {defaults_cpu / own_cpu:.2f} | {apart:.5f} |",
            flush=True,
        )
    if given.check_bfloat16:
        rounded = embeddings.embedder(embeddings.DEFAULT, "bfloat16")
        print(f"\ncos p99 with bfloat16 linear layers: {_apart(_within(plain, pairs), plain, rounded):.5f}")


def _turns(pairs: Texts, plain: SentenceTransformer, ours: embeddings.Embedder, rounds: int) -> list[float]:
    """Wall seconds of encode and of ours, then their CPU seconds: the best of rounds that take turns."""
    best = [float("inf")] * 4
    for _ in range(rounds):
        for place, run in enumerate((lambda: _encoded(plain, pairs), lambda: _cosines(ours, pairs))):
            wall, cpu = _seconds(run)
            best[place], best[place + 2] = min(best[place], wall), min(best[place + 2], cpu)
    return best


def _seconds(run: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def _encoded(plain: SentenceTransformer, pairs: Texts) -> np.ndarray:
    vectors = plain.encode([text for pair in pairs for text in pair], show_progress_bar=False)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors[0::2] * vectors[1::2]).sum(axis=1)


def _cosines(ours: embeddings.Embedder, pairs: Texts) -> np.ndarray:
    rows = {text: row for row, text in enumerate(dict.fromkeys(text for pair in pairs for text in pair))}
    vectors = ours.encode(list(rows))
    return np.array([vectors[rows[one]] @ vectors[rows[other]] for one, other in pairs])


def _apart(pairs: Texts, plain: SentenceTransformer, ours: embeddings.Embedder) -> float:
    return float(np.quantile(np.abs(_encoded(plain, pairs) - _cosines(ours, pairs)), 0.99))


def _within(plain: SentenceTransformer, pairs: Texts) -> Texts:
    longest = plain.max_seq_length
    return [pair for pair in pairs if all(len(plain.tokenizer(text)["input_ids"]) <= longest for text in pair)]


def _reruns(pairs: Texts) -> Texts:
    """Every tenth trial with its rerun: the baseline text stands in two pairs, as in a batch of trials."""
    return [*pairs, *((one, other) for (one, _), (_, other) in zip(pairs[::10], pairs[1::10], strict=True))]


if __name__ == "__main__":
    main()
