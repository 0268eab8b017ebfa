"""Rates that follow the verdicts, against fixed ones: false alarms, hours to a verdict, requests bought. Seeded.

    python -m benchmarks.adaptive_rates            # about a minute; prints the table of benchmarks/README.md

Three features of different traffic, day and night, watched for a week and judged every ten minutes: a distance (flips of
the current pin by itself, needs reruns, tolerance 0.03) and a property (failures, no reruns, tolerance 0.01). Both arms
of the comparison use the same shares as the replay role: `streams.replay.rates.raised_rerun`, and `settled` of the
exchanges once a feature's verdict stands. All randomness is drawn anew for each policy; the traffic is the same law.
"""

import argparse
import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from comparators.drift.fold import fail_fractions, pass_fractions
from comparators.drift.forecast import trials_to_pass
from schemas.settings import Sampling
from streams.replay.rates import FLIPS, raised_rerun

Floats = npt.NDArray[np.float64]
STEPS_PER_HOUR = 6
DAYS = 7
MIN_HOURS, MIN_TRIALS, ALPHA = 24, 300, 0.05
PER_HOUR = {"busy": 400.0, "middling": 60.0, "quiet": 8.0}
FAIL_AT = math.log(2 * len(PER_HOUR) / ALPHA)  # alpha shared by all tests of the upgrade
PASS_AT = math.log(1 / ALPHA)
DISTANCE, PROPERTY = 0.03, 0.01  # tolerances
RATES = Sampling()


@dataclass(frozen=True)
class World:
    """What is true.

    The current pin differs from itself in `flips` of its answers, the candidate in `more` besides; production fails in
    `fails` of them, the candidate in `worse` besides.
    """

    name: str
    flips: float = 0.02
    more: float = 0.0
    fails: float = 0.01
    worse: float = 0.0


WORLDS = (
    World("no drift"),
    World("drift exactly at both tolerances", more=DISTANCE, worse=PROPERTY),
    World("answers drift by 8 %", more=0.08),
    World("failures 1 -> 6 %", worse=0.05),
)
POLICIES = ("fixed, rerun 10 %", "fixed, rerun 100 %", "adaptive")


class Gamblers:
    """The evidence of many streams in one dimension: D is -1, 0 or 1."""

    def __init__(self, streams: int, tolerance: float, up: float, down: float) -> None:
        self.up, self.down = up, down
        gains = np.array([1.0, -1.0, 0.0])
        self._fail = np.log1p(np.outer(gains - tolerance, fail_fractions(tolerance)))
        self._pass = np.log1p(np.outer(tolerance - gains, pass_fractions(tolerance)))
        self._against, self._for = (np.zeros((streams, self._fail.shape[1])) for _ in range(2))
        self.trials = np.zeros(streams)

    def see(self, rng: np.random.Generator, trials: npt.NDArray[np.int64]) -> None:
        """So many more trials of each stream."""
        counts = rng.multinomial(trials, [self.up, self.down, 1 - self.up - self.down])
        self._against += counts @ self._fail
        self._for += counts @ self._pass
        self.trials += trials

    def fails(self, mark: float = FAIL_AT) -> npt.NDArray[np.bool_]:
        """Which streams have reached the mark against "no more than tolerated"."""
        return _log_e(self._against) >= mark

    def passes(self) -> npt.NDArray[np.bool_]:
        """Which have it for "less than tolerated", on enough trials."""
        return (_log_e(self._for) >= PASS_AT) & (self.trials >= MIN_TRIALS)


def _log_e(wealth: Floats) -> Floats:
    return np.logaddexp.reduce(wealth, axis=1) - math.log(wealth.shape[1])


@dataclass
class Watched:
    """A feature over a week, stream by stream: when it first failed or passed (hours, inf: never), and requests."""

    failed_h: Floats
    passed_h: Floats
    requests: Floats
    in_two_days: Floats
    reached: npt.NDArray[np.bool_]  # 1/alpha in one of its two tests, as if each were the only one


def watch(rng: np.random.Generator, policy: str, world: World, per_hour: float, streams: int) -> Watched:
    """One feature of many upgrades at once."""
    one_way = world.flips * (1 - world.flips)
    distance = Gamblers(streams, DISTANCE, one_way + world.more * (1 - world.flips), one_way)
    failures = world.fails + world.worse
    plain = Gamblers(streams, PROPERTY, failures * (1 - world.fails), world.fails * (1 - failures))
    failed, passed = np.full(streams, np.inf), np.full(streams, np.inf)
    requests, early = np.zeros(streams), np.zeros(streams)
    came, reached = np.zeros(streams), np.zeros(streams, dtype=bool)
    needed = trials_to_pass(FLIPS, DISTANCE, ALPHA) or 0
    for step in range(DAYS * 24 * STEPS_PER_HOUR):
        hour = step / STEPS_PER_HOUR
        settled = np.isfinite(np.minimum(failed, passed))  # as published after the last look
        share, rerun = np.ones(streams), np.full(streams, 1.0 if policy == POLICIES[1] else RATES.rerun)
        if policy == POLICIES[2]:
            seen = came / hour if hour else np.zeros(streams)
            raised = [raised_rerun(needed, MIN_HOURS, float(pace), RATES.rerun) for pace in seen]
            rerun = np.where(settled, RATES.rerun, raised)
            share = np.where(settled, RATES.settled, 1.0)
        arrivals = rng.poisson(per_hour / STEPS_PER_HOUR * (1 - 0.9 * math.cos(2 * math.pi * hour / 24)), streams)
        came += arrivals
        asked = rng.binomial(arrivals, share)
        again = rng.binomial(asked, rerun)
        distance.see(rng, again)
        plain.see(rng, asked)
        requests += asked + again
        if hour < 48:
            early += asked + again
        after = hour + 1 / STEPS_PER_HOUR
        failed = np.where(np.isinf(failed) & (distance.fails() | plain.fails()), after, failed)
        reached |= distance.fails(PASS_AT) | plain.fails(PASS_AT)
        both = distance.passes() & plain.passes() & (after >= MIN_HOURS)
        passed = np.where(np.isinf(passed) & both & np.isinf(failed), after, passed)
    return Watched(failed, passed, requests, early, reached)


def row(seed: int, policy: str, world: World, streams: int) -> str:
    """A line of the table."""
    rng = np.random.default_rng(seed)
    found = {name: watch(rng, policy, world, per_hour, streams) for name, per_hour in PER_HOUR.items()}
    any_fail = np.any([np.isfinite(one.failed_h) for one in found.values()], axis=0).mean()
    reached = np.mean([one.reached.mean() for one in found.values()])
    hours = [np.median(np.minimum(one.failed_h, one.passed_h)) for one in found.values()]
    shown = ", ".join("never" if np.isinf(hour) else f"{hour:.0f}" for hour in hours)
    week = np.mean(sum(one.requests for one in found.values()))
    two_days = np.mean(sum(one.in_two_days for one in found.values()))
    return f"| {world.name} | {policy} | {any_fail:.2%} | {reached:.2%} | {shown} | {two_days:,.0f} | {week:,.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    started = time.monotonic()
    print(
        "| what is true | rates | upgrades with a FAIL | features with e >= 20 | hours to a verdict | requests in 48 h | in 7 days |"
    )
    print("|---|---|---|---|---|---|---|")
    for world in WORLDS:
        for policy in POLICIES:
            print(row(chosen.seed, policy, world, chosen.streams), flush=True)
    print(f"\n{chosen.streams} upgrades each, seed {chosen.seed}, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
