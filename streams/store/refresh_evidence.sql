-- The sums of comparators.drift.fold for the touched hours, from all scores of those hours.
-- Rows without D count nothing before anything is clipped: least(0.25, NULL) is 0.25 in ClickHouse, so a missing score
-- would be the greatest harm. Inner names differ from the columns they become: no aggregate may shadow its argument.
-- The second half of the union keeps groups that have evidence but no scores any more: they become zeros.
INSERT INTO evidence_rows (
  upgrade, candidate, feature, dimension, epoch, hour,
  n, d_sum, d_squares, worse, better, fail_bets, pass_bets,
  baseline_n, baseline_sum, rerun_n, rerun_sum, candidate_sum, weight, weighted_candidate, weighted_d,
  replay_n, replay_up_bets, replay_down_bets,
  scored, skipped, failed, first_ms, last_ms, reasons, rerun_reasons, ver
)
SELECT
  upgrade, candidate, feature, dimension, epoch, hour,
  countIf(has_d), sum(x), sum(x * x), countIf(x > 0), countIf(x < 0),
  sumForEach(arrayMap(
    g -> log1p(0.99 / (m + bound) * exp2(-g) * if(has_d, greatest(-bound, least(bound, x)) - m, 0)), range(12))),
  sumForEach(arrayMap(g -> log1p(0.99 / (1 - m) * exp2(-g) * if(has_d, m - x, 0)), range(12))),
  countIf(has_d AND b IS NOT NULL), sumIf(ifNull(b, 0), has_d),
  countIf(has_d AND r IS NOT NULL), sumIf(ifNull(r, 0), has_d),
  sumIf(ifNull(c, 0), has_d), sumIf(w, has_d), sumIf(w * ifNull(c, 0), has_d), sumIf(w * x, has_d),
  countIf(replayed),
  sumForEach(arrayMap(g -> log1p(0.99 / (m + 1) * exp2(-g) * if(replayed, shift - m, 0)), range(12))),
  sumForEach(arrayMap(g -> log1p(0.99 / (m + 1) * exp2(-g) * if(replayed, -shift - m, 0)), range(12))),
  countIf(state = 'scored'), countIf(state = 'skipped'), countIf(state = 'failed'),
  minIf(ms, ms > 0), maxIf(ms, ms > 0),
  sumMapIf(map(why, toUInt64(1)), state = 'scored' AND why != ''),
  sumMapIf(map(rerun_why, toUInt64(1)), rerun_state = 'scored' AND rerun_why != ''),
  toUInt64(toUnixTimestamp64Nano(now64(9)))
FROM (
  SELECT
    upgrade, candidate, feature, dimension, epoch, hour,
    d IS NOT NULL AS has_d, ifNull(d, 0) AS x, baseline_score AS b, rerun_score AS r, candidate_score AS c, weight AS w,
    b IS NOT NULL AND r IS NOT NULL AS replayed, ifNull(r - b, 0) AS shift,
    toString(status) AS state, toString(rerun_status) AS rerun_state, toUnixTimestamp64Milli(ts) AS ms,
    toString(reason) AS why, toString(rerun_reason) AS rerun_why, e.m AS m, e.bound AS bound
  FROM (
    SELECT * FROM scores_rows FINAL
    WHERE upgrade = {upgrade:String}
      AND feature IN {features:Array(String)} AND candidate IN {candidates:Array(String)}
      AND hour IN arrayMap(h -> toDateTime(h, 'UTC'), {hours:Array(UInt32)})
      AND (candidate, feature, toUnixTimestamp(hour)) IN {touched:Array(Tuple(String, String, UInt32))}
  ) AS s
  LEFT JOIN (
    SELECT candidate, dimension, epoch, any(tolerance) AS m, any(clip) AS bound
    FROM epochs_rows FINAL
    WHERE upgrade = {upgrade:String}
    GROUP BY candidate, dimension, epoch
  ) AS e ON s.candidate = e.candidate AND s.dimension = e.dimension AND s.epoch = e.epoch
  WHERE throwIf(e.bound = 0, 'scores of an epoch that is not in epochs: add_epochs comes before insert_comparisons') = 0
  UNION ALL
  SELECT
    upgrade, candidate, feature, dimension, epoch, hour,
    0, 0, NULL, NULL, NULL, 0,
    0, 0,
    'none', 'none', 0,
    '', '', 0, 1
  FROM evidence_rows FINAL
  WHERE upgrade = {upgrade:String}
    AND feature IN {features:Array(String)} AND candidate IN {candidates:Array(String)}
    AND hour IN arrayMap(h -> toDateTime(h, 'UTC'), {hours:Array(UInt32)})
    AND (candidate, feature, toUnixTimestamp(hour)) IN {touched:Array(Tuple(String, String, UInt32))}
)
GROUP BY upgrade, candidate, feature, dimension, epoch, hour
