-- Which trials of a feature are worst in a dimension, and what did production and the candidate say?
-- Texts are NULL unless store_text = "full", and the request is empty then. `excess` is D where there is a rerun to
-- compare with, else the candidate's own score.
WITH worst AS (
    SELECT hour, comparison_id, ts, candidate_score, rerun_score, ifNull(d, candidate_score) AS excess, reason
    FROM current_scores
    WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND feature = {feature:String}
        AND dimension = {dimension:String} AND status = 'scored'
    ORDER BY excess DESC, candidate_score DESC, comparison_id
    LIMIT {top:UInt32}
), known AS (
    SELECT hour, comparison_id, trial_id, request_id
    FROM comparisons
    WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
        AND (hour, comparison_id) IN (SELECT hour, comparison_id FROM worst)
), said AS (
    SELECT trial_id, anyIf(text, arm = 'baseline') AS baseline_text, anyIf(text, arm = 'candidate') AS candidate_text
    FROM answers
    WHERE upgrade = {upgrade:String} AND candidate IN ('', {candidate:String})
        AND (hour, trial_id) IN (SELECT hour, trial_id FROM known)
    GROUP BY trial_id
)
SELECT ts, request_id, candidate_score, rerun_score, excess, reason, baseline_text, candidate_text
FROM worst
JOIN known USING (hour, comparison_id)
LEFT JOIN said USING (trial_id)
ORDER BY excess DESC, candidate_score DESC, comparison_id
