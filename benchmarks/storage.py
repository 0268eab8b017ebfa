"""ClickHouse under load: disk per score, the verdict query, the refresh of touched hours, what dashboards repeat.

    python -m benchmarks.storage [--millions 1 5 20] [--folder DIR] [--repeat 20] [--again]

Generated in ClickHouse itself: 2 candidates, 8 features, 14 days, 10 dimensions of all kinds per comparison, every
tenth trial with a rerun, values with as many random digits as real ones (distances as single precision, latency and
cost as double), and every tenth row delivered twice. Without texts. Each query that is repeated in use runs `--repeat`
times in turn (questions 3 times), as the client sees it: HTTP, embedded server, everything on this machine. Beside the
time stands what the server's process took of the processors meanwhile: where other programs run, that is the steadier
figure. `verdict` is what the judge reads at every look. Questions about all scores of a candidate are no dashboard
queries: they run when somebody asks.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from statistics import median

import numpy as np

from schemas.comparisons import Kind
from schemas.epochs import EpochRow
from schemas.touched import Touched
from schemas.verdicts import Epoch
from streams.embedded.clickhouse import embedded_clickhouse
from streams.store import Store

UPGRADE = "bench"
CANDIDATES = ("next", "next-new-prompt")
FEATURES, DAYS, DIMENSIONS = 8, 14, 10
START = 1_790_000_000 // 86400 * 86400  # seconds; a midnight
KINDS = (
    ("call_error", Kind.PROPERTY), ("invalid_json", Kind.PROPERTY), ("truncation", Kind.PROPERTY),
    ("refusal", Kind.PROPERTY_BOTH), ("code_fence", Kind.PROPERTY_BOTH), ("answer_change", Kind.DISTANCE),
    ("structure_change", Kind.DISTANCE), ("embedding_distance", Kind.DISTANCE), ("latency", Kind.MEASURE),
    ("cost", Kind.MEASURE),
)  # fmt: skip
CLIPPED = ("embedding_distance", "latency", "cost")
DASHBOARD = (
    "where_it_stands", "drift_by_hour", "changed_since", "coverage_funnel", "cost_and_latency_by_arm",
    "error_rate_by_hour", "verdict_history", "serving_changes",
)  # fmt: skip

# A trial: feature and hour from its number, everything random from hashes of it, so that repetition is exact.
TRIALS = f"""
SELECT number AS i, reinterpretAsUUID(sipHash128('trial', i)) AS trial_id,
  concat('feature-', toString(i % {FEATURES})) AS feature,
  fromUnixTimestamp64Milli(toInt64({START * 1000} + intDiv(i * {DAYS * 86_400_000}, {{trials:UInt64}})), 'UTC') AS ts,
  toStartOfHour(toDateTime(ts)) AS hour, i % 10 = 0 AS has_rerun, arrayJoin({list(CANDIDATES)}) AS candidate,
  reinterpretAsUUID(sipHash128('comparison', candidate, i)) AS comparison_id
FROM numbers({{first:UInt64}}, {{count:UInt64}})"""

COMPARISONS = f"""
INSERT INTO comparisons_rows (upgrade, candidate, hour, comparison_id, trial_id, ts, feature, topic, partition, offset,
  request_id, weight, has_rerun, current_pin, candidate_pin, baseline_model, candidate_model, rerun_model,
  baseline_latency_ms, candidate_latency_ms, rerun_latency_ms, baseline_input_tokens, candidate_input_tokens,
  baseline_output_tokens, candidate_output_tokens, baseline_cost_usd, candidate_cost_usd, candidate_error, ver)
SELECT '{UPGRADE}', candidate, hour, comparison_id, trial_id, ts, feature, 'llm.gateway', i % 12, intDiv(i, 12),
  concat('req-', hex(sipHash64(i))), 1, has_rerun, 'p/current', 'p/next', 'current', 'next',
  if(has_rerun, 'current', ''),
  200 + sipHash64(i, 1) % 2000000 / 1000, 200 + sipHash64(i, 2, candidate) % 2000000 / 1000,
  if(has_rerun, 200 + sipHash64(i, 3) % 2000000 / 1000, NULL), sipHash64(i, 4) % 4000, sipHash64(i, 4) % 4000,
  sipHash64(i, 5) % 500, sipHash64(i, 6, candidate) % 500, sipHash64(i, 7) % 100000 / 1e7,
  sipHash64(i, 8, candidate) % 100000 / 1e7, if(sipHash64(i, 9) % 200 = 0, 'timeout', ''), bitShiftLeft(1, 48) - i
FROM ({TRIALS})"""

_UNIFORM = "sipHash64(i, dimension, '{arm}'{more}) / 18446744073709551616"
_VALUE = (
    "multiIf(dimension = 'embedding_distance', toFloat64(toFloat32(pow({u}, 3))), smooth, {u}, toFloat64({u} < {p}))"
)


def _value(arm: str, chance: float) -> str:
    uniform = _UNIFORM.format(arm=arm, more=", candidate" if arm == "candidate" else "")
    return _VALUE.format(u=uniform, p=chance)


SCORES = f"""
INSERT INTO scores_rows (upgrade, feature, candidate, epoch, hour, comparison_id, dimension, ts, kind, baseline_score,
  rerun_score, candidate_score, d, status, rerun_status, baseline_status, reason, rerun_reason, comparator_version,
  weight, ver)
SELECT '{UPGRADE}', feature, candidate, 1, hour, comparison_id, dimension, ts, kind, b, r, c,
  multiIf(kind = 'property', c - b, r IS NULL, NULL, kind = 'property_both', abs(c - b) - abs(r - b), c - r) AS d,
  'scored',
  if(has_rerun, 'scored', 'absent'), if(kind = 'distance', 'absent', 'scored'),
  if(c = 1, concat('reason-', toString(sipHash64(i, dimension) % 20)), ''),
  if(r = 1, concat('reason-', toString(sipHash64(i, dimension, 1) % 20)), ''), 1, 1,
  bitShiftLeft(1, 48) + bitShiftLeft(1, 48) - 1 - i
FROM (
  SELECT *, what.1 AS dimension, what.2 AS kind, kind = 'measure' AS smooth,
    if(kind = 'distance', NULL, {_value("baseline", 0.03)}) AS b,
    if(has_rerun, {_value("rerun", 0.03)}, NULL) AS r, {_value("candidate", 0.04)} AS c
  FROM ({TRIALS}) ARRAY JOIN {[(name, kind.value) for name, kind in KINDS]} AS what
)"""

ANSWERS = f"""
INSERT INTO answers_rows (upgrade, hour, trial_id, arm, candidate, ts, feature, asked_pin, model, latency_ms, ver)
SELECT '{UPGRADE}', hour, trial_id, 'candidate', candidate, ts, feature, 'p/next', if(i % 2 = 0, 'next', 'next'),
  200 + sipHash64(i, 2, candidate) % 2000000 / 1000, 1
FROM ({TRIALS})"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5, 20], help="scores, cumulative")
    parser.add_argument("--folder", type=Path, help="where the store grows; kept. Default: a temporary one, removed")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument(
        "--again", action="store_true", help="only measure what --folder holds, of the largest --millions"
    )
    return parser.parse_args()


async def grow(store: Store, first: int, last: int, trials: int) -> None:
    """Add trials [first, last) of `trials` in all, every tenth of them twice."""
    step = 50_000
    for start in range(first, last, step):
        count = min(step, last - start)
        for part in (count, count // 10):
            parameters = {"trials": trials, "first": start, "count": part}
            for sql in (COMPARISONS, SCORES, ANSWERS):
                await store.connection.command(sql, parameters)


def all_hours(trials: int, last: int) -> list[Touched]:
    """Every hour of every feature and candidate that trials [0, last) touch."""
    hours = range(START, START + last * DAYS * 86_400 // trials + 1, 3600)
    return [Touched(UPGRADE, c, f"feature-{f}", hour) for c in CANDIDATES for f in range(FEATURES) for hour in hours]


async def timed(run: Callable[[], Awaitable[object]], repeat: int, pid: int) -> tuple[float, float, float]:
    """Median and 95th percentile after one run to warm up, and the server's mean processor time; milliseconds."""
    await run()
    took, before = [], processor_ms(pid)
    for _ in range(repeat):
        start = time.perf_counter()
        await run()
        took.append((time.perf_counter() - start) * 1000)
    return median(took), float(np.quantile(took, 0.95)), (processor_ms(pid) - before) / repeat


def processor_ms(pid: int) -> float:
    """Processor time of a process so far, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Largest resident memory of a process so far."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def measure(store: Store, pid: int, last: int, trials: int, repeat: int) -> None:
    """Print everything about the store as it is."""
    scores = last * len(CANDIDATES) * DIMENSIONS
    disk = await store.query(
        "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts "
        "WHERE active AND database = currentDatabase() GROUP BY table ORDER BY 3 DESC LIMIT 4"
    )
    rows = {table: (number, size, parts) for table, number, size, parts in disk}
    number, size, parts = rows["scores_rows"]
    print(f"\n### {scores / 1e6:g} million scores ({scores // DIMENSIONS:,} comparisons)\n")
    print(f"scores: {number:,} rows in {parts} parts, {size / number:.1f} bytes per row, {size / scores:.1f} per score")
    whole = size + rows["comparisons_rows"][1]
    print(f"with comparisons: {whole / scores:.1f} bytes per score; {whole / 1e6:.0f} MB in all")
    print("\n| | median ms | p95 ms | processor ms |\n|---|---|---|---|")

    async def row(name: str, run: Callable[[], Awaitable[object]], times: int = repeat) -> None:
        middle, slow, processor = await timed(run, times, pid)
        print(f"| {name} | {middle:.0f} | {slow:.0f} | {processor:.0f} |", flush=True)

    until = START + last * DAYS * 86_400 // trials
    recent = [
        Touched(UPGRADE, c, f"feature-{f}", until // 3600 * 3600 - back * 3600)
        for c in CANDIDATES for f in range(FEATURES) for back in (1, 2)
    ]  # fmt: skip
    await row("verdict: read the evidence", lambda: store.read_evidence(UPGRADE))

    await row("coverage", lambda: store.coverage(UPGRADE))

    async def look() -> None:
        await store.refresh_evidence(recent)
        await store.read_evidence(UPGRADE)
        await store.coverage(UPGRADE)

    await row("the judge's look: refresh 2 hours of all 16 feature x candidate, read evidence and coverage", look)
    parameters = {
        "upgrade": UPGRADE, "candidate": "next", "threshold": 0.5, "top": 20,
        "since": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(until - 86400)),
        "feature": "feature-3", "dimension": "embedding_distance", "wanted": 10_000_000,
    }  # fmt: skip
    found = await store.query("SELECT request_id FROM comparisons_rows ORDER BY sipHash64(request_id) LIMIT 1")
    parameters["request_id"] = found[0][0]
    queries = sorted(
        file.name.removesuffix(".sql") for file in (resources.files("schemas") / "queries").iterdir()
        if file.name.endswith(".sql")
    )  # fmt: skip
    for name in sorted(queries, key=lambda name: (name not in DASHBOARD, name != "one_request", name)):
        sql = (resources.files("schemas") / "queries" / f"{name}.sql").read_text("utf-8")
        kind = "dashboard" if name in DASHBOARD else "one request" if name == "one_request" else "question"
        times = 3 if kind == "question" else repeat
        await row(f"{kind}: `{name}`", lambda sql=sql: store.connection.rows(sql, parameters), times)


async def exact(store: Store) -> None:
    """Compare the evidence with sums over all scores."""
    sums = await store.query(
        "SELECT count(d), sum(d) FROM scores WHERE upgrade = 'bench' UNION ALL "
        "SELECT sum(n), sum(d_sum) FROM evidence WHERE upgrade = 'bench'"
    )
    (n, total), (other_n, other_total) = sums
    counts = await store.query("SELECT count() FROM comparisons UNION ALL SELECT sum(comparisons) FROM compared")
    print(f"\ncomparisons, and as counted by hour: {counts[0][0]:,} = {counts[1][0]:,}: {counts[0] == counts[1]}")
    same = n == other_n and abs(total - other_total) <= 1e-9 * max(1.0, abs(total))
    print(f"\nevidence against all scores: n {n:,} = {other_n:,}, sum {total:.9f} = {other_total:.9f}: {same}")


async def main() -> None:
    """Grow the store step by step and measure each."""
    options = _arguments()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="storage-"))
    trials = int(max(options.millions) * 1e6) // (len(CANDIDATES) * DIMENSIONS)
    async with (
        embedded_clickhouse(folder) as server,
        Store.open(server.url, user=server.user, password=server.password) as store,
    ):
        await store.migrate()
        await store.add_epochs(UPGRADE, [
            EpochRow(Epoch(c, "", name, 1, 1, "", "first", START * 1000), kind, 0.03, 0.25 if name in CLIPPED else 1.0)
            for c in CANDIDATES for name, kind in KINDS
        ])  # fmt: skip
        done = 0
        if options.again:
            await measure(store, server.pid, trials, trials, options.repeat)
            await exact(store)
        for millions in [] if options.again else sorted(options.millions):
            last = int(millions * 1e6) // (len(CANDIDATES) * DIMENSIONS)
            start = time.perf_counter()
            await grow(store, done, last, trials)
            print(f"\ngenerated up to {millions:g} million in {time.perf_counter() - start:.0f} s", flush=True)
            done = last
            start = time.perf_counter()
            await store.refresh_evidence(all_hours(trials, last))
            print(f"evidence of all hours in {time.perf_counter() - start:.1f} s")
            await measure(store, server.pid, last, trials, options.repeat)
            await exact(store)
        print(f"\nmost memory the server took: {resident_mb(server.pid):.0f} MB")
    if not options.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main())
