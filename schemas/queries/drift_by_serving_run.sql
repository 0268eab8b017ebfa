-- Does drift come and go with the deployment that answered?
-- Every score is joined by time to what served the candidate then; compare the runs of a feature.
SELECT
    s.feature AS feature, v.run AS run, any(v.model) AS model,
    any(v.fingerprint) AS fingerprint, any(v.since) AS since,
    count(s.candidate_score) AS scored, avg(s.candidate_score) AS candidate_mean, avg(s.d) AS excess
FROM current_scores AS s
ASOF JOIN (
    SELECT upgrade, candidate, feature, run, model, fingerprint, since FROM serving
    WHERE upgrade = {upgrade:String} AND arm = 'candidate' AND candidate = {candidate:String}
) AS v ON s.upgrade = v.upgrade AND s.candidate = v.candidate AND s.feature = v.feature AND s.ts >= v.since
WHERE s.upgrade = {upgrade:String} AND s.candidate = {candidate:String} AND s.dimension = {dimension:String}
GROUP BY feature, run
ORDER BY feature, run
