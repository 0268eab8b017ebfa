-- How did a candidate drift hour by hour, beside its noise floor?
-- Plot candidate_mean over rerun_mean: what lies between them is the excess. Hours without a comparison have no row.
SELECT
    feature, dimension, hour, n AS trials,
    candidate_sum / n AS candidate_mean,
    if(rerun_n > 0, rerun_sum / rerun_n, NULL) AS rerun_mean,
    d_sum / n AS excess
FROM evidence
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND n > 0
    AND (feature, dimension, epoch) IN (
        SELECT feature, dimension, epoch FROM drift
        WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
    )
ORDER BY feature, dimension, hour
