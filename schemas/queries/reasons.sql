-- Why do answers score badly: which reasons does the candidate have, and how often has the rerun the same ones?
-- A reason that the rerun has as often is noise of the current pin, not the candidate's doing. `share` is of the
-- comparisons scored; `rerun_share` of those whose rerun was scored.
SELECT feature, dimension, reason, candidate_count, candidate_count / scored AS share, rerun_count,
    if(rerun_scored > 0, rerun_count / rerun_scored, NULL) AS rerun_share
FROM (
    SELECT feature, dimension, reason,
        sumIf(answers, arm = 'candidate') AS candidate_count, sumIf(answers, arm = 'rerun') AS rerun_count,
        sum(candidate_count) OVER (PARTITION BY feature, dimension) AS scored,
        sum(rerun_count) OVER (PARTITION BY feature, dimension) AS rerun_scored
    FROM (
        SELECT feature, dimension, reason, 'candidate' AS arm, count() AS answers FROM current_scores
        WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND status = 'scored'
        GROUP BY feature, dimension, reason
        UNION ALL
        SELECT feature, dimension, rerun_reason, 'rerun', count() FROM current_scores
        WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND rerun_status = 'scored'
        GROUP BY feature, dimension, rerun_reason
    )
    GROUP BY feature, dimension, reason
)
WHERE reason != ''
ORDER BY feature, dimension, candidate_count DESC, reason
