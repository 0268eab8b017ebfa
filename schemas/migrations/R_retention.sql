-- How long rows live, counted from when they were written (event times may be old: a backfill must not vanish).
-- Re-applied when clickhouse.text_days or clickhouse.keep_days changes.
ALTER TABLE {db}.exchanges_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.exchanges_rows {cluster} MODIFY COLUMN request TTL ingested_at + INTERVAL {text_days} DAY;
ALTER TABLE {db}.answers_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.answers_rows {cluster} MODIFY COLUMN text TTL ingested_at + INTERVAL {text_days} DAY;
ALTER TABLE {db}.answers_rows {cluster} MODIFY COLUMN tool_calls_json TTL ingested_at + INTERVAL {text_days} DAY;
ALTER TABLE {db}.comparisons_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.compared_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.scores_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.evidence_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.evidence_days_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.coverage_rows {cluster} MODIFY TTL ingested_at + INTERVAL {keep_days} DAY;
ALTER TABLE {db}.observations_rows {cluster} MODIFY TTL toDateTime(ingested_at) + INTERVAL {text_days} DAY;
