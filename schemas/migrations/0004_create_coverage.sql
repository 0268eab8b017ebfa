-- The ledger and the outbox. Not partitioned: the event time of a block moves while it fills, and rows are folded
-- within a partition only.

CREATE TABLE IF NOT EXISTS {db}.coverage_rows {cluster}
(
    upgrade    LowCardinality(String)          COMMENT 'name of the upgrade',
    cluster    LowCardinality(String)          COMMENT 'Kafka cluster of the tapped partition',
    topic      LowCardinality(String)          COMMENT 'tapped Kafka topic',
    partition  UInt32                          COMMENT 'tapped Kafka partition',
    run        LowCardinality(String)          COMMENT 'who counted: empty = the live run, else the name of a backfill; their ranges never count an exchange of a candidate twice',
    start      UInt64                          COMMENT 'first offset of the range, inclusive; names the block',
    end        UInt64                          COMMENT 'last offset of the range, exclusive; row version: of several rows of a block the highest wins',
    ts         DateTime64(3, 'UTC')            COMMENT 'newest event time in the range, UTC, milliseconds',
    candidates Array(LowCardinality(String))   COMMENT 'name of the candidate, parallel to features, outcomes and counts',
    features   Array(LowCardinality(String))   COMMENT 'product feature, parallel to candidates',
    outcomes   Array(LowCardinality(String))   COMMENT 'outcome, parallel to candidates',
    counts     Array(UInt64)                   COMMENT 'exchanges, parallel to candidates',
    day        LowCardinality(String)          COMMENT 'UTC day that requests and usd belong to, YYYY-MM-DD',
    requests   UInt64                          COMMENT 'requests sent for this partition on that day so far',
    usd        Float64                         COMMENT 'USD spent for this partition on that day so far',
    total_requests UInt64                      COMMENT 'requests sent for this partition since the upgrade began',
    total_usd  Float64                         COMMENT 'USD spent for this partition since the upgrade began',
    ingested_at DateTime('UTC') DEFAULT now()  COMMENT 'when the row was written, UTC; time to live runs on it'
) ENGINE = {engine:end} ORDER BY (upgrade, cluster, topic, partition, run, start)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the views coverage and spend: holds a row per writing of a block until merged, so read the views, or add FINAL. One row is the ledger of one offset range.';

CREATE TABLE IF NOT EXISTS {db}.alerts_rows {cluster}
(
    upgrade   LowCardinality(String)           COMMENT 'name of the upgrade',
    id        String                           COMMENT 'identity of the cause: one alert per cause',
    candidate LowCardinality(String)           COMMENT 'name of the candidate',
    state     Enum8('pending' = 1, 'sent' = 2) COMMENT 'pending = still to be sent, sent = accepted by Slack',
    text      String                           COMMENT 'the message as plain text; holds no prompt and no answer',
    payload   String                           COMMENT 'the message as sent, JSON',
    at        DateTime64(3, 'UTC')             COMMENT 'when the state was reached, UTC, milliseconds',
    ver       UInt64                           COMMENT 'row version, the highest wins: sent wins over pending, then the later one',
    ingested_at DateTime('UTC') DEFAULT now()  COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view alerts: may hold a row twice until merged, so read the view, or add FINAL. One row is an alert, sent or still to be sent.';
