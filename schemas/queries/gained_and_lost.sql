-- What did the candidate gain and lose in a yes/no dimension (refusal, code_fence, invalid_json, ...)?
-- gained: production's answer was fine (score below 0.5), this one is not; lost: the other way round. The rerun's
-- columns show how much of that the current pin does by itself; compare shares, there are fewer reruns.
SELECT
    feature,
    countIf(baseline_score IS NOT NULL AND candidate_score IS NOT NULL) AS pairs,
    countIf(baseline_score < 0.5 AND candidate_score >= 0.5) AS gained,
    countIf(baseline_score >= 0.5 AND candidate_score < 0.5) AS lost,
    countIf(baseline_score IS NOT NULL AND rerun_score IS NOT NULL) AS rerun_pairs,
    countIf(baseline_score < 0.5 AND rerun_score >= 0.5) AS rerun_gained,
    countIf(baseline_score >= 0.5 AND rerun_score < 0.5) AS rerun_lost
FROM current_scores
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND dimension = {dimension:String}
GROUP BY feature
ORDER BY gained + lost DESC, feature
