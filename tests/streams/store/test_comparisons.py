"""Comparisons, scores and evidence in a real ClickHouse."""

import dataclasses
import json
import random
from collections import defaultdict

import pytest

from comparators.drift.evidence import Evidence, EvidenceKey
from comparators.drift.fold import fold
from schemas.answers import Answer, ToolCall, Usage
from schemas.comparisons import ArmScore, Comparison, DimensionScore, Kind, Status
from schemas.epochs import EpochRow
from schemas.exchanges import Request, Source
from schemas.touched import Touched
from schemas.trials import CandidateAnswer, Trial, comparison_id, trial_id
from schemas.verdicts import Epoch
from streams.redaction import Redactor
from streams.store.comparisons import hour_of, row_version

UPGRADE = "summaries"
START_MS = 1_790_000_000_000
FEATURES = ("chat", "billing")
DIMENSIONS = {  # name: kind, tolerance, clip
    "invalid_json": (Kind.PROPERTY, 0.01, 1.0),
    "refusal": (Kind.PROPERTY_BOTH, 0.03, 1.0),
    "embedding_distance": (Kind.DISTANCE, 0.03, 0.25),
    "latency": (Kind.MEASURE, 0.05, 0.25),
}
EPOCHS = [
    EpochRow(Epoch("next", "", name, 1, 1, "{}", "first", START_MS), kind, tolerance, clip)
    for name, (kind, tolerance, clip) in DIMENSIONS.items()
]


def first_epoch(candidate, feature, dimension):
    return 1


def made_trial(number, *, text="fine", tokens=7):
    source = Source("c", "llm.gateway", number % 3, number)
    ts_ms = START_MS + number * 97_001
    return Trial(
        trial_id=trial_id(UPGRADE, source, ts_ms),
        upgrade=UPGRADE,
        current="openai/gpt-x",
        source=source,
        ts_ms=ts_ms,
        request_id=f"r{number}",
        feature=FEATURES[number % 2],
        request=Request({"messages": [{"role": "user", "content": text}]}),
        baseline=Answer("gpt-x", text=text, latency_ms=800.0, usage=Usage(5, tokens)),
        candidates=(CandidateAnswer("next", "openai/gpt-y", "h1", Answer("gpt-y", text=text, cost_usd=0.002)),),
        rerun=Answer("gpt-x", text=text) if number % 4 else None,
        weight=1.0 + number % 3,
    )


def made_score(name, rng, rerun):
    kind = DIMENSIONS[name][0]

    def arm():
        value = float(rng.random() < 0.3) if kind in (Kind.PROPERTY, Kind.PROPERTY_BOTH) else rng.random()
        return ArmScore(value, Status.SCORED, "fence" if value > 0.5 else "")

    if rng.random() < 0.1:
        return DimensionScore(name, kind, 1, ArmScore(None, Status.FAILED, "raised:ValueError"), None, None, None)
    if rng.random() < 0.1:
        return DimensionScore(name, kind, 1, ArmScore(None, Status.SKIPPED, "no_answer"), arm(), None, None)
    b, r, c = arm() if kind is not Kind.DISTANCE else None, arm() if rerun else None, arm()
    d = {
        Kind.PROPERTY: lambda: c.value - b.value,
        Kind.PROPERTY_BOTH: lambda: abs(c.value - b.value) - abs(r.value - b.value) if r else None,
        Kind.DISTANCE: lambda: c.value - r.value if r else None,
        Kind.MEASURE: lambda: c.value - r.value if r else None,
    }[kind]()
    return DimensionScore(name, kind, 1, c, b, r, d)


def made_comparison(number, seed=0, **trial):
    made = made_trial(number, **trial)
    rng = random.Random(f"{seed}/{number}")
    scores = tuple(made_score(name, rng, made.rerun is not None) for name in DIMENSIONS)
    return Comparison(comparison_id(made.trial_id, "next", "h1"), "next", "h1", made, scores)


def made_batch(numbers, seed=0):
    return [(made_comparison(number, seed), 1000 + number) for number in numbers]


def touched_by(comparisons):
    return {Touched(UPGRADE, c.candidate, c.trial.feature, hour_of(c.trial.ts_ms)) for c in comparisons}


def folded(comparisons):
    """The evidence of these comparisons as numpy makes it."""
    groups = defaultdict(list)
    for comparison in comparisons:
        for score in comparison.scores:
            groups[comparison.trial.feature, score.dimension].append((score, comparison.trial))
    return {
        EvidenceKey("next", feature, name, 1): fold(
            [score for score, _ in group],
            [trial.weight for _, trial in group],
            [trial.ts_ms for _, trial in group],
            tolerance=DIMENSIONS[name][1],
            clip=DIMENSIONS[name][2],
        )
        for (feature, name), group in groups.items()
    }


def assert_same_evidence(found, wanted):
    assert set(found) == set(wanted)
    for key, evidence in wanted.items():
        for field in dataclasses.fields(Evidence):
            value, other = getattr(found[key], field.name), getattr(evidence, field.name)
            if isinstance(other, float | tuple):
                assert value == pytest.approx(other, rel=1e-9, abs=1e-9), (key, field.name)
            else:
                assert value == other, (key, field.name)


async def scores_by_id(store, columns="candidate_score, d, status"):
    rows = await store.query(f"SELECT comparison_id, dimension, {columns} FROM scores")
    return {(str(identity), dimension): values for identity, dimension, *values in rows}


async def test_a_batch_delivered_again_in_other_batches_counts_once(store):
    batch = made_batch(range(60))
    await store.add_epochs(UPGRADE, EPOCHS)
    for part in (batch, batch[:10], batch[5:40], list(reversed(batch))):
        assert await store.insert_comparisons(part, first_epoch) == []
    counts = [
        (await store.query(f"SELECT count() FROM {table}"))[0][0]
        for table in ("comparisons", "scores", "exchanges", "answers")
    ]
    assert counts == [60, 240, 60, 60 * 2 + 45]
    stored = await scores_by_id(store)
    for comparison, _ in batch:
        for score in comparison.scores:
            assert stored[str(comparison.comparison_id), score.dimension] == [
                score.candidate.value, score.d, score.candidate.status.value,
            ]  # fmt: skip


async def test_of_a_trial_asked_twice_the_one_that_came_first_counts(store):
    first, again = made_comparison(1, seed=1), made_comparison(1, seed=2)
    for batch in ([(again, 900)], [(first, 100)], [(again, 900)]):
        await store.insert_comparisons(batch, first_epoch)
    stored = await scores_by_id(store)
    assert [stored[str(first.comparison_id), score.dimension][0] for score in first.scores] == [
        score.candidate.value for score in first.scores
    ]
    assert row_version(100) > row_version(900)
    assert row_version(900, comparator_version=2) > row_version(100, comparator_version=1)


async def test_evidence_is_that_of_numpy_after_duplicates_corrections_and_withdrawals(store):
    await store.add_epochs(UPGRADE, EPOCHS)
    batch = made_batch(range(400))
    await store.insert_comparisons(batch, first_epoch)
    await store.insert_comparisons(batch[50:150], first_epoch)
    comparisons = [comparison for comparison, _ in batch]
    await store.refresh_evidence(touched_by(comparisons))
    assert_same_evidence(await store.read_evidence(UPGRADE), folded(comparisons))

    corrected = made_batch(range(30), seed=5)  # the same trials with other scores
    await store.insert_comparisons(corrected, first_epoch)
    await store.refresh_evidence(touched_by(c for c, _ in corrected))
    comparisons[:30] = [comparison for comparison, _ in corrected]
    assert_same_evidence(await store.read_evidence(UPGRADE), folded(comparisons))

    await store.insert_comparisons(batch[:30], first_epoch)  # corrected back: the same rows as at first
    await store.refresh_evidence(touched_by(c for c, _ in batch[:30]))
    comparisons[:30] = [comparison for comparison, _ in batch[:30]]
    assert_same_evidence(await store.read_evidence(UPGRADE), folded(comparisons))

    nothing = ArmScore(None, Status.SKIPPED, "withdrawn")
    for place, comparison in enumerate(comparisons):
        if comparison.trial.feature == "chat":
            scores = tuple(
                dataclasses.replace(score, candidate=nothing, baseline=None, rerun=None, d=None)
                for score in comparison.scores
            )
            comparisons[place] = dataclasses.replace(comparison, scores=scores)
    withdrawn = [(c, 1000 + place) for place, c in enumerate(comparisons) if c.trial.feature == "chat"]
    await store.insert_comparisons(withdrawn, first_epoch)
    await store.refresh_evidence(touched_by(c for c, _ in withdrawn))
    found = await store.read_evidence(UPGRADE)
    assert_same_evidence(found, folded(comparisons))
    assert found["next", "chat", "refusal", 1].n == 0
    assert found["next", "chat", "refusal", 1].skipped == 200


async def test_evidence_of_scores_that_vanished_is_zero(store):
    await store.add_epochs(UPGRADE, EPOCHS)
    batch = made_batch(range(20))
    await store.insert_comparisons(batch, first_epoch)
    touched = touched_by(c for c, _ in batch)
    await store.refresh_evidence(touched)
    await store.query("ALTER TABLE scores_rows DELETE WHERE feature = 'chat' SETTINGS mutations_sync = 1")
    await store.refresh_evidence(touched)
    found = await store.read_evidence(UPGRADE)
    assert found["next", "chat", "latency", 1] == Evidence()
    assert found["next", "billing", "latency", 1].scored > 0


async def test_scores_of_an_unknown_epoch_are_never_judged_silently(store):
    from schemas.errors import UnreachableError

    await store.insert_comparisons(made_batch(range(3)), first_epoch)
    with pytest.raises(UnreachableError, match="epoch that is not in epochs"):
        await store.refresh_evidence(touched_by(c for c, _ in made_batch(range(3))))


async def test_a_row_that_clickhouse_refuses_is_found_and_the_rest_is_stored(store):
    batch = made_batch(range(40))
    poison = made_comparison(17, tokens=10**30)
    batch[17] = (poison, 1017)
    refused = await store.insert_comparisons(batch, first_epoch)
    assert [comparison for comparison, _ in refused] == [poison]
    assert "answers_rows" in refused[0][1]
    assert (await store.query("SELECT count() FROM comparisons"))[0][0] == 39
    assert (await store.query("SELECT count() FROM scores"))[0][0] == 39 * 4


async def test_texts_are_stored_only_when_asked_for(store):
    numbers = [(made_comparison(1, text="secret"), 1)]
    await store.insert_comparisons(numbers, first_epoch, "none")
    assert await store.query("SELECT max(length(request)) FROM exchanges") == [(0,)]
    assert await store.query("SELECT countIf(text IS NOT NULL) FROM answers") == [(0,)]
    assert await store.query("SELECT max(answer_chars) FROM answers") == [(6,)]
    await store.insert_comparisons(numbers, first_epoch, "full")
    assert await store.query("SELECT DISTINCT text FROM answers") == [("secret",)]
    assert (await store.query("SELECT request FROM exchanges"))[0][0].count("secret") == 1


async def test_redacted_texts_are_stored_without_personal_data_and_keys(store):
    texts = "Write to ada@example.org, card 4111 1111 1111 1111, customer KD-123456"
    made = made_comparison(1, text=texts)
    calls = (ToolCall("pay", {"card": 4111111111111111, "to": ["ada@example.org"], "ada@example.org": "x", "n": 7}),)
    made = dataclasses.replace(
        made, trial=dataclasses.replace(made.trial, baseline=Answer("m", text=texts, tool_calls=calls))
    )
    redactor = Redactor({"customer": r"KD-[0-9]+"})
    assert await store.insert_comparisons([(made, 1)], first_epoch, "redacted", redactor) == []
    redacted = "Write to [EMAIL], card [CARD], customer [CUSTOMER]"
    assert await store.query("SELECT DISTINCT text FROM answers") == [(redacted,)]
    request = (await store.query("SELECT request FROM exchanges"))[0][0]
    assert json.loads(request) == {"messages": [{"role": "user", "content": redacted}]}
    kept = (await store.query("SELECT tool_calls_json FROM answers WHERE tool_calls_json != ''"))[0][0]
    arguments = {"card": "[CARD]", "to": ["[EMAIL]"], "[EMAIL]": "x", "n": 7}
    assert json.loads(kept) == [{"name": "pay", "arguments": arguments}]


async def test_a_reason_never_carries_personal_data(store):
    made = made_comparison(1)
    told = ArmScore(1.0, Status.SCORED, "missing:$.ada@example.org\n" + "x" * 500, "ada@example.org")
    scores = tuple(dataclasses.replace(score, candidate=told, rerun=told) for score in made.scores)
    answer = Answer("m", error="rejected:ada@example.org", finish_reason="for ada@example.org")
    trial = dataclasses.replace(made.trial, baseline=answer)
    await store.insert_comparisons([(dataclasses.replace(made, scores=scores, trial=trial), 1)], first_epoch)
    rows = await store.query("SELECT DISTINCT reason, rerun_reason FROM scores")
    assert rows == [("missing:$.[EMAIL] " + "x" * 174,) * 2]
    assert await store.query("SELECT DISTINCT baseline_error FROM comparisons") == [("rejected:[EMAIL]",)]
    assert await store.query("SELECT error, finish_reason FROM answers WHERE arm = 'baseline'") == [
        ("rejected:[EMAIL]", "for [EMAIL]")
    ]


async def test_a_lone_surrogate_is_stored_as_a_question_mark(store):
    assert await store.insert_comparisons([(made_comparison(1, text="a\ud800b"), 1)], first_epoch, "full") == []
    assert await store.query("SELECT DISTINCT text FROM answers") == [("a?b",)]


async def test_when_a_feature_was_last_heard_of_stands_in_the_store_by_its_own_clock(store):
    assert await store.heard(UPGRADE) == ({}, 0)
    batch = made_batch([1])
    await store.add_epochs(UPGRADE, EPOCHS)
    await store.insert_comparisons(batch, first_epoch)
    await store.refresh_evidence(touched_by([batch[0][0]]))
    heard, now_ms = await store.heard(UPGRADE)
    assert list(heard) == [("next", FEATURES[1])]
    assert 0 <= now_ms - heard["next", FEATURES[1]] < 60_000


async def test_of_a_large_insert_every_row_is_stored(store):
    """The client cuts its body into blocks of 1 to 2 MB, and ClickHouse drops blocks whose token it has seen."""
    rows = 40_000
    columns = {
        "upgrade": [UPGRADE] * rows, "feature": ["chat"] * rows, "dimension": ["refusal"] * rows,
        "rules": [str(number) for number in range(rows)], "ts": [START_MS] * rows,
        "trial_id": [made_trial(0).trial_id] * rows, "observation": ["x" * 200] * rows,
    }  # fmt: skip
    await store.connection.insert("observations_rows", columns)
    assert (await store.query("SELECT count() FROM observations"))[0][0] == rows
