-- Which dimensions flag the same answers?
-- An answer is flagged at `threshold` or above. agreement = flagged by both / flagged by either, 0 to 1: near 1, the two
-- say the same thing twice; near 0, each sees what the other does not. Pairs that never meet have no row.
SELECT a AS dimension, b AS other, answers AS both, of_a AS of_dimension, of_b AS of_other,
    both / (of_dimension + of_other - both) AS agreement
FROM (
    SELECT a, b, answers,
        maxIf(answers, a = b) OVER (PARTITION BY a) AS of_a, maxIf(answers, a = b) OVER (PARTITION BY b) AS of_b
    FROM (
        SELECT arrayJoin(dimensions) AS a, arrayJoin(others) AS b, count() AS answers
        FROM (
            SELECT groupArray(toString(dimension)) AS dimensions, dimensions AS others
            FROM current_scores
            WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND hour >= {since:DateTime('UTC')}
                AND candidate_score >= {threshold:Float64}
            GROUP BY comparison_id
        )
        GROUP BY a, b
    )
)
WHERE a < b
ORDER BY agreement DESC, dimension, other
