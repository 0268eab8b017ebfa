"""Evidence by hour: made in ClickHouse from `scores`, read back as the sums that verdicts are made of.

The same sums as `comparators.drift.fold` makes with numpy, field by field, to 1e-9. An hour is always made anew from
all its scores, so redelivery, correction and withdrawal never add up. A group that has evidence but no scores any
more gets a row of zeros, which replaces the stale one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator

from comparators.drift.evidence import GRID, Evidence, EvidenceKey
from schemas.json_text import valid_text
from schemas.touched import Touched
from streams.store.connection import Connection

_PER_STATEMENT = 500  # touched hours that one statement recomputes

_BETS = ("fail_bets", "pass_bets", "replay_up_bets", "replay_down_bets")
_COUNTS = ("n", "worse", "better", "baseline_n", "rerun_n", "replay_n", "scored", "skipped", "failed")
_SUMS = (
    "d_sum", "d_squares", "baseline_sum", "rerun_sum", "candidate_sum", "weight", "weighted_candidate", "weighted_d",
)  # fmt: skip

_WHERE = """upgrade = {upgrade:String} AND feature IN {features:Array(String)} AND candidate IN {candidates:Array(String)}
  AND hour IN arrayMap(h -> toDateTime(h, 'UTC'), {hours:Array(UInt32)})
  AND (candidate, feature, toUnixTimestamp(hour)) IN {touched:Array(Tuple(String, String, UInt32))}"""

# Rows without D leave before anything is clipped: least(0.25, NULL) is 0.25 in ClickHouse, a missing score would be
# the greatest harm. Inner names differ from the columns they become: an aggregate must not shadow its argument.
_REFRESH = f"""
INSERT INTO evidence_rows (upgrade, candidate, feature, dimension, epoch, hour, n, d_sum, d_squares, worse, better,
  fail_bets, pass_bets, baseline_n, baseline_sum, rerun_n, rerun_sum, candidate_sum, weight, weighted_candidate,
  weighted_d, replay_n, replay_up_bets, replay_down_bets, scored, skipped, failed, first_ms, last_ms, reasons,
  rerun_reasons, ver)
SELECT upgrade, candidate, feature, dimension, epoch, hour,
  countIf(counts), sum(x), sum(x * x), countIf(x > 0), countIf(x < 0),
  sumForEach(arrayMap(g -> log1p(0.99 / (m + bound) * exp2(-g) * if(counts, greatest(-bound, least(bound, x)) - m, 0)),
    range({GRID}))),
  sumForEach(arrayMap(g -> log1p(0.99 / (1 - m) * exp2(-g) * if(counts, m - x, 0)), range({GRID}))),
  countIf(counts AND b IS NOT NULL), sumIf(ifNull(b, 0), counts), countIf(counts AND r IS NOT NULL),
  sumIf(ifNull(r, 0), counts), sumIf(ifNull(c, 0), counts),
  sumIf(w, counts), sumIf(w * ifNull(c, 0), counts), sumIf(w * x, counts),
  countIf(replayed),
  sumForEach(arrayMap(g -> log1p(0.99 / (m + 1) * exp2(-g) * if(replayed, shift - m, 0)), range({GRID}))),
  sumForEach(arrayMap(g -> log1p(0.99 / (m + 1) * exp2(-g) * if(replayed, -shift - m, 0)), range({GRID}))),
  countIf(state = 'scored'), countIf(state = 'skipped'), countIf(state = 'failed'),
  minIf(ms, ms > 0), maxIf(ms, ms > 0),
  sumMapIf(map(why, toUInt64(1)), state = 'scored' AND why != ''),
  sumMapIf(map(rerun_why, toUInt64(1)), rerun_state = 'scored' AND rerun_why != ''),
  toUInt64(toUnixTimestamp64Nano(now64(9)))
FROM (
  SELECT upgrade, candidate, feature, dimension, epoch, hour, d IS NOT NULL AS counts, ifNull(d, 0) AS x,
    baseline_score AS b, rerun_score AS r, candidate_score AS c, weight AS w,
    b IS NOT NULL AND r IS NOT NULL AS replayed, ifNull(r - b, 0) AS shift,
    toString(status) AS state, toString(rerun_status) AS rerun_state, toUnixTimestamp64Milli(ts) AS ms,
    toString(reason) AS why, toString(rerun_reason) AS rerun_why,
    e.m AS m, e.bound AS bound,
    throwIf(e.bound = 0, 'scores of an epoch that is not in epochs: add_epochs comes before insert_comparisons') AS known
  FROM (SELECT * FROM scores_rows FINAL WHERE {_WHERE}) AS s
  LEFT JOIN (
    SELECT candidate, dimension, epoch, any(tolerance) AS m, any(clip) AS bound
    FROM epochs_rows FINAL WHERE upgrade = {{upgrade:String}} GROUP BY candidate, dimension, epoch
  ) AS e ON s.candidate = e.candidate AND s.dimension = e.dimension AND s.epoch = e.epoch
  WHERE known = 0
  UNION ALL
  SELECT upgrade, candidate, feature, dimension, epoch, hour, 0, 0, NULL, NULL, NULL, 0, 0, 0, 'none', 'none', 0, '', '',
    0, 1, 0
  FROM evidence_rows FINAL WHERE {_WHERE}
)
GROUP BY upgrade, candidate, feature, dimension, epoch, hour"""

_READ = f"""
SELECT candidate, feature, dimension, epoch,
  {", ".join(f"sum({name})" for name in (*_COUNTS, *_SUMS))},
  {", ".join(f"sumForEach({name})" for name in _BETS)},
  minIf(first_ms, first_ms > 0), max(last_ms), sumMap(reasons), sumMap(rerun_reasons)
FROM evidence_rows FINAL WHERE upgrade = {{upgrade:String}}
GROUP BY candidate, feature, dimension, epoch"""


async def refresh(connection: Connection, touched: Collection[Touched]) -> None:
    """Make the evidence of these hours anew from their scores."""
    by_upgrade: defaultdict[str, set[tuple[str, str, int]]] = defaultdict(set)
    for hour in touched:
        by_upgrade[hour.upgrade].add((valid_text(hour.candidate), valid_text(hour.feature), hour.hour))
    for upgrade, hours in by_upgrade.items():
        for part in _parts(sorted(hours)):
            parameters = {
                "upgrade": upgrade,
                "candidates": sorted({candidate for candidate, _, _ in part}),
                "features": sorted({feature for _, feature, _ in part}),
                "hours": sorted({hour for _, _, hour in part}),
                "touched": part,
            }
            await connection.command(_REFRESH, parameters)


async def read(connection: Connection, upgrade: str) -> dict[EvidenceKey, Evidence]:
    """Evidence of an upgrade, over all hours."""
    found = {}
    for row in await connection.rows(_READ, {"upgrade": upgrade}):
        candidate, feature, dimension, epoch, *sums = row
        values = dict(zip((*_COUNTS, *_SUMS, *_BETS), sums, strict=False))
        first_ms, last_ms, reasons, rerun_reasons = sums[len(values) :]
        found[EvidenceKey(candidate, feature, dimension, epoch)] = Evidence(
            **values | {name: tuple(values[name]) for name in _BETS},
            first_ms=first_ms,
            last_ms=last_ms,
            reasons=dict(reasons),
            rerun_reasons=dict(rerun_reasons),
        )
    return found


def _parts(hours: list[tuple[str, str, int]]) -> Iterator[list[tuple[str, str, int]]]:
    # In the order of candidate, feature, hour, so that a statement reads neighbouring rows.
    for start in range(0, len(hours), _PER_STATEMENT):
        yield hours[start : start + _PER_STATEMENT]
