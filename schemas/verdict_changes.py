"""A change of a verdict, with the evidence it rests on: one row of `verdicts`."""

from schemas.values import immutable
from schemas.verdicts import DimensionVerdict, Verdict


@immutable
class VerdictChange:
    """A verdict that changed at `at_ms` (milliseconds since 1970 UTC).

    `dimension` is empty for a feature's verdict, `feature` too for a candidate's; then `epoch` is 0 and `evidence` is
    None. `compared` and `paired` count the comparisons seen, and those of them with a rerun.
    """

    upgrade: str
    candidate: str
    feature: str
    dimension: str
    epoch: int
    at_ms: int
    verdict: Verdict
    why: str = ""
    compared: int = 0
    paired: int = 0
    evidence: DimensionVerdict | None = None
