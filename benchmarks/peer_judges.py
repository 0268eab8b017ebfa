"""The same streams as others judge them. Each is written from its documentation, with its settings stated here.

* fixed threshold: the check of most prompt-regression tools, "mean score of the candidate above a limit"; looked at
  after every trial from the 30th on. Limit for failure rates 0.03, for distances 0.25.
* relative threshold: as opendiffy's documentation has it: report when the candidate differs more often than the second
  baseline, by more than 20 % of both together and by more than 0.03 % of all; here over a rate of differences.
* z-test at every look: one-sided paired z > 1.645, from the 30th trial on.
* Mann-Whitney: as canary analysis does it (Kayenta, 98 % confidence), rerun against candidate, looked at 20 times.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu

from benchmarks.evidence_paths import NEVER, first_fail, median, share_ever
from benchmarks.made_streams import Floats

BURN_IN = 30
LOOKS = 20
Z95 = 1.645
MANN_WHITNEY_LEVEL = 0.02


def everybody(rerun: Floats, candidate: Floats) -> dict[str, tuple[float, str]]:
    """Share of streams ever failed and median delay, by judge."""
    yes_no = bool(np.isin(candidate, (0.0, 1.0)).all())
    clip = 1.0 if yes_no else 0.25
    firsts = {
        "shadowtap, tolerance 0": first_fail(candidate - rerun, 0.0, math.log(20), clip),
        "shadowtap, tolerance 0.01": first_fail(candidate - rerun, 0.01, math.log(20), clip),
        "fixed threshold": _from(_means(candidate) > (0.03 if yes_no else 0.25)),
        "relative threshold": _from(_relative(rerun, candidate)),
        "z-test at every look": _from(_z(candidate - rerun) > Z95),
        "Mann-Whitney, 20 looks": _mann_whitney(rerun, candidate),
    }
    return {name: (share_ever(first), median(first)) for name, first in firsts.items()}


def _means(x: Floats) -> Floats:
    means: Floats = x.cumsum(axis=1) / np.arange(1, x.shape[1] + 1)
    return means


def _relative(rerun: Floats, candidate: Floats) -> npt.NDArray[np.bool_]:
    noise, raw = _means(rerun), _means(candidate)
    both = np.maximum(noise + raw, 1e-12)
    verdict: npt.NDArray[np.bool_] = (raw > noise) & ((raw - noise) / both > 0.20) & (raw - noise > 0.0003)
    return verdict


def _z(d: Floats) -> Floats:
    n = np.arange(1, d.shape[1] + 1)
    mean = _means(d)
    variance = np.maximum(_means(d * d) - mean**2, 0.0)
    z: Floats = np.where(variance > 0, mean * np.sqrt(n) / np.sqrt(np.maximum(variance, 1e-12)), 0.0)
    return z


def _from(alarms: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    late = alarms[:, BURN_IN - 1 :]
    return np.where(late.any(axis=1), late.argmax(axis=1) + BURN_IN, NEVER)


def _mann_whitney(rerun: Floats, candidate: Floats) -> npt.NDArray[np.int64]:
    first = np.full(len(rerun), NEVER)
    every = rerun.shape[1] // LOOKS
    for look in range(every, rerun.shape[1] + 1, every):
        waiting = np.flatnonzero(first == NEVER)
        if not waiting.size:
            break
        p = mannwhitneyu(
            candidate[waiting, :look], rerun[waiting, :look], alternative="greater", axis=1, method="asymptotic"
        ).pvalue
        first[waiting[p < MANN_WHITNEY_LEVEL]] = look
    return first
