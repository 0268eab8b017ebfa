"""What the verdicts are worth: false alarms, delays, peers, and whole features through the judge. Seeded.

    python -m benchmarks.statistics            # some minutes; the table of benchmarks/statistics.md
    python -m benchmarks.statistics --quick    # a tenth of the streams
    python -m benchmarks.statistics --only forecasts real

Real answers are taken from ../shared/data where it is there; without it those rows say so.
"""

import argparse
import time
import timeit
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Run:
    """What a part is made with: `of` divides the numbers of streams."""

    seed: int
    of: int
    data: Path


def _alarms(run: Run) -> None:
    """False alarms and false passes, looked at after every trial."""
    _table(
        f"False alarms: {1000 // run.of} A/A streams of 10,000 trials, looked at after every trial (goal: 5 %)",
        ("stream", "ever FAIL"),
        [(name, f"{share:.1%}") for name, share in false_alarms.single(run.seed, 1000 // run.of, 10_000)],
    )
    _table(
        f"Dimensions that learn first: {1000 // run.of} A/A streams, each calibrated anew, 10,000 trials after it (goal: 5 %)",
        ("stream", "ever FAIL"),
        [(name, f"{share:.1%}") for name, share in false_alarms.calibrated(run.seed, 1000 // run.of, 10_000)],
    )
    share = false_alarms.family(run.seed, 500 // run.of, 3000)
    _table(
        "The same for a family (goal: 5 %)",
        ("family", "any FAIL"),
        [(f"60 hypotheses latched, features appear over time, two epochs, {500 // run.of} candidates", f"{share:.1%}")],
    )
    _table(
        "False PASS: the true excess just above the tolerance (goal: 5 %)",
        ("stream", "ever PASS"),
        [(name, f"{share:.1%}") for name, share in false_alarms.false_pass(run.seed, 1000 // run.of, 10_000)],
    )


def _delays(run: Run) -> None:
    """How many trials a verdict takes."""
    _table(
        f"Trials to FAIL, rerun on every trial, {1000 // run.of} streams",
        (
            "drift",
            "goal (median)",
            "median",
            "80 %",
            "median at tolerance 0.01",
            "among 60 hypotheses",
            "tolerance 0.01, as designed: a block dimension of one of 3 declared features",
        ),
        trials_to_verdict.to_fail(run.seed, 1000 // run.of),
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
        trials_to_verdict.to_pass(run.seed, 200 // run.of, 40_000),
    )


def _forecasts(run: Run) -> None:
    """How honest `status` is about when."""
    _table(
        f"Forecasts in `status`, one of 60 hypotheses, {200 // run.of} streams (goal: 80 % within the range)",
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
        forecasts.honesty(run.seed, 200 // run.of),
    )


def _peers(run: Run) -> None:
    """The same streams as others judge them."""
    for name, judges in false_alarms.side_by_side(run.seed, 200 // run.of, 10_000):
        _table(
            f"Judged as peers judge: {name}",
            ("judge", "ever FAIL", "median trials to FAIL"),
            [(judge, f"{share:.1%}", delay) for judge, (share, delay) in judges.items()],
        )


def _scenarios(run: Run) -> None:
    """Whole features through the judge."""
    _table(
        f"Whole features through the judge, {30 // run.of} runs each, 10 % reruns",
        ("scenario", "wanted", "ends as", "FAILs ever latched (median trials)"),
        [(name, wanted, *_watched(scenario, run.seed, 30 // run.of)) for name, (scenario, wanted) in SCENARIOS.items()],
    )


def _clickhouse(run: Run) -> None:
    """ClickHouse against numpy."""
    _table(
        "Evidence by hour in ClickHouse against numpy: random order, 10 % twice, 5 % corrected (goal: 1e-9)",
        ("", ""),
        evidence_agreement.agreement(run.seed, 500 // run.of),
    )


def _update(run: Run) -> None:
    """The price of a trial."""
    _table(
        "One trial's update (goal: 50 µs)",
        ("trials in a batch", "µs per trial and dimension"),
        [(f"{batch}", f"{us:.1f}") for batch, us in _update_times(run.seed)],
    )


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


def _real(run: Run) -> None:
    """Shifts of real answers in their real embeddings."""
    seed, streams, data = run.seed, 300 // run.of, run.data
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
        f"Real answers in real embeddings, {streams} streams: goals 300 trials (content), 100 (constant style shift)",
        ("candidate", "median trials to FAIL", "ever FAIL in 1,000"),
        [
            (name, first, f"{share:.1%}")
            for name, first, share in (
                *real_shifts.other_content(seed, streams, 1000, plain),
                *(
                    ("style: " + name, first, share)
                    for name, first, share in real_shifts.style(seed, streams, 1000, plain, friendly)
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


PARTS = {
    "alarms": _alarms,
    "delays": _delays,
    "forecasts": _forecasts,
    "peers": _peers,
    "scenarios": _scenarios,
    "real": _real,
    "clickhouse": _clickhouse,
    "update": _update,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="false alarms, delays and scenarios of the verdicts")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="some parts of the page")
    parser.add_argument("--quick", action="store_true", help="a tenth of the streams")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real answers")
    chosen = parser.parse_args()
    began = time.perf_counter()
    for name in chosen.only:
        PARTS[name](Run(chosen.seed, 10 if chosen.quick else 1, chosen.data))
    print(f"\n{time.perf_counter() - began:.0f} s, seed {chosen.seed}")


if __name__ == "__main__":
    main()
