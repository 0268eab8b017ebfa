-- The comparisons that differ most, of each feature and dimension in turn, so that one of them does not take all places.
SELECT comparison_id, any(hour) AS hour, any(feature) AS feature, min(place) AS first_place, max(excess) AS most
FROM (
  SELECT *, row_number() OVER (PARTITION BY feature, dimension ORDER BY excess DESC, comparison_id) AS place
  FROM (
    SELECT feature, dimension, hour, comparison_id, ifNull(d, candidate_score) AS excess
    FROM current_scores
    WHERE upgrade = {upgrade:String} AND candidate = {candidate:String} AND dimension IN {dimensions:Array(String)}
      AND status = 'scored' AND excess > 0 AND (feature = {feature:String} OR {feature:String} = '')
    ORDER BY excess DESC, comparison_id LIMIT {count:UInt32} BY feature, dimension
  )
)
GROUP BY comparison_id
ORDER BY first_place, most DESC, comparison_id LIMIT {count:UInt32}
