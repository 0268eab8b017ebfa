-- How often does each arm give an error instead of an answer, hour by hour, and which?
-- Errors of the rerun are those of the replay path with the current pin: where both arms fail together, it was the
-- provider, not the candidate.
SELECT
    hour, feature, said.1 AS arm,
    count() AS answers, countIf(said.2 != '') AS errors, errors / answers AS rate,
    arraySort(groupUniqArrayIf(toString(said.2), said.2 != '')) AS codes
FROM comparisons
ARRAY JOIN arrayConcat(
    [('baseline', baseline_error), ('candidate', candidate_error)], if(has_rerun, [('rerun', rerun_error)], [])
) AS said
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND hour >= {since:DateTime('UTC')}
GROUP BY hour, feature, arm
ORDER BY hour, feature, arm
