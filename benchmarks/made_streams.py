"""Made streams of D, of shape (streams, trials), and of the scores they come from."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def failures(rng: np.random.Generator, shape: tuple[int, int], before: float, after: float) -> tuple[Floats, Floats]:
    """0/1 scores of rerun (or baseline) and candidate that fail independently at these rates."""
    return (rng.random(shape) < before).astype(float), (rng.random(shape) < after).astype(float)


def excess(rng: np.random.Generator, shape: tuple[int, int], mean: float, deviation: float = 0.08) -> Floats:
    """D with normal noise."""
    return rng.normal(mean, deviation, shape)


def flips(rng: np.random.Generator, shape: tuple[int, int], of_itself: float, more: float = 0.0) -> Floats:
    """D of a distance: rerun and candidate each differ from the baseline by chance, the candidate more often."""
    rerun, candidate = failures(rng, shape, of_itself, of_itself + more)
    return candidate - rerun
