-- How long will it take, and what will it cost, until every feature has `wanted` comparisons?
-- From the rate and the prices seen so far; usd is for candidate and rerun together, as far as prices are known. Real
-- traffic has nights and weekends: read the hours as an order of magnitude.
SELECT
    feature, count() AS compared,
    dateDiff('second', min(ts), max(ts)) / 3600 AS hours_seen,
    if(hours_seen > 0, compared / hours_seen, NULL) AS per_hour,
    avg(ifNull(candidate_cost_usd, 0) + ifNull(rerun_cost_usd, 0)) AS usd_per_comparison,
    greatest(0, {wanted:Int64} - toInt64(compared)) AS missing,
    missing / per_hour AS hours_left,
    missing * usd_per_comparison AS usd_left
FROM comparisons
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
GROUP BY feature
ORDER BY hours_left DESC NULLS FIRST, feature
