-- Why do answers score badly: which reasons does the candidate have, and how often has the rerun the same ones?
-- A reason that the rerun has as often is noise of the current pin, not the candidate's doing. `share` is of the
-- comparisons scored; `rerun_share` of those whose rerun was scored.
SELECT
    feature, dimension, why.1 AS reason,
    countIf(why.2 = 'candidate') AS candidate_count,
    countIf(why.2 = 'candidate') / any(scored) AS share,
    countIf(why.2 = 'rerun') AS rerun_count,
    if(any(rerun_scored) > 0, countIf(why.2 = 'rerun') / any(rerun_scored), NULL) AS rerun_share
FROM (
    SELECT feature, dimension, status, rerun_status, reason AS said, rerun_reason AS rerun_said,
        countIf(status = 'scored') OVER (PARTITION BY feature, dimension) AS scored,
        countIf(rerun_status = 'scored') OVER (PARTITION BY feature, dimension) AS rerun_scored
    FROM current_scores
    WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
)
ARRAY JOIN [
    (if(status = 'scored', toString(said), ''), 'candidate'),
    (if(rerun_status = 'scored', toString(rerun_said), ''), 'rerun')
] AS why
WHERE why.1 != ''
GROUP BY feature, dimension, reason
ORDER BY feature, dimension, candidate_count DESC, reason
