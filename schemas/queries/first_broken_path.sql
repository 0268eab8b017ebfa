-- Which JSON path broke first, and when?
-- Reasons that name a path hold a `$`: missing:$.items[].price, type:$.total, ... `first_seen` is event time.
SELECT
    feature, dimension, reason,
    min(ts) AS first_seen, max(ts) AS last_seen,
    count() AS answers, countIf(rerun_reason = reason) AS rerun_too
FROM current_scores
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND status = 'scored' AND position(reason, '$') > 0
GROUP BY feature, dimension, reason
ORDER BY first_seen, feature, dimension, reason
