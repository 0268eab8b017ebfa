-- Where does every feature and dimension of a candidate stand, worst first?
-- log_e is the evidence that the excess is above the tolerance, log_e_pass that it is below; natural logarithms, and
-- 3.0 is twenty to one. rerun_mean is the noise floor: how much the current pin differs from itself.
SELECT feature, dimension, trials, baseline_mean, rerun_mean, candidate_mean, excess, worse, better, log_e, log_e_pass
FROM drift
WHERE upgrade = {upgrade:String} AND candidate = {candidate:String}
ORDER BY log_e DESC, feature, dimension
