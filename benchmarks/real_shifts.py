"""Shifts of real answers, in their real embeddings: content exchanged, style added. Needs ../shared/data and MiniLM."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.evidence_paths import NEVER, first_fail, median, share_ever
from comparators.semantic.distance_bands import Distance, bands_of
from comparators.semantic.embeddings import DEFAULT, embedder
from comparators.semantic.semantic_change import SemanticChange
from comparators.semantic.style_shift import REACH, StyleShift

FILE = "stability/gpt4o_math_repeats.jsonl.gz"
PROMPTS = 80
MARK = math.log(20)
CLIP = 0.25
SUFFIX = "\n\nLet me know if you have any other questions!"

Floats = npt.NDArray[np.float64]


def _answers(data: Path) -> list[list[str]]:
    """Pairs of different answers of gpt-4o to the same question, neither very short nor longer than the model reads."""
    with gzip.open(data / FILE, "rt", encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines)
        pairs = [[str(r["content"] if isinstance(r, dict) else r) for r in row["responses"]] for row in rows]
    telling = [pair for pair in pairs if pair[0] != pair[1] and all(80 <= len(text) <= 1300 for text in pair)]
    return telling[:PROMPTS]


def embedded(data: Path) -> tuple[Floats, Floats]:
    """Unit vectors of shape (prompts, 2, 384): the answers, and the same with a friendly last line."""
    answers = _answers(data)
    texts = [text for pair in answers for text in pair]
    vectors = np.asarray(embedder(DEFAULT).encode([*texts, *(text + SUFFIX for text in texts)]), dtype=np.float64)
    plain, friendly = vectors.reshape(2, len(answers), 2, vectors.shape[-1])
    return plain, friendly


def other_content(seed: int, streams: int, trials: int, plain: Floats) -> list[tuple[str, str, float]]:
    """Some of the candidate's answers are those to another question; the others differ as much as reruns do.

    There are two answers to a question, not three, so the candidate's usual distance is that of another question's
    rerun: more noise than a real third answer would have, because what is hard to repeat is so for both. Median trials
    to FAIL, and the share that ever fails.
    """
    rng = np.random.default_rng(seed)
    usual = np.clip(1 - (plain[:, 0] * plain[:, 1]).sum(axis=1), 0, 1)
    across = np.clip(1 - plain[:, 0] @ plain[:, 1].T, 0, 1)
    at, other, third = rng.integers(0, len(plain), (3, streams, trials))
    bands = bands_of([Distance(float(one), 300) for one in rng.choice(usual, SemanticChange().window)])
    rows = []
    for share in (0.0, 0.05):
        elsewhere = (rng.random(at.shape) < share) & (other != at)
        candidate = np.where(elsewhere, across[at, other], usual[third])
        d = candidate - usual[at]
        beyond = (candidate > bands.threshold(300)) - bands.allowed
        for name, first in (
            ("embedding_distance, tolerance 0", first_fail(d, 0.0, MARK, CLIP)),
            ("embedding_distance, tolerance 0, were it not clipped at 0.25", first_fail(d, 0.0, MARK)),
            ("embedding_distance, tolerance 0.03", first_fail(d, 0.03, MARK, CLIP)),
            ("semantic_change after its calibration, tolerance 0", first_fail(beyond, 0.0, MARK)),
            ("semantic_change after its calibration, tolerance 0.005", first_fail(beyond, 0.005, MARK)),
        ):
            rows.append((f"{share:.0%} about something else: {name}", median(first), share_ever(first)))
    return rows


def style(seed: int, streams: int, trials: int, plain: Floats, friendly: Floats) -> list[tuple[str, str, float]]:
    """gpt-4o asked twice: rerun and candidate by coin, the candidate with a friendly last line, or moved by a vector.

    The direction is frozen after the window of `style_shift`; trials count from the first one, the window's included.
    """
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
        for tolerance in (0.0, 0.01):
            first = first_fail(d, tolerance, MARK, CLIP)
            first = np.where(first == NEVER, NEVER, first + StyleShift().window)
            rows.append((f"{name}, tolerance {tolerance}", median(first), share_ever(first)))
    return rows


def _projected(rng: np.random.Generator, reruns: Floats, candidates: Floats, trials: int) -> Floats:
    at = rng.integers(0, len(reruns), trials)
    coin = rng.integers(0, 2, trials)
    differences = candidates[at, 1 - coin] - reruns[at, coin]
    window = StyleShift().window
    learnt = differences[:window].sum(axis=0)
    along: Floats = np.clip(differences[window:] @ (learnt / np.linalg.norm(learnt)) / REACH, -1.0, 1.0)
    return along
