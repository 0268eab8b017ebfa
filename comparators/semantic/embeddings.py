"""Texts as vectors: a sentence-embedding model, or a hashing one that needs no weights.

A text longer than the model's window is cut into equal pieces that fit it, so that nothing is silently left out; its
vector is the mean of the pieces' vectors, weighted by their tokens. Pieces of a batch are run in order of length, so
that little is padded, and each distinct one once. On processors that multiply bfloat16 themselves the linear layers do
so, which moves a cosine by less than 0.002 in 99 of 100 pairs (benchmarks/embedding_speed.py); all else stays float32.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
