-- The evidence of an upgrade over all days: a few thousand rows, so that a look costs milliseconds.
SELECT
  candidate, feature, dimension, epoch,
  sum(n) AS n, sum(d_sum) AS d_sum, sum(d_squares) AS d_squares, sum(worse) AS worse, sum(better) AS better,
  sumForEach(fail_bets) AS fail_bets, sumForEach(pass_bets) AS pass_bets,
  sum(baseline_n) AS baseline_n, sum(baseline_sum) AS baseline_sum,
  sum(rerun_n) AS rerun_n, sum(rerun_sum) AS rerun_sum,
  sum(candidate_sum) AS candidate_sum,
  sum(weight) AS weight, sum(weighted_candidate) AS weighted_candidate, sum(weighted_d) AS weighted_d,
  sum(replay_n) AS replay_n,
  sumForEach(replay_up_bets) AS replay_up_bets, sumForEach(replay_down_bets) AS replay_down_bets,
  sum(scored) AS scored, sum(skipped) AS skipped, sum(failed) AS failed,
  minIf(first_ms, first_ms > 0) AS first_ms, max(last_ms) AS last_ms,
  sumMap(reasons) AS reasons, sumMap(rerun_reasons) AS rerun_reasons
FROM (SELECT * FROM evidence_days_rows FINAL WHERE upgrade = {upgrade:String}) AS days
GROUP BY candidate, feature, dimension, epoch
