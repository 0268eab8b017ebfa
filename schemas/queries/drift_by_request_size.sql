-- Are long requests worse?
-- Scores of one dimension by the size of the request, in powers of two of its input tokens (0: size unknown).
WITH sizes AS (
    SELECT comparison_id, if(ifNull(baseline_input_tokens, 0) > 0,
        toUInt64(exp2(floor(log2(assumeNotNull(baseline_input_tokens))))), 0) AS from_tokens
    FROM comparisons
    WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND feature = {feature:String}
)
SELECT from_tokens, count() AS scored, avg(candidate_score) AS candidate_mean, avg(rerun_score) AS rerun_mean
FROM current_scores AS s
JOIN sizes ON s.comparison_id = sizes.comparison_id
WHERE s.upgrade = {upgrade:String} AND s.candidate = {candidate:String} AND s.feature = {feature:String}
    AND s.dimension = {dimension:String} AND s.status = 'scored'
GROUP BY from_tokens
ORDER BY from_tokens
