"""The analysts' queries on generated data, each against a Python computation of the same question.

They run as the reading user of the embedded store, who sees numbers and no text; one needs texts and shows that.
"""

import asyncio
import dataclasses
import json
import math
import os
import random
import re
import subprocess
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import pytest_asyncio
from click.testing import CliRunner

from comparators.drift.betting import log_e
from comparators.drift.fold import fold
from schemas.answers import Answer, Usage
from schemas.comparisons import ArmScore, Comparison, DimensionScore, Kind, Status
from schemas.epochs import EpochRow
from schemas.errors import UsageError
from schemas.exchanges import Request, Source
from schemas.ledger import LedgerRange, OutcomeCount
from schemas.opinions import Judgement, Opinion
from schemas.touched import Touched
from schemas.trials import CandidateAnswer, Trial, comparison_id, trial_id
from schemas.verdict_changes import VerdictChange
from schemas.verdicts import Epoch, Verdict
from streams.cli import main
from streams.store import Store
from streams.store.comparisons import hour_of
from streams.store.shipped_queries import shipped_queries, shipped_query

PAGE = (Path(__file__).parents[3] / "docs" / "analysts.md").read_text("utf-8")
UPGRADE = "summaries"
START_MS = 1_790_000_000_000
STEP_MS = 211_003  # 300 trials are 17.6 hours
TRIALS = 300
FEATURES = ("billing", "chat")
CANDIDATES = ("next", "next-new-prompt")
KINDS = {
    "refusal": Kind.PROPERTY_BOTH,
    "structure_change": Kind.DISTANCE,
    "embedding_distance": Kind.DISTANCE,
    "latency": Kind.MEASURE,
}
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - a parameter of type DateTime('UTC')
BASE = {"upgrade": UPGRADE, "candidate": "next"}


def made_answer(rng, model, fingerprint=None, *, fails=0.0):
    if rng.random() < fails:
        return Answer(model, error=rng.choice(("timeout", "http_500")))
    return Answer(
        model,
        text=f"answer {rng.random()}",
        usage=Usage(rng.randrange(1, 3000), rng.randrange(1, 500)),
        latency_ms=rng.uniform(200, 3000),
        cost_usd=None if rng.random() < 0.2 else rng.uniform(0.0001, 0.01),
        fingerprint=fingerprint,
    )


def made_trial(number):
    rng = random.Random(f"trial/{number}")
    source = Source("c", "llm.gateway", 0, number)
    ts_ms = START_MS + number * STEP_MS
    alias_moved, deployed = number >= 250, number >= 120
    return Trial(
        trial_id=trial_id(UPGRADE, source, ts_ms),
        upgrade=UPGRADE,
        current="openai/gpt-x-2026-03-01",
        source=source,
        ts_ms=ts_ms,
        request_id=f"r{number}",
        feature=FEATURES[number % 2],
        request=Request({"messages": [{"role": "user", "content": "?" * rng.randrange(5, 50)}]}),
        baseline=made_answer(rng, "gpt-x-2026-10-01" if alias_moved else "gpt-x-2026-03-01"),
        candidates=tuple(
            CandidateAnswer(
                name,
                "openai/gpt-x-2026-10-20",
                name,
                made_answer(rng, "gpt-x-2026-10-20", "fp_2" if deployed else "fp_1", fails=0.05),
            )
            for name in CANDIDATES
        ),
        rerun=made_answer(rng, "gpt-x-2026-03-01", "fp_0", fails=0.02) if number % 3 else None,
        weight=2.0 if number % 2 else 1.0,
    )


def made_scores(trial, candidate, answer):
    rng = random.Random(f"scores/{trial.request_id}/{candidate}")
    skipped = ArmScore(None, Status.SKIPPED, "no_answer")
    late = trial.source.offset >= 150  # from here on the candidate is worse
    for name, kind in KINDS.items():

        def arm(chance, kind=kind, name=name):
            value = float(rng.random() < chance) if name in ("refusal", "structure_change") else rng.random() ** 2
            path = rng.choice(("missing:$.items[].price", "type:$.total")) if name == "structure_change" else "refused"
            return ArmScore(value, Status.SCORED, path if value == 1 else "")

        b = arm(0.1) if kind is not Kind.DISTANCE else None
        r = (skipped if trial.rerun.error else arm(0.12)) if trial.rerun else None
        c = skipped if answer.error else arm(0.4 if late else 0.12)
        d = None
        if c.value is not None and r is not None and r.value is not None:
            both = kind is Kind.PROPERTY_BOTH
            d = abs(c.value - b.value) - abs(r.value - b.value) if both else c.value - r.value
        yield DimensionScore(name, kind, 1, c, b, r, d)


def made_comparisons():
    for trial in map(made_trial, range(TRIALS)):
        for candidate in trial.candidates:
            yield Comparison(
                comparison_id(trial.trial_id, candidate.name, candidate.candidate_hash),
                candidate.name,
                candidate.candidate_hash,
                trial,
                tuple(made_scores(trial, candidate.name, candidate.answer)),
            )


COMPARISONS = tuple(made_comparisons())
NEXT = tuple(c for c in COMPARISONS if c.candidate == "next")
LEDGER = {"replayed": 300, "sampled_out": 120, "shed": 7, "too_large": 2, "own_traffic": 40}


def opinions_of(reviewer):
    rng = random.Random(reviewer)
    return [(comparison, rng.choice(list(Judgement))) for comparison in rng.sample(NEXT, 8)]


CHANGES = tuple(
    VerdictChange(UPGRADE, "next", "chat", "", 0, START_MS + minute * 60_000, verdict, "min_hours")
    for minute, verdict in ((0, Verdict.CONTINUE), (600, Verdict.FAIL))
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(clickhouse):
    """The database that analysts may read, filled, with one part delivered twice and one epoch behind us."""
    async with Store.open(clickhouse.url, user=clickhouse.user, password=clickhouse.password) as store:
        await store.migrate()
        rows = [
            EpochRow(Epoch(candidate, "", name, epoch, epoch, f"{epoch}", "first", START_MS), kind, 0.03, 1.0)
            for candidate in CANDIDATES
            for name, kind in KINDS.items()
            for epoch in (1, 2)
        ]
        await store.add_epochs(UPGRADE, rows)
        batch = [(comparison, comparison.trial.source.offset) for comparison in COMPARISONS]
        # Before the refusal comparator was mended: other scores, under the first epoch.
        flawed = [(_always_refused(comparison), offset) for comparison, offset in batch[:100]]
        await store.insert_comparisons(flawed, lambda *_: 1, "full")
        for part in (batch[:400], batch[300:], batch[350:370]):
            await store.insert_comparisons(part, lambda *place: 2 if place[2] == "refusal" else 1, "full")
        await store.refresh_evidence(
            {Touched(UPGRADE, c.candidate, c.trial.feature, hour_of(c.trial.ts_ms)) for c in COMPARISONS}
        )
        outcomes = tuple(OutcomeCount(name, "chat", *item) for name in CANDIDATES for item in LEDGER.items())
        await store.insert_coverage([LedgerRange(UPGRADE, "c", "llm.gateway", 0, 0, 469, START_MS, outcomes)])
        await store.add_verdicts(CHANGES)
        for reviewer in ("Ada", "Bo"):
            for comparison, opinion in opinions_of(reviewer):
                hour = hour_of(comparison.trial.ts_ms)
                await store.put_opinion(
                    UPGRADE, "next",
                    Opinion(comparison.comparison_id, hour, comparison.trial.feature, reviewer, opinion, "A", START_MS),
                )  # fmt: skip
    return clickhouse


def _always_refused(comparison):
    refused = ArmScore(1.0, Status.SCORED, "refused")
    scores = tuple(
        dataclasses.replace(score, candidate=refused, d=None) if score.dimension == "refusal" else score
        for score in comparison.scores
    )
    return dataclasses.replace(comparison, scores=scores)


@pytest.fixture
async def analyst(filled):
    async with Store.open(filled.url, user=filled.reader, password=filled.reader_password) as store:
        yield store


async def answered(store, name, **parameters):
    """Rows of a shipped query, as dictionaries."""
    names, rows = await store.connection.named_rows(shipped_query(name).sql, BASE | parameters)
    return [dict(zip(names, row, strict=True)) for row in rows]


def by(rows, *keys):
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows)
    return found


def scored_by(key, comparisons=NEXT):
    """Comparison and score, by whatever `key` makes of both."""
    groups = defaultdict(list)
    for comparison in comparisons:
        for score in comparison.scores:
            groups[key(comparison, score)].append((comparison, score))
    return groups


def place(comparison, score):
    return comparison.trial.feature, score.dimension


def mean(values):
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def moment(ms):
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)


def utc(text):
    return text.replace(tzinfo=None) if text.tzinfo else text


def test_every_query_says_what_it_answers_and_has_a_test_and_a_line_in_the_docs():
    queries = shipped_queries()
    assert len(queries) >= 15
    here = Path(__file__).read_text("utf-8")
    for name, query in queries.items():
        assert query.sql.startswith("-- ")
        assert query.question.endswith("?"), name
        assert f'answered(analyst, "{name}"' in here
        assert f"`{name}`" in PAGE


async def test_all_sql_of_the_page_for_analysts_runs(analyst):
    blocks = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    inline = [sql for sql in re.findall(r"`(SELECT [^`]+)`", PAGE) if "FROM" in sql]
    assert len(blocks) >= 4
    assert inline
    for sql in (*blocks, *inline):
        _, rows = await analyst.ask(sql)
        assert rows, sql


async def test_the_page_for_analysts_names_what_there_is(analyst):
    _, rows = await analyst.ask("SELECT DISTINCT table FROM dictionary WHERE NOT endsWith(table, '_rows')")
    tables = {table for (table,) in rows} - {"schema_migrations", "dictionary"}
    listed = PAGE.partition("| to read |")[2].partition("\n\n")[0]
    assert tables <= set(re.findall(r"`(\w+)`", listed))


async def test_the_command_line_of_the_page_for_analysts_runs(filled):
    command = re.search(r"```bash\n(curl .*?)```", PAGE, re.DOTALL)[1]
    environment = {**os.environ, "URL": filled.url, "USER": filled.reader, "PASSWORD": filled.reader_password}
    ran = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", command], cwd=Path(__file__).parents[3], env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(ran.stdout.splitlines()) == len(FEATURES) * len(KINDS)


async def test_a_shipped_query_runs_by_its_name(filled, clickhouse_folder):
    async def run(*arguments):
        command = ["query", "--data", str(clickhouse_folder), "--format", "json", *arguments]
        return await asyncio.to_thread(CliRunner().invoke, main, command)

    shown = await run("gained_and_lost", "--param", "candidate=next", "--param", "dimension=refusal")
    assert shown.exit_code == 0, shown.stderr
    assert {json.loads(line)["feature"] for line in shown.stdout.splitlines()} == set(FEATURES)
    # There is one upgrade, so it need not be said; of two candidates one has to be named.
    table = await run("where_it_stands", "--param", "candidate=next", "--format", "table")
    assert "candidate_mean" in table.stdout  # not cut where nobody looks at it in a terminal
    assert "…" not in table.stdout
    refused = await run("where_it_stands")
    assert (refused.exit_code, refused.stderr) == (
        2, "where_it_stands needs --param candidate=VALUE; there are next, next-new-prompt\n",
    )  # fmt: skip
    refused = await run("where_it_stand")
    assert (refused.exit_code, refused.stderr.count("'where_it_stands'")) == (2, 1)
    refused = await run("one_request", "--param", "candidate=next", "--param", "request_id=r1")
    assert (refused.exit_code, "one_request has only" in refused.stderr) == (2, True)
    own = await run("SELECT {a:UInt8} + 1 AS b", "--param", "a=4")
    assert json.loads(own.stdout) == {"b": 5}
    wrong = await run("SELEC 1")
    said = "ClickHouse refuses the query: Syntax error: failed at position 7 (1) (line 1, col 7): 1 (SYNTAX_ERROR)"
    assert (wrong.exit_code, wrong.stderr) == (2, f"{said}\n")
    dropped = await run("DROP TABLE scores_rows")  # by the user who may
    assert (dropped.exit_code, "readonly" in dropped.stderr) == (2, True)
    assert (await run("SELECT count() > 0 AS there FROM scores_rows")).stdout == '{"there":1}\n'
    listed = await run("--list")
    assert [json.loads(line)["query"] for line in listed.stdout.splitlines()] == list(shipped_queries())


async def test_where_it_stands(analyst):
    rows = by(await answered(analyst, "where_it_stands"), "feature", "dimension")
    wanted = scored_by(place)
    assert set(rows) == set(wanted)
    for key, group in wanted.items():
        trials = [c.trial for c, _ in group]
        folded = fold(
            [s for _, s in group], [t.weight for t in trials], [t.ts_ms for t in trials], tolerance=0.03, clip=1.0
        )
        row = rows[key]
        assert row["trials"] == folded.n
        assert row["excess"] == pytest.approx(folded.d_sum / folded.n, rel=1e-9)
        assert row["candidate_mean"] == pytest.approx(folded.candidate_sum / folded.n, rel=1e-9)
        assert row["log_e"] == pytest.approx(log_e(folded.fail_bets), rel=1e-9)
        assert row["log_e_pass"] == pytest.approx(log_e(folded.pass_bets), rel=1e-9)


async def test_drift_by_hour(analyst):
    rows = by(await answered(analyst, "drift_by_hour"), "feature", "dimension", "hour")
    wanted = scored_by(lambda c, s: (*place(c, s), moment(hour_of(c.trial.ts_ms) * 1000)))
    wanted = {key: [s for _, s in group if s.d is not None] for key, group in wanted.items()}
    assert {(f, d, utc(h)) for f, d, h in rows} == {key for key, group in wanted.items() if group}
    for (feature, dimension, hour), row in rows.items():
        group = wanted[feature, dimension, utc(hour)]
        assert row["trials"] == len(group)
        assert row["excess"] == pytest.approx(fmean(s.d for s in group), abs=1e-9)
        assert row["candidate_mean"] == pytest.approx(fmean(s.candidate.value for s in group), abs=1e-9)
        assert row["rerun_mean"] == pytest.approx(fmean(s.rerun.value for s in group), abs=1e-9)


async def test_worst_trials_need_the_right_to_read_texts(filled, analyst):
    asked = {"feature": "chat", "dimension": "embedding_distance", "top": 5}
    with pytest.raises(Exception, match="Not enough privileges"):
        await answered(analyst, "worst_trials", **asked)
    async with Store.open(filled.url, user=filled.user, password=filled.password) as store:
        rows = await answered(store, "worst_trials", **asked)
    group = [(c, s) for c, s in scored_by(place)["chat", "embedding_distance"] if s.candidate.value is not None]
    excess = {c.trial.request_id: s.candidate.value if s.d is None else s.d for c, s in group}
    worst = sorted(excess, key=excess.__getitem__, reverse=True)[:5]
    assert [row["request_id"] for row in rows] == worst
    for row in rows:
        trial = made_trial(int(row["request_id"][1:]))
        assert row["excess"] == pytest.approx(excess[trial.request_id])
        assert (row["baseline_text"], row["candidate_text"]) == (trial.baseline.text, trial.candidates[0].answer.text)


async def test_one_request(analyst):
    rows = await answered(analyst, "one_request", request_id="r200")
    wanted = {
        (c.candidate, s.dimension): (s.candidate.value, s.d, s.candidate.reason)
        for c in COMPARISONS
        if c.trial.request_id == "r200"
        for s in c.scores
    }
    assert {
        (row["candidate"], row["dimension"]): (row["candidate_score"], row["d"], row["reason"]) for row in rows
    } == (wanted)
    # A request that was scored under two epochs shows both.
    assert len(await answered(analyst, "one_request", request_id="r1")) == len(wanted) + len(CANDIDATES)


async def test_reasons(analyst):
    rows = by(await answered(analyst, "reasons"), "feature", "dimension", "reason")
    wanted, rerun = Counter(), Counter()
    for key, group in scored_by(place).items():
        wanted.update((*key, s.candidate.reason) for _, s in group if s.candidate.value and s.candidate.reason)
        rerun.update((*key, s.rerun.reason) for _, s in group if s.rerun and s.rerun.value and s.rerun.reason)
    assert {key: row["candidate_count"] for key, row in rows.items()} == {k: wanted[k] for k in wanted | rerun}
    for (feature, dimension, reason), row in rows.items():
        group = [s for _, s in scored_by(place)[feature, dimension]]
        assert row["rerun_count"] == rerun[feature, dimension, reason]
        assert row["share"] == pytest.approx(
            row["candidate_count"] / sum(s.candidate.status is Status.SCORED for s in group)
        )
        assert row["rerun_share"] == pytest.approx(
            row["rerun_count"] / sum(s.rerun is not None and s.rerun.status is Status.SCORED for s in group)
        )


async def test_first_broken_path(analyst):
    rows = by(await answered(analyst, "first_broken_path"), "feature", "dimension", "reason")
    wanted = scored_by(lambda c, s: (*place(c, s), s.candidate.reason))
    wanted = {key: group for key, group in wanted.items() if "$" in key[2]}
    assert set(rows) == set(wanted)
    for key, group in wanted.items():
        assert utc(rows[key]["first_seen"]) == moment(min(c.trial.ts_ms for c, _ in group))
        assert rows[key]["answers"] == len(group)
        assert rows[key]["rerun_too"] == sum(s.rerun is not None and s.rerun.reason == key[2] for _, s in group)


async def test_gained_and_lost(analyst):
    rows = by(await answered(analyst, "gained_and_lost", dimension="refusal"), "feature")
    for feature in FEATURES:
        group = [s for _, s in scored_by(place)[feature, "refusal"]]
        pairs = [(s.baseline.value, s.candidate.value) for s in group if s.candidate.value is not None]
        again = [(s.baseline.value, s.rerun.value) for s in group if s.rerun and s.rerun.value is not None]
        row = rows[feature,]
        assert (row["pairs"], row["gained"], row["lost"]) == (len(pairs), pairs.count((0, 1)), pairs.count((1, 0)))
        assert (row["rerun_pairs"], row["rerun_gained"], row["rerun_lost"]) == (
            len(again), again.count((0, 1)), again.count((1, 0)),
        )  # fmt: skip


def said_by(comparison):
    trial = comparison.trial
    yield "baseline", trial.baseline
    yield "candidate", next(c.answer for c in trial.candidates if c.name == comparison.candidate)
    if trial.rerun:
        yield "rerun", trial.rerun


async def test_cost_and_latency_by_arm(analyst):
    rows = by(await answered(analyst, "cost_and_latency_by_arm", since=LONG_AGO), "feature", "arm")
    groups = defaultdict(list)
    for comparison in NEXT:
        for arm, answer in said_by(comparison):
            groups[comparison.trial.feature, arm].append(answer)
    assert set(rows) == set(groups)
    for key, answers in groups.items():
        row = rows[key]
        latencies = [a.latency_ms for a in answers if a.latency_ms is not None]
        costs = [a.cost_usd for a in answers if a.cost_usd is not None]
        assert (row["answers"], row["errors"]) == (len(answers), sum(a.error is not None for a in answers))
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            assert row[f"latency_ms_{name}"] == pytest.approx(np.quantile(latencies, share))
        assert row["output_tokens_mean"] == pytest.approx(mean(a.usage.output_tokens for a in answers))
        assert (row["priced"], row["usd"]) == (len(costs), pytest.approx(math.fsum(costs)))


async def test_error_rate_by_hour(analyst):
    since = START_MS + 5 * 3_600_000
    rows = await answered(analyst, "error_rate_by_hour", since=moment(since))
    groups = defaultdict(list)
    for comparison in NEXT:
        if hour_of(comparison.trial.ts_ms) * 1000 >= since:
            for arm, answer in said_by(comparison):
                groups[moment(hour_of(comparison.trial.ts_ms) * 1000), comparison.trial.feature, arm].append(answer)
    assert {(utc(row["hour"]), row["feature"], row["arm"]) for row in rows} == set(groups)
    for row in rows:
        answers = groups[utc(row["hour"]), row["feature"], row["arm"]]
        errors = [a.error for a in answers if a.error]
        assert (row["answers"], row["errors"]) == (len(answers), len(errors))
        assert list(row["codes"]) == sorted(set(errors))


async def test_coverage_funnel(analyst):
    rows = await answered(analyst, "coverage_funnel")
    owed = 300 + 7 + 2
    assert [
        (row["candidate"], row["consumed"], row["owed"], row["replayed"], row["compared"], row["lost"]) for row in rows
    ] == [(name, 469, owed, 300, TRIALS, {"shed": 7, "too_large": 2}) for name in CANDIDATES]
    assert rows[0]["coverage"] == pytest.approx(TRIALS / owed)


async def test_changed_since(analyst):
    since_s = hour_of(START_MS + 150 * STEP_MS)
    rows = await answered(analyst, "changed_since", since=moment(since_s * 1000))
    for row in rows:
        group = scored_by(place)[row["feature"], row["dimension"]]
        before = [s.d for c, s in group if s.d is not None and hour_of(c.trial.ts_ms) < since_s]
        after = [s.d for c, s in group if s.d is not None and hour_of(c.trial.ts_ms) >= since_s]
        assert (row["trials_before"], row["trials_since"]) == (len(before), len(after))
        assert row["change"] == pytest.approx(fmean(after) - fmean(before), abs=1e-9)
    assert [abs(row["change"]) for row in rows] == sorted((abs(row["change"]) for row in rows), reverse=True)
    assert len(rows) == len(FEATURES) * len(KINDS)


async def test_verdict_history(analyst):
    rows = await answered(analyst, "verdict_history")
    assert [(utc(row["at"]), row["verdict"], row["why"]) for row in rows] == [
        (moment(change.at_ms), change.verdict.value, change.why) for change in CHANGES
    ]


async def test_agreement_of_dimensions(analyst):
    rows = by(await answered(analyst, "agreement_of_dimensions", threshold=0.4, since=LONG_AGO), "dimension", "other")
    flagged = defaultdict(set)
    for comparison in NEXT:
        for score in comparison.scores:
            if score.candidate.value is not None and score.candidate.value >= 0.4:
                flagged[score.dimension].add(comparison.comparison_id)
    wanted = {
        (a, b): len(flagged[a] & flagged[b]) / len(flagged[a] | flagged[b]) for a, b in combinations(sorted(flagged), 2)
    }
    assert {key: row["agreement"] for key, row in rows.items()} == pytest.approx(wanted)


async def test_agreement_with_people(analyst):
    rows = by(await answered(analyst, "agreement_with_people", threshold=0.2), "dimension")
    wanted = defaultdict(list)
    for reviewer in ("Ada", "Bo"):
        for comparison, opinion in opinions_of(reviewer):
            for score in comparison.scores:
                if score.candidate.value is not None and score.kind is not Kind.MEASURE:
                    excess = score.candidate.value if score.d is None else score.d
                    wanted[score.dimension].append((excess >= 0.2, opinion is Judgement.WORSE))
    assert {name for (name,) in rows} == set(wanted)
    for (name,), row in rows.items():
        counts = Counter(wanted[name])
        assert row["judged"] == len(wanted[name])
        assert (row["flagged_worse"], row["passed_worse"]) == (counts[True, True], counts[False, True])
        assert row["flagged"] == counts[True, True] + counts[True, False]
        assert row["agreement"] == pytest.approx((counts[True, True] + counts[False, False]) / len(wanted[name]))


async def test_flagged_by_threshold(analyst):
    rows = by(await answered(analyst, "flagged_by_threshold", threshold=0.4), "feature", "dimension")
    for key, group in scored_by(place).items():
        values = [s.candidate.value for _, s in group if s.candidate.value is not None]
        again = [s.rerun.value for _, s in group if s.rerun and s.rerun.value is not None]
        assert rows[key]["flagged_share"] == pytest.approx(sum(v >= 0.4 for v in values) / len(values))
        assert rows[key]["false_alarm_share"] == pytest.approx(sum(v >= 0.4 for v in again) / len(again))


async def test_spend_forecast(analyst):
    rows = by(await answered(analyst, "spend_forecast", wanted=400), "feature")
    for feature in FEATURES:
        group = [c for c in NEXT if c.trial.feature == feature]
        times = [c.trial.ts_ms for c in group]
        hours = (max(times) // 1000 - min(times) // 1000) / 3600
        usd = fmean(sum(answer.cost_usd or 0 for arm, answer in said_by(c) if arm != "baseline") for c in group)
        row = rows[feature,]
        assert (row["compared"], row["missing"]) == (len(group), 400 - len(group))
        assert row["hours_left"] == pytest.approx(row["missing"] / (len(group) / hours))
        assert row["usd_left"] == pytest.approx(row["missing"] * usd)


async def test_a_pin_that_moved_shows_with_the_moment_it_moved(analyst):
    rows = await answered(analyst, "serving_changes")
    found = {(row["arm"], row["candidate"], row["feature"]): row for row in rows}
    for feature in FEATURES:
        first = next(t for t in map(made_trial, range(250, TRIALS)) if t.feature == feature)
        alias = found["baseline", "", feature]
        assert (alias["was_model"], alias["model"]) == ("gpt-x-2026-03-01", "gpt-x-2026-10-01")
        assert utc(alias["since"]) == moment(first.ts_ms)
        for candidate in CANDIDATES:
            deployed = found["candidate", candidate, feature]
            assert (deployed["was_fingerprint"], deployed["fingerprint"]) == ("fp_1", "fp_2")
    assert len(rows) == len(FEATURES) * (1 + len(CANDIDATES))


async def test_drift_by_serving_run(analyst):
    rows = by(await answered(analyst, "drift_by_serving_run", dimension="refusal"), "feature", "run")
    change = {
        feature: next(
            t.ts_ms
            for t in map(made_trial, range(120, TRIALS))
            if t.feature == feature and not t.candidates[0].answer.error
        )
        for feature in FEATURES
    }
    for (feature, run), row in rows.items():
        group = [s for c, s in scored_by(place)[feature, "refusal"] if (c.trial.ts_ms >= change[feature]) == (run == 2)]
        assert row["candidate_mean"] == pytest.approx(mean(s.candidate.value for s in group))
        assert row["excess"] == pytest.approx(mean(s.d for s in group))
        assert row["fingerprint"] == f"fp_{run}"
    assert len(rows) == len(FEATURES) * 2


async def test_drift_by_request_size(analyst):
    rows = await answered(analyst, "drift_by_request_size", feature="chat", dimension="embedding_distance")
    groups = defaultdict(list)
    for comparison, score in scored_by(place)["chat", "embedding_distance"]:
        if score.candidate.value is not None:
            tokens = comparison.trial.baseline.usage.input_tokens
            groups[2 ** math.floor(math.log2(tokens))].append(score)
    assert {row["from_tokens"]: row["scored"] for row in rows} == {size: len(group) for size, group in groups.items()}
    for row in rows:
        assert row["candidate_mean"] == pytest.approx(mean(s.candidate.value for s in groups[row["from_tokens"]]))


async def test_an_analyst_reads_numbers_and_writes_nothing(analyst):
    for refused in (
        "SELECT request FROM exchanges",
        "SELECT text FROM answers_rows",
        "INSERT INTO families_rows (upgrade) VALUES ('x')",
        "TRUNCATE TABLE scores_rows",
    ):
        with pytest.raises(UsageError, match=r"privileges|READONLY|readonly|read-only"):
            await analyst.ask(refused)
    assert (await analyst.ask("SELECT count() FROM answers WHERE latency_ms > 0"))[1][0][0] > 0
