-- What changed since yesterday (or any hour)?
-- The excess of each dimension before and since that hour of event time, greatest change first. A new verdict stands in
-- verdict_history.sql; a new epoch starts a dimension anew and shows here as no trials before.
SELECT
    feature, dimension,
    sumIf(n, hour < {since:DateTime('UTC')}) AS trials_before,
    sumIf(n, hour >= {since:DateTime('UTC')}) AS trials_since,
    if(trials_before > 0, sumIf(d_sum, hour < {since:DateTime('UTC')}) / trials_before, NULL) AS excess_before,
    if(trials_since > 0, sumIf(d_sum, hour >= {since:DateTime('UTC')}) / trials_since, NULL) AS excess_since,
    excess_since - excess_before AS change
FROM evidence
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
    AND (feature, dimension, epoch) IN (
        SELECT feature, dimension, epoch FROM drift
        WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
    )
GROUP BY feature, dimension
ORDER BY abs(change) DESC NULLS LAST, feature, dimension
