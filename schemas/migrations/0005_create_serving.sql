-- Which model served what, when: fed from answers as they arrive. Only states that repetition cannot change (min, max)
-- are kept, so redelivered answers do no harm; numbers of answers are counted in answers.

CREATE TABLE IF NOT EXISTS {db}.serving_rows {cluster}
(
    upgrade     LowCardinality(String)                            COMMENT 'name of the upgrade',
    arm         Enum8('baseline' = 1, 'rerun' = 2, 'candidate' = 3) COMMENT 'who answered: baseline = production as recorded, rerun = current pin asked again, candidate',
    candidate   LowCardinality(String)                            COMMENT 'name of the candidate; empty for baseline and rerun',
    feature     LowCardinality(String)                            COMMENT 'product feature',
    asked_pin   LowCardinality(String)                            COMMENT 'pin that was asked, provider/model-id',
    model       LowCardinality(String)                            COMMENT 'model that answered, as the provider reported it',
    fingerprint LowCardinality(String)                            COMMENT 'the provider''s own mark of the deployment; empty: none given',
    hour        DateTime('UTC')                                   COMMENT 'hour of event time, UTC',
    first_ts    SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'first event time in that hour, UTC, milliseconds',
    last_ts     SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'last event time in that hour, UTC, milliseconds'
) ENGINE = {engine:aggregating} PARTITION BY toYYYYMM(hour)
ORDER BY (upgrade, arm, candidate, feature, asked_pin, model, fingerprint, hour)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view serving: read the view, or add FINAL. One row is an hour in which a model answered a feature.';

CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.serving_feed {cluster} TO {db}.serving_rows
AS SELECT upgrade, arm, candidate, feature, asked_pin, model, fingerprint, hour, min(ts) AS first_ts, max(ts) AS last_ts
FROM {db}.answers_rows WHERE error = ''
GROUP BY upgrade, arm, candidate, feature, asked_pin, model, fingerprint, hour
COMMENT 'Feeds serving_rows from answers; not to be read.';
