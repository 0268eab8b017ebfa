"""An epoch with the numbers that its evidence is made with: one row of `epochs`."""

from schemas.comparisons import Kind
from schemas.values import immutable
from schemas.verdicts import Epoch


@immutable
class EpochRow:
    """An epoch as it is stored: `tolerance` in [0, clip), `clip` in (0, 1]; a clip of 1 clips nothing."""

    epoch: Epoch
    kind: Kind
    tolerance: float
    clip: float
