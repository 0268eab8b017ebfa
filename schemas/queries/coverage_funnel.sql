-- How many of the tapped exchanges were compared, and where were the others lost?
-- consumed = all tapped; owed = those that should have been compared (not sampled out, out of scope, our own or half of
-- a pair); coverage = compared / owed, above 1 only while the ledger lags behind the comparisons.
SELECT
    candidate, consumed, owed, replayed, ifNull(c.compared, 0) AS compared,
    if(owed > 0, compared / owed, NULL) AS coverage, lost
FROM (
    SELECT
        candidate,
        sum(exchanges) AS consumed,
        sumIf(exchanges, outcome NOT IN ('sampled_out', 'out_of_scope', 'own_traffic', 'joined')) AS owed,
        sumIf(exchanges, outcome = 'replayed') AS replayed,
        sumMapIf(
            map(toString(outcome), exchanges),
            outcome NOT IN ('replayed', 'sampled_out', 'out_of_scope', 'own_traffic', 'joined')
        ) AS lost
    FROM coverage
    WHERE upgrade = {upgrade:String}
    GROUP BY candidate
) AS l
LEFT JOIN (
    SELECT candidate, sum(comparisons) AS compared FROM compared WHERE upgrade = {upgrade:String} GROUP BY candidate
) AS c USING (candidate)
ORDER BY candidate
