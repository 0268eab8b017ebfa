"""Are the seeded drifts found, each with the right dimension? Ten seeds in a row, scored without Kafka.

`python -m benchmarks.seeds [--seeds 10] [--first 1] [--out benchmarks/seeds.md]`. Two questions a seed:

* drift: the demo's traffic and doses. Every feature with a dose must fail in its dimension and in no other block
  dimension, every feature without one must PASS.
* lossy: in a share of each feature's tapped requests the system prompt is gone. Every feature must end INCONCLUSIVE
  with replay_unfaithful. What ends how where the requests carry no max_tokens (at which a chatty model is cut) is
  told, not demanded.

The real embedding model scores the features that drift in it; elsewhere the hashing embedder stands in, which needs a
twentieth of the time, unless `--model-everywhere` is given. In a lossy feature embeddings decide nothing.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from comparators.dimensions import load_dimensions
from comparators.scoring import FeatureRules
from schemas.verdicts import FeatureVerdict, Report, Verdict
from streams.embedded.support_desk import DEMO_DIMENSIONS, DEMO_DOSES, DEMO_EXCHANGES
from streams.embedded.support_desk_trials import desk_trials, differences, judged

HASHING = {**DEMO_DIMENSIONS, "embedding_distance": {"model": "hashing"}}
LOST = 0.35  # share of a feature's tapped requests without their system prompt
LOSSY_EXCHANGES = 400
KEPT_BY_SCHEMA = frozenset({"ticket_fields"})  # the provider enforces its schema, prompt or not: the form stays


def lossy_features() -> dict[str, float]:
    """The features whose answers change form without a system prompt."""
    return {feature: LOST for feature in DEMO_DOSES if feature not in KEPT_BY_SCHEMA}


def drift_report(seed: int, *, model_everywhere: bool = False) -> Report:
    """The demo's traffic and doses, judged."""
    real, hashing = FeatureRules(load_dimensions(DEMO_DIMENSIONS)), FeatureRules(load_dimensions(HASHING))
    rules = {feature: real for feature, doses in DEMO_DOSES.items() if "embedding_distance" in doses}
    return judged(desk_trials(seed), rules | {"": real if model_everywhere else hashing})


def lossy_report(seed: int, *, limited: bool = True) -> Report:
    """The same drift behind a tap that loses system prompts, judged; `limited`: requests carry max_tokens."""
    lossy = lossy_features()
    rules = {"": FeatureRules(load_dimensions(HASHING))}
    return judged(desk_trials(seed, dict.fromkeys(lossy, LOSSY_EXCHANGES), DEMO_DOSES, lossy, limited=limited), rules)


def lossy_differences(report: Report) -> list[str]:
    """What a lossy tap's report should not say."""
    lossy = lossy_features()
    return differences(report, {feature: DEMO_DOSES[feature] for feature in lossy}, lossy)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--model-everywhere", action="store_true")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    wrong: list[str] = []
    drifts: dict[int, Mapping[str, FeatureVerdict]] = {}
    lossies: dict[int, Mapping[str, FeatureVerdict]] = {}
    endless: dict[int, Mapping[str, FeatureVerdict]] = {}
    started = time.perf_counter()
    for seed in seeds:
        report = drift_report(seed, model_everywhere=chosen.model_everywhere)
        lossy = lossy_report(seed)
        drifts[seed], lossies[seed] = _features(report), _features(lossy)
        endless[seed] = _features(lossy_report(seed, limited=False))
        found = [f"seed {seed}: {line}" for line in differences(report)]
        found += [f"seed {seed}, lossy: {line}" for line in lossy_differences(lossy)]
        wrong += found
        print(f"seed {seed}: {found or 'as seeded'} ({time.perf_counter() - started:.0f} s)", flush=True)
    text = _page(seeds, drifts, lossies, endless, wrong)
    print(text)
    if chosen.out is not None:
        chosen.out.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


def _features(report: Report) -> dict[str, FeatureVerdict]:
    return {feature.feature: feature for feature in report.candidates[0].features}


def _page(
    seeds: range,
    drifts: Mapping[int, Mapping[str, FeatureVerdict]],
    lossies: Mapping[int, Mapping[str, FeatureVerdict]],
    endless: Mapping[int, Mapping[str, FeatureVerdict]],
    wrong: list[str],
) -> str:
    lines = [
        "# The seeded drifts, seed by seed",
        "",
        f"Command: `python -m benchmarks.seeds --first {seeds[0]} --seeds {len(seeds)} --out benchmarks/seeds.md`.",
        f"{sum(DEMO_EXCHANGES.values())} exchanges a seed, rerun = 1.0, no Kafka; settings are the defaults. The real",
        "embedding model scores the features that drift in it, the hashing embedder the others.",
        "",
        "## Drift",
        "",
        "`dose` is the share of version B's answers that were made wrong in that dimension; `noise`, `candidate` and",
        "`excess` are of the seeded dimension (of the noisiest deciding one where nothing was seeded), over all seeds.",
        "",
        "| feature | exchanges | dose | verdicts | noise | candidate | excess |",
        "|---|---|---|---|---|---|---|",
    ]
    for feature, doses in DEMO_DOSES.items():
        judged_features = [drifts[seed][feature] for seed in seeds]
        dose = ", ".join(f"{name} {share}" for name, share in doses.items()) or "none"
        told = [_told(judged_feature, doses) for judged_feature in judged_features]
        spans = (_span([row[place] for row in told]) for place in range(3))
        lines.append(
            f"| {feature} | {DEMO_EXCHANGES[feature]} | {dose} | {_counted(judged_features)} | {' | '.join(spans)} |"
        )
    lines += [
        "",
        "## Lossy tap",
        "",
        f"{LOSSY_EXCHANGES} exchanges a feature; {LOST:.0%} of the tapped requests lost their system prompt; else as",
        "above. Without `max_tokens` the same loss shows only where it moves a score of one answer by more than the",
        "tolerance; those verdicts are what they are.",
        "",
        "| feature | verdicts | verdicts where requests carry no `max_tokens` |",
        "|---|---|---|",
        *(
            f"| {feature} | {_counted([lossies[seed][feature] for seed in seeds])} | "
            f"{_counted([endless[seed][feature] for seed in seeds])} |"
            for feature in lossy_features()
        ),
        "",
        "## Not as seeded",
        "",
        *(f"- {line}" for line in wrong or ["nothing"]),
        "",
    ]
    return "\n".join(lines)


def _counted(features: list[FeatureVerdict]) -> str:
    counts: dict[str, int] = {}
    for feature in features:
        why = f" ({feature.why})" if feature.why else ""
        counts[f"{feature.verdict}{why}"] = counts.get(f"{feature.verdict}{why}", 0) + 1
    return ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()))


def _told(feature: FeatureVerdict, doses: Mapping[str, float]) -> tuple[float | None, float | None, float | None]:
    seeded = [d for d in feature.dimensions if d.dimension in doses]
    telling = seeded or [d for d in feature.dimensions if d.verdict is Verdict.PASS and d.effect == "block"]
    chosen = max(telling, key=lambda d: d.rerun or 0.0, default=None)
    return (chosen.rerun, chosen.candidate, chosen.excess) if chosen is not None else (None, None, None)


def _span(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):.3f} to {max(known):.3f}" if known else "none"


if __name__ == "__main__":
    sys.exit(main())
