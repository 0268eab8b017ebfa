-- What does each arm cost, and how long does it take?
-- USD and milliseconds. Errors count in `answers` and `errors` and have neither latency nor cost. Unknown cost is left
-- out, not 0: look at `priced` before you compare sums.
SELECT
    feature, said.1 AS arm,
    count() AS answers, countIf(said.2 != '') AS errors,
    quantileExactInclusive(0.5)(said.3) AS latency_ms_p50,
    quantileExactInclusive(0.95)(said.3) AS latency_ms_p95,
    quantileExactInclusive(0.99)(said.3) AS latency_ms_p99,
    avg(said.4) AS output_tokens_mean,
    count(said.5) AS priced, sum(said.5) AS usd, avg(said.5) AS usd_mean
FROM comparisons
ARRAY JOIN arrayConcat(
    [('baseline', baseline_error, baseline_latency_ms, baseline_output_tokens, baseline_cost_usd),
     ('candidate', candidate_error, candidate_latency_ms, candidate_output_tokens, candidate_cost_usd)],
    if(has_rerun, [('rerun', rerun_error, rerun_latency_ms, rerun_output_tokens, rerun_cost_usd)], [])
) AS said
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND hour >= {since:DateTime('UTC')}
GROUP BY feature, arm
ORDER BY feature, arm
