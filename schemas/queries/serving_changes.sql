-- Did a model change under its pin, and when?
-- One row per change: the provider answered under one name with another model or deployment than before. Production's
-- rows (arm baseline) show an alias that moved; a rerun that moved makes the noise floor that of another model.
SELECT since, arm, candidate, feature, asked_pin, was_model, model, was_fingerprint, fingerprint
FROM serving
WHERE upgrade = {upgrade:String} AND run > 1
ORDER BY since, arm, candidate, feature
