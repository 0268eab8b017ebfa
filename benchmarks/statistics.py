"""What the verdicts are worth: false alarms, delays, peers, and whole features through the judge. Seeded.

    python -m benchmarks.statistics            # some minutes; the table of benchmarks/statistics.md
    python -m benchmarks.statistics --quick    # a tenth of the streams

Real answers are taken from ../shared/data where it is there; without it those rows say so.
"""

import argparse
import time
import timeit
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import evidence_agreement, false_alarms, forecasts, judged_scenarios, trials_to_verdict
from benchmarks.judged_scenarios import FeatureVerdict
from comparators.drift.fold import fold
from schemas.comparisons import ArmScore, DimensionScore, Kind, Status

DATA = Path("../shared/data")

Scenario = Callable[[np.random.Generator], tuple[FeatureVerdict, dict[str, int]]]

SCENARIOS: dict[str, tuple[Scenario, str]] = {
    "refusals: 5 % gained, 5 % lost, the rate stays": (judged_scenarios.refusals_gained_and_lost, "never PASS"),
    "lossy tap, 10 % of the answers change form": (judged_scenarios.lossy_tap(0.1), "(beside it) replay_unfaithful"),
    "lossy tap, 30 %": (judged_scenarios.lossy_tap(0.3), "replay_unfaithful"),
    "lossy tap, 50 %": (judged_scenarios.lossy_tap(0.5), "replay_unfaithful"),
    "lossy tap, 100 %": (judged_scenarios.lossy_tap(1.0), "replay_unfaithful"),
    "provider away 5 % of the time": (judged_scenarios.outage(0.05), "no latch"),
    "provider away 30 % of the time": (judged_scenarios.outage(0.3), "no latch, no PASS"),
    "3 % catastrophes among small improvements": (judged_scenarios.catastrophes(0.03), "semantic_change FAILs"),
    "the same without any": (judged_scenarios.catastrophes(0.0), "(beside it) PASS"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="false alarms, delays and scenarios of the verdicts")
    parser.add_argument("--quick", action="store_true", help="a tenth of the streams")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real answers")
    chosen = parser.parse_args()
    seed, of = chosen.seed, 10 if chosen.quick else 1
    began = time.perf_counter()

    _table(
        f"False alarms: {1000 // of} A/A streams of 10,000 trials, looked at after every trial (goal: 5 %)",
        ("stream", "ever FAIL"),
        [(name, f"{share:.1%}") for name, share in false_alarms.single(seed, 1000 // of, 10_000)],
    )
    _table(
        f"Dimensions that learn first: {1000 // of} A/A streams, each calibrated anew, 10,000 trials after it (goal: 5 %)",
        ("stream", "ever FAIL"),
        [(name, f"{share:.1%}") for name, share in false_alarms.calibrated(seed, 1000 // of, 10_000)],
    )
    share = false_alarms.family(seed, 500 // of, 3000)
    _table(
        "The same for a family (goal: 5 %)",
        ("family", "any FAIL"),
        [(f"60 hypotheses latched, features appear over time, two epochs, {500 // of} candidates", f"{share:.1%}")],
    )
    _table(
        "False PASS: the true excess just above the tolerance (goal: 5 %)",
        ("stream", "ever PASS"),
        [(name, f"{share:.1%}") for name, share in false_alarms.false_pass(seed, 1000 // of, 10_000)],
    )
    _table(
        f"Trials to FAIL, rerun on every trial, {1000 // of} streams",
        (
            "drift",
            "goal (median)",
            "median",
            "80 %",
            "median at tolerance 0.01",
            "among 60 hypotheses",
            "tolerance 0.01, as designed: a block dimension of one of 3 declared features",
        ),
        trials_to_verdict.to_fail(seed, 1000 // of),
    )
    _table(
        "Trials to PASS of a candidate without drift (at least 300)",
        (
            "candidate",
            "median",
            "80 %",
            "median of one gambler who knew the best fraction",
            "test of fixed size, 80 % power, no peeking",
            "forecast of the median by `check`",
        ),
        trials_to_verdict.to_pass(seed, 200 // of, 40_000),
    )
    _table(
        f"Forecasts in `status`, one of 60 hypotheses, {200 // of} streams (goal: 80 % within the range)",
        (
            "stream",
            "told after",
            "undecided then",
            "told a verdict",
            "the right one",
            "within the range",
            "open end",
            "range",
        ),
        forecasts.honesty(seed, 200 // of),
    )
    for name, judges in false_alarms.side_by_side(seed, 200 // of, 10_000):
        _table(
            f"Judged as peers judge: {name}",
            ("judge", "ever FAIL", "median trials to FAIL"),
            [(judge, f"{share:.1%}", delay) for judge, (share, delay) in judges.items()],
        )
    _table(
        f"Whole features through the judge, {30 // of} runs each, 10 % reruns",
        ("scenario", "wanted", "ends as", "FAILs ever latched (median trials)"),
        [(name, wanted, *_watched(scenario, seed, 30 // of)) for name, (scenario, wanted) in SCENARIOS.items()],
    )
    _real(chosen.data, seed, 1000 // of)
    _table(
        "Evidence by hour in ClickHouse against numpy: random order, 10 % twice, 5 % corrected (goal: 1e-9)",
        ("", ""),
        evidence_agreement.agreement(seed, 500 // of),
    )
    _table(
        "One trial's update (goal: 50 µs)",
        ("trials in a batch", "µs per trial and dimension"),
        [(f"{batch}", f"{us:.1f}") for batch, us in _update_times(seed)],
    )
    print(f"\n{time.perf_counter() - began:.0f} s, seed {seed}")


def _watched(scenario: Scenario, seed: int, runs: int) -> tuple[str, str]:
    ends: Counter[str] = Counter()
    latched: dict[str, list[int]] = {}
    for run in range(runs):
        verdict, failed = scenario(np.random.default_rng((seed, run)))
        ends[f"{verdict.verdict} {verdict.why.partition(':')[0]}".strip()] += 1
        for dimension, at in failed.items():
            latched.setdefault(dimension, []).append(at)
    return (
        ", ".join(f"{end}: {count}" for end, count in ends.most_common()),
        ", ".join(f"{name}: {len(at)} ({np.median(at):,.0f})" for name, at in latched.items()) or "none",
    )


def _real(data: Path, seed: int, streams: int) -> None:
    try:
        from benchmarks import real_shifts
    except ImportError as missing:
        print(f"\nReal embeddings: not run, {missing}")
        return
    if not (data / real_shifts.FILE).exists():
        print(f"\nReal embeddings: not run, {data} has none; name the folder with --data")
        return
    plain, friendly = real_shifts.embedded(data)
    _table(
        "Real answers in real embeddings: goals 300 trials (content), 100 (constant style shift)",
        ("candidate", "median trials to FAIL", "ever FAIL in 1,000"),
        [
            (name, first, f"{share:.1%}")
            for name, first, share in (
                *real_shifts.other_content(seed, streams, 1000, plain),
                *(
                    ("style: " + name, first, share)
                    for name, first, share in real_shifts.style(seed, streams // 2, 1000, plain, friendly)
                ),
            )
        ],
    )


def _update_times(seed: int) -> list[tuple[int, float]]:
    rng = np.random.default_rng(seed)
    rows = []
    for batch in (64, 256, 4096):
        scores = [_scored(candidate, rerun) for candidate, rerun in rng.random((batch, 2)).tolist()]
        work = partial(fold, scores, [1.0] * batch, [1] * batch, tolerance=0.03)
        rows.append((batch, min(timeit.repeat(work, number=1, repeat=20)) / batch * 1e6))
    return rows


def _scored(candidate: float, rerun: float) -> DimensionScore:
    arms = (ArmScore(value, Status.SCORED, "distance") for value in (candidate, rerun))
    return DimensionScore("embedding_distance", Kind.DISTANCE, 1, next(arms), None, next(arms), candidate - rerun)


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
