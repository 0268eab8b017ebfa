-- How did the verdicts come about?
-- One row per change, oldest first; dimension empty: the feature as a whole, feature empty too: the candidate.
SELECT at, feature, dimension, epoch, verdict, why, trials, candidate_mean, rerun, excess, log_e, log_e_pass
FROM verdicts
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
ORDER BY at, feature, dimension, epoch
