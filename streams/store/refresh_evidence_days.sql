-- The hours of the touched days added up, so that a look at everything reads days instead of hours.
INSERT INTO evidence_days_rows (
  upgrade, candidate, feature, dimension, epoch, day,
  n, d_sum, d_squares, worse, better, fail_bets, pass_bets,
  baseline_n, baseline_sum, rerun_n, rerun_sum, candidate_sum, weight, weighted_candidate, weighted_d,
  replay_n, replay_up_bets, replay_down_bets,
  scored, skipped, failed, first_ms, last_ms, reasons, rerun_reasons, ver
)
SELECT
  upgrade, candidate, feature, dimension, epoch, toDate(hour) AS day,
  sum(n), sum(d_sum), sum(d_squares), sum(worse), sum(better),
  sumForEach(fail_bets), sumForEach(pass_bets),
  sum(baseline_n), sum(baseline_sum),
  sum(rerun_n), sum(rerun_sum),
  sum(candidate_sum),
  sum(weight), sum(weighted_candidate), sum(weighted_d),
  sum(replay_n),
  sumForEach(replay_up_bets), sumForEach(replay_down_bets),
  sum(scored), sum(skipped), sum(failed),
  minIf(first_ms, first_ms > 0), max(last_ms),
  sumMap(reasons), sumMap(rerun_reasons),
  toUInt64(toUnixTimestamp64Nano(now64(9)))
FROM evidence_rows FINAL
WHERE upgrade = {upgrade:String}
  AND feature IN {features:Array(String)} AND candidate IN {candidates:Array(String)}
  AND hour IN arrayFlatten(arrayMap(
    d -> arrayMap(h -> toDateTime((d * 24 + h) * 3600, 'UTC'), range(24)), {days:Array(UInt32)}))
  AND (candidate, feature, toUInt32(toDate(hour))) IN {touched_days:Array(Tuple(String, String, UInt32))}
GROUP BY upgrade, candidate, feature, dimension, epoch, day
