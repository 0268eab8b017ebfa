-- Do the dimensions see what people see?
-- Of the pairs that people judged blind (`shadowtap review`): how many a dimension flags, an excess of `threshold` or
-- more, and how many of those people found worse; the same of those it does not flag. agreement = share of pairs where
-- both say worse, or neither does. The pairs were the most telling ones, so this says nothing of how often drift occurs.
SELECT dimension,
    count() AS judged,
    countIf(is_flagged) AS flagged, countIf(is_flagged AND is_worse) AS flagged_worse,
    countIf(NOT is_flagged) AS passed, countIf(NOT is_flagged AND is_worse) AS passed_worse,
    countIf(is_flagged = is_worse) / judged AS agreement
FROM (
    SELECT s.dimension AS dimension, s.excess >= {threshold:Float64} AS is_flagged, o.opinion = 'worse' AS is_worse
    FROM (
        SELECT comparison_id, dimension, ifNull(d, candidate_score) AS excess
        FROM current_scores
        WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND status = 'scored' AND kind != 'measure'
            AND (hour, comparison_id) IN (
                SELECT hour, comparison_id FROM opinions
                WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
            )
    ) AS s
    JOIN (
        SELECT comparison_id, opinion FROM opinions
        WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
    ) AS o ON s.comparison_id = o.comparison_id
)
GROUP BY dimension
ORDER BY flagged DESC, dimension
