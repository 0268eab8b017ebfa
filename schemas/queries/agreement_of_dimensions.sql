-- Which dimensions flag the same answers?
-- An answer is flagged at `threshold` or above. agreement = flagged by both / flagged by either, 0 to 1: near 1, the two
-- say the same thing twice; near 0, each sees what the other does not.
WITH flagged AS (
    SELECT arraySort(groupArray(toString(dimension))) AS dimensions
    FROM current_scores
    WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND candidate_score >= {threshold:Float64}
    GROUP BY comparison_id
), pairs AS (
    SELECT a, b, count() AS answers
    FROM flagged ARRAY JOIN dimensions AS a ARRAY JOIN dimensions AS b
    WHERE a <= b
    GROUP BY a, b
)
SELECT p.a AS dimension, p.b AS other, p.answers AS both, l.answers AS of_dimension, r.answers AS of_other,
    both / (of_dimension + of_other - both) AS agreement
FROM pairs AS p
JOIN (SELECT a, answers FROM pairs WHERE a = b) AS l ON p.a = l.a
JOIN (SELECT a, answers FROM pairs WHERE a = b) AS r ON p.b = r.a
WHERE p.a < p.b
ORDER BY agreement DESC, dimension, other
