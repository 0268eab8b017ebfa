"""The desk's traffic as trials, each arm asked already: for benchmarks and tests that need neither Kafka nor HTTP.

Everything else is the real thing: records are decoded as tapped ones are, models are those the provider serves, and
the judge is the judge.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from comparators.dimensions import load_dimensions
from comparators.drift.alpha import families
from comparators.drift.fold import fold_comparisons, merge
from comparators.drift.judge import JudgeRules, Known, judge
from comparators.learning import Learning
from comparators.scoring import FeatureRules, score_trials
from schemas.answers import Answer, Arm
from schemas.exchanges import Request, Source
from schemas.ids import content_hash
from schemas.settings import Tap
from schemas.trials import CandidateAnswer, Trial, trial_id
from schemas.verdicts import Effect, FeatureVerdict, Report, Verdict
from streams.embedded.support_desk import (
    CANDIDATE,
    CURRENT,
    DEMO_DIMENSIONS,
    DEMO_DOSES,
    DEMO_EXCHANGES,
    VERSION_A,
    VERSION_B,
    DeskModel,
    desk_models,
    traffic,
)
from streams.embedded.support_desk_drift import Doses
from streams.embedded.tapped import seeded_rng
from streams.tap.chat import read_response
from streams.tap.decode import decode

if TYPE_CHECKING:
    from comparators.drift.evidence import Evidence, EvidenceKey

UPGRADE = "desk"
BATCH = 256
END_MS = 1_794_600_000_000  # a moment in November 2026: trials do not depend on the clock

CONSEQUENCES: Mapping[str, frozenset[str]] = {
    "invalid_json": frozenset({"schema_violation", "structure_change", "answer_change"}),
    "code_fence": frozenset({"invalid_json", "schema_violation", "structure_change"}),
    "schema_violation": frozenset({"structure_change"}),
    "structure_change": frozenset({"schema_violation"}),
    "refusal": frozenset({"answer_change"}),
}
"""Block dimensions that may fail with a seeded one, because it cannot be given without them."""


def desk_trials(
    seed: int,
    per_feature: int | Mapping[str, int] = DEMO_EXCHANGES,
    doses: Doses = DEMO_DOSES,
    lossy: Mapping[str, float] | None = None,
    *,
    limited: bool = True,
) -> Iterator[Trial]:
    """Every exchange of the desk's traffic with the answers of version B and of a rerun, in event-time order."""
    models = desk_models(seed, doses)
    tap = Tap(topics=("desk",))
    for offset, tapped in enumerate(traffic(seed, per_feature, end_ms=END_MS, lossy=lossy, limited=limited)):
        headers = [(name, value) for name, value in tapped.headers]
        (exchange,) = decode(tapped.value, headers, tapped.ts_ms, Source("desk", "desk", 0, offset), tap)
        request_id = exchange.request_id
        yield Trial(
            trial_id=trial_id(UPGRADE, exchange.source, exchange.ts_ms),
            upgrade=UPGRADE,
            current=CURRENT,
            source=exchange.source,
            ts_ms=exchange.ts_ms,
            request_id=request_id,
            feature=exchange.headers["x-feature"],
            request=exchange.request,
            baseline=exchange.baseline,
            candidates=(
                CandidateAnswer(
                    VERSION_B,
                    CANDIDATE,
                    content_hash(CANDIDATE),
                    _asked(models[VERSION_B], exchange.request, seed, request_id, f"{Arm.CANDIDATE}:{VERSION_B}"),
                ),
            ),
            rerun=_asked(models[VERSION_A], exchange.request, seed, request_id, Arm.RERUN),
        )


def judged(trials: Iterable[Trial], rules: Mapping[str, FeatureRules] | None = None) -> Report:
    """Score, fold and judge trials of the desk, as at the end of a file.

    `rules` are by feature, "" for every other one; None for the defaults.
    """
    trials = list(trials)
    in_force = JudgeRules(rules or {"": FeatureRules(load_dimensions(DEMO_DIMENSIONS))}, ended=True)
    learning = Learning(in_force.of)
    evidence: dict[EvidenceKey, Evidence] = {}
    for start in range(0, len(trials), BATCH):
        comparisons = score_trials(trials[start : start + BATCH], learning.of)
        learning.learn(comparisons)
        evidence = merge(evidence, fold_comparisons(comparisons, in_force.of, lambda *_: 1))
    seen = tuple(dict.fromkeys(trial.feature for trial in trials))
    learnt = replace(in_force, rules={**in_force.rules, **{feature: learning.of(feature) for feature in seen}})
    shares = {(family.candidate, family.feature): family.share for family in families(VERSION_B, (), seen)}
    known = Known(pins={VERSION_B: CANDIDATE}, shares=shares)
    return judge(UPGRADE, CURRENT, evidence, learnt, known, {"consumed": len(trials)})


def differences(report: Report, doses: Doses = DEMO_DOSES, lossy: Iterable[str] = ()) -> list[str]:
    """What differs from the drift that was put in, one line each; none is as it should be.

    A feature with a dose must fail in its dimension and in no other block dimension beyond its `CONSEQUENCES`, one
    without must PASS, a `lossy` one must be INCONCLUSIVE because of `replay_unfaithful`.
    """
    wrong = []
    for candidate in report.candidates:
        found = {feature.feature: feature for feature in candidate.features}
        for name, given in doses.items():
            if name in found:
                wrong += [f"{name}: {line}" for line in _differences(found[name], given, is_lossy=name in set(lossy))]
            else:
                wrong.append(f"{name}: never compared")
    return wrong


def _differences(feature: FeatureVerdict, doses: Mapping[str, float], *, is_lossy: bool) -> Iterator[str]:
    failed = {judged.dimension: judged.effect for judged in feature.dimensions if judged.verdict is Verdict.FAIL}
    if is_lossy:
        if feature.verdict is not Verdict.INCONCLUSIVE or "replay_unfaithful" not in feature.why:
            yield f"its tap is lossy, but {feature.verdict} ({feature.why})"
        return
    seeded = {dimension for dimension, dose in doses.items() if dose}
    if not seeded and feature.verdict is not Verdict.PASS:
        yield f"unchanged, but {feature.verdict} ({feature.why})"
    for dimension in sorted(seeded - failed.keys()):
        yield f"drift in {dimension} was put in and not found"
    allowed = seeded.union(*(CONSEQUENCES.get(dimension, frozenset()) for dimension in seeded))
    for dimension, effect in failed.items():
        if effect is Effect.BLOCK and dimension not in allowed:
            yield f"{dimension} failed, which was not put in"


def _asked(model: DeskModel, request: Request, seed: int, request_id: str, arm: str) -> Answer:
    body = model.answer({**request.body, "model": model.name}, {}, seeded_rng(seed, model.name, request_id, arm, 0))
    latency_ms = body.pop("simulated_latency_ms")
    said = read_response(body)
    return Answer(
        said.model or model.name,
        said.text,
        said.tool_calls,
        said.finish_reason,
        said.usage,
        latency_ms,
        fingerprint=said.fingerprint,
    )
