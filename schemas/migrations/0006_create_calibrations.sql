-- Settings that are learned from a feature's first trials and then frozen (schemas/calibrations.py).

CREATE TABLE IF NOT EXISTS {db}.observations_rows {cluster}
(
    upgrade     LowCardinality(String)    COMMENT 'name of the upgrade',
    feature     LowCardinality(String)    COMMENT 'product feature',
    dimension   LowCardinality(String)    COMMENT 'metric name that learns',
    rules       String                    COMMENT 'hash of the current pin, the comparator with its settings, and the feature rules',
    ts          DateTime64(3, 'UTC')      COMMENT 'event time of the trial, UTC, milliseconds',
    trial_id    UUID                      COMMENT 'the trial it was observed in',
    observation String                    COMMENT 'what the comparator observed, in a form of its own: counts, distances, hashes; no text of anybody',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when the row was written, UTC; row version, the highest wins'
) ENGINE = {engine:ingested_at} ORDER BY (upgrade, feature, dimension, rules, ts, trial_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view observations: read the view, or add FINAL. One row is what one trial teaches a dimension that is calibrating.';

CREATE TABLE IF NOT EXISTS {db}.calibrations_rows {cluster}
(
    upgrade     LowCardinality(String)    COMMENT 'name of the upgrade',
    feature     LowCardinality(String)    COMMENT 'product feature',
    dimension   LowCardinality(String)    COMMENT 'metric name that was calibrated',
    rules       String                    COMMENT 'hash of the current pin, the comparator with its settings, and the feature rules',
    calibration String                    COMMENT 'what was frozen, in the comparator''s own form',
    identity    String                    COMMENT 'hash of it, part of epochs.identity',
    trials      UInt64                    COMMENT 'trials it was made of',
    until       DateTime64(3, 'UTC')      COMMENT 'event time of the last of them, UTC, milliseconds: only later trials are scored with it',
    frozen_at   DateTime64(3, 'UTC')      COMMENT 'when it was frozen, UTC, milliseconds',
    ver         UInt64                    COMMENT 'row version, the highest wins: falls with frozen_at, so what was frozen first stays',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, feature, dimension, rules)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view calibrations: read the view, or add FINAL. One row is what a dimension learned of a feature and froze.';
