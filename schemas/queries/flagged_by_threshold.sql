-- What would a threshold of x on the score have flagged?
-- For an alert of your own: share of the candidate's answers at x or above, and of the reruns, which are false alarms
-- by construction.
SELECT
    feature, dimension,
    count(candidate_score) AS scored,
    countIf(candidate_score >= {threshold:Float64}) AS flagged,
    if(scored > 0, flagged / scored, NULL) AS flagged_share,
    count(rerun_score) AS rerun_scored,
    countIf(rerun_score >= {threshold:Float64}) AS rerun_flagged,
    if(rerun_scored > 0, rerun_flagged / rerun_scored, NULL) AS false_alarm_share
FROM current_scores
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
GROUP BY feature, dimension
ORDER BY feature, dimension
