"""Shifts of real answers, in their real embeddings: content exchanged, style added. Needs ../shared/data and MiniLM."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.evidence_paths import NEVER, first_fail, median, share_ever
from comparators.drift.style_shift import FIRST, REACH
from comparators.semantic.embeddings import DEFAULT, embedder

DATA = Path(__file__).parents[1].parent / "shared/data/stability"
MARK = math.log(20)
CLIP = 0.25
SUFFIX = "\n\nLet me know if you have any other questions!"

Floats = npt.NDArray[np.float64]


def _answers(name: str) -> list[list[str]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        return [[str(r["content"] if isinstance(r, dict) else r) for r in row["responses"]] for row in rows]


def _embedded(answers: list[list[str]], ending: str = "") -> Floats:
    """Unit vectors of shape (prompts, repeats, 384)."""
    texts = [text + ending for row in answers for text in row]
    vectors = np.asarray(embedder(DEFAULT).encode(texts), dtype=np.float64)
    return vectors.reshape(len(answers), -1, vectors.shape[-1])


def other_content(seed: int, streams: int, trials: int) -> list[tuple[str, str, float]]:
    """gpt-4o asked five times: three repeats are baseline, rerun and candidate; some candidates answer another prompt.

    Median trials to FAIL at tolerance 0 and 0.03, and the share that ever fails.
    """
    vectors = _embedded(_answers("strict_json_open.jsonl.gz"))
    prompts, repeats, _ = vectors.shape
    rng = np.random.default_rng(seed)
    rows = []
    for share in (0.0, 0.05):
        at = rng.integers(0, prompts, (streams, trials))
        order = rng.permuted(np.broadcast_to(np.arange(repeats), (streams, trials, repeats)), axis=2)
        elsewhere = np.where(rng.random(at.shape) < share, (at + rng.integers(1, prompts, at.shape)) % prompts, at)
        d = np.empty(at.shape)
        for row in range(streams):
            b, r = vectors[at[row], order[row, :, 0]], vectors[at[row], order[row, :, 1]]
            c = vectors[elsewhere[row], order[row, :, 2]]
            d[row] = np.clip(1 - (b * c).sum(1), 0, 1) - np.clip(1 - (b * r).sum(1), 0, 1)
        for tolerance in (0.0, 0.03):
            first = first_fail(d, tolerance, MARK, CLIP)
            rows.append((f"{share:.0%} about something else, tolerance {tolerance}", median(first), share_ever(first)))
    return rows


def style(seed: int, streams: int, trials: int) -> list[tuple[str, str, float]]:
    """gpt-4o asked twice: rerun and candidate by coin, the candidate with a friendly last line, or moved by a vector.

    Snapshots of the direction as in `style_shift`; trials count from the first one, those of learning included.
    """
    answers = _answers("gpt4o_math_repeats.jsonl.gz")
    plain, friendly = _embedded(answers), _embedded(answers, SUFFIX)
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=plain.shape[-1])
    moved = plain + 0.05 * direction / np.linalg.norm(direction)
    moved /= np.linalg.norm(moved, axis=2, keepdims=True)
    rows = []
    for name, candidates in (
        ("none (A/A)", plain),
        ("a constant 0.05 in one direction", moved),
        ("a friendly last line", friendly),
    ):
        d = np.stack([_projected(rng, plain, candidates, trials) for _ in range(streams)])
        for tolerance in (0.0, 0.05):
            first = first_fail(d, tolerance, MARK, CLIP)
            first = np.where(first == NEVER, NEVER, first + FIRST)
            rows.append((f"{name}, tolerance {tolerance}", median(first), share_ever(first)))
    return rows


def _projected(rng: np.random.Generator, reruns: Floats, candidates: Floats, trials: int) -> Floats:
    at = rng.integers(0, len(reruns), trials)
    coin = rng.integers(0, 2, trials)
    differences = candidates[at, 1 - coin] - reruns[at, coin]
    sums = differences.cumsum(axis=0)
    d = []
    due = FIRST
    while due < trials:
        until = min(2 * due, trials)
        d.append(differences[due:until] @ (sums[due - 1] / np.linalg.norm(sums[due - 1])) / REACH)
        due = until
    return np.clip(np.concatenate(d), -1.0, 1.0)
