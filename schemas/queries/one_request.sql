-- What do all dimensions say of one request, side by side?
-- One row per candidate and dimension. Give the id that your own logs have. It is looked up in comparisons_rows, where
-- finding a row twice does no harm and costs a quarter of the time.
SELECT candidate, dimension, baseline_score, rerun_score, candidate_score, d, status, reason, rerun_reason, epoch
FROM scores
WHERE upgrade = {upgrade:String}
    AND (hour, comparison_id) IN (
        SELECT hour, comparison_id FROM comparisons_rows
        WHERE upgrade = {upgrade:String} AND request_id = {request_id:String}
    )
ORDER BY candidate, dimension, epoch
