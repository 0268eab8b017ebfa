-- Comparisons and their scores: numbers only, no text of anybody.

CREATE TABLE IF NOT EXISTS {db}.comparisons_rows {cluster}
(
    upgrade         LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'name of the upgrade',
    candidate       LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'name of the candidate',
    hour            DateTime('UTC')         CODEC(Delta, ZSTD(1)) COMMENT 'hour of ts, UTC; filter on it: it is in the sort key',
    comparison_id   UUID                                          COMMENT 'identity of the comparison (trial and candidate with its changes); joins scores',
    trial_id        UUID                                          COMMENT 'identity of the exchange in this upgrade; joins exchanges and answers (give hour, too: it is fast by hour)',
    ts              DateTime64(3, 'UTC')    CODEC(T64('bit'), ZSTD(1)) COMMENT 'event time: timestamp of the tapped Kafka record, UTC, milliseconds',
    feature         LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'product feature the request belongs to',
    candidate_hash  LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'hash of the candidate''s pin, changes and system prompt',
    cluster         LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'Kafka cluster the record was tapped from',
    topic           LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'Kafka topic the record was tapped from',
    partition       UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'Kafka partition of the tapped record',
    offset          UInt64                  CODEC(T64('bit'), ZSTD(1)) COMMENT 'Kafka offset of the tapped record',
    item            UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'index of the exchange within the record, from 0',
    request_id      String                  CODEC(ZSTD(1))        COMMENT 'id the production system gave the request',
    weight          Float64                 CODEC(ZSTD(1))        COMMENT '1 / probability with which this exchange was sampled; sum it to estimate all traffic',
    has_rerun       Bool                           CODEC(ZSTD(1)) COMMENT 'whether the current pin was asked again, successfully or not',
    current_pin     LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'pin that production is meant to run, and that the rerun asked',
    candidate_pin   LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'pin that the candidate asked',
    baseline_model  LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'model that answered production, as the log reported it',
    rerun_model     LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'model that answered the rerun, as the provider reported it; empty: no rerun',
    candidate_model LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'model that answered the candidate, as the provider reported it',
    baseline_fingerprint  LowCardinality(String)   CODEC(ZSTD(1)) COMMENT 'provider''s mark of the deployment that answered production; empty: none given',
    rerun_fingerprint     LowCardinality(String)   CODEC(ZSTD(1)) COMMENT 'provider''s mark of the deployment that answered the rerun; empty: none given',
    candidate_fingerprint LowCardinality(String)   CODEC(ZSTD(1)) COMMENT 'provider''s mark of the deployment that answered the candidate; empty: none given',
    baseline_error  LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'reason code of production''s error; empty: it answered',
    rerun_error     LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'reason code of the rerun''s error; empty: it answered, or there was no rerun',
    candidate_error LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'reason code of the candidate''s error; empty: it answered',
    baseline_latency_ms   Nullable(Float32) CODEC(ZSTD(1))        COMMENT 'time to production''s whole answer, milliseconds; NULL: unknown',
    rerun_latency_ms      Nullable(Float32) CODEC(ZSTD(1))        COMMENT 'time to the rerun''s whole answer, milliseconds; NULL: unknown or no rerun',
    candidate_latency_ms  Nullable(Float32) CODEC(ZSTD(1))        COMMENT 'time to the candidate''s whole answer, milliseconds; NULL: unknown',
    baseline_time_to_first_token_ms  Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'time to production''s first token, milliseconds; NULL: unknown',
    rerun_time_to_first_token_ms     Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'time to the rerun''s first token, milliseconds; NULL: unknown or no rerun',
    candidate_time_to_first_token_ms Nullable(Float32) CODEC(ZSTD(1)) COMMENT 'time to the candidate''s first token, milliseconds; NULL: unknown',
    baseline_input_tokens   Nullable(Int64) CODEC(T64('bit'), ZSTD(1))        COMMENT 'tokens of production''s request; NULL: unknown',
    rerun_input_tokens      Nullable(Int64) CODEC(T64('bit'), ZSTD(1))        COMMENT 'tokens of the rerun''s request; NULL: unknown or no rerun',
    candidate_input_tokens  Nullable(Int64) CODEC(T64('bit'), ZSTD(1))        COMMENT 'tokens of the candidate''s request; NULL: unknown',
    baseline_output_tokens  Nullable(Int64) CODEC(T64('bit'), ZSTD(1))        COMMENT 'tokens of production''s answer; NULL: unknown',
    rerun_output_tokens     Nullable(Int64) CODEC(T64('bit'), ZSTD(1))        COMMENT 'tokens of the rerun''s answer; NULL: unknown or no rerun',
    candidate_output_tokens Nullable(Int64) CODEC(T64('bit'), ZSTD(1))        COMMENT 'tokens of the candidate''s answer; NULL: unknown',
    baseline_cost_usd  Nullable(Float32)    CODEC(ZSTD(1))        COMMENT 'cost of production''s answer, USD; NULL: unknown, not zero',
    rerun_cost_usd     Nullable(Float32)    CODEC(ZSTD(1))        COMMENT 'cost of the rerun''s answer, USD; NULL: unknown or no rerun',
    candidate_cost_usd Nullable(Float32)    CODEC(ZSTD(1))        COMMENT 'cost of the candidate''s answer, USD; NULL: unknown, not zero',
    ver             UInt64                  CODEC(T64('bit'), ZSTD(1)) COMMENT 'row version, the highest wins: falls with the offset in the trials topic, so the trial that came first counts',
    ingested_at     DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)) COMMENT 'when the row was written, UTC; time to live runs on it',
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(hour) ORDER BY (upgrade, candidate, hour, comparison_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view comparisons: may hold a row twice until merged, so read the view, or add FINAL. One row is a request compared for one candidate.';

CREATE TABLE IF NOT EXISTS {db}.compared_rows {cluster}
(
    upgrade     LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'name of the upgrade',
    candidate   LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'name of the candidate',
    feature     LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'product feature',
    hour        DateTime('UTC')            COMMENT 'hour of event time, UTC',
    comparisons UInt64                     COMMENT 'comparisons of that hour',
    paired      UInt64                     COMMENT 'those of them whose rerun answered',
    ver         UInt64                     COMMENT 'row version, the highest wins: nanoseconds at which the hour was counted',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC; time to live runs on it'
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(hour) ORDER BY (upgrade, candidate, feature, hour)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view compared: may hold a row twice until merged, so read the view, or add FINAL. One row is candidate x feature x hour, counted anew whenever a comparison of that hour arrives.';

-- ver = comparator_version * 2^48 + (2^48 - 1 - offset in the trials topic): a newer comparator wins over an older one,
-- and among scores of one comparator the trial that was asked first wins.
-- Scores are Float64, so that sums made here and with numpy agree to the last digits.
CREATE TABLE IF NOT EXISTS {db}.scores_rows {cluster}
(
    upgrade         LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'name of the upgrade',
    feature         LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'product feature the request belongs to',
    candidate       LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'name of the candidate',
    epoch           UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'number of the epoch (see table epochs) under which the score counts, from 1; only scores of one epoch add up',
    hour            DateTime('UTC')         CODEC(Delta, ZSTD(1)) COMMENT 'hour of ts, UTC; filter on it: it is in the sort key',
    comparison_id   UUID                    CODEC(ZSTD(1))        COMMENT 'identity of the comparison; joins comparisons',
    dimension       LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'metric name: what is wrong when the score is 1 (invalid_json, answer_change, ...)',
    ts              DateTime64(3, 'UTC')    CODEC(Delta, ZSTD(1)) COMMENT 'event time of the exchange, UTC, milliseconds',
    kind            Enum8('property' = 1, 'property_both' = 2, 'distance' = 3, 'measure' = 4) CODEC(ZSTD(1)) COMMENT 'what the score is about; decides how d is made: property c-b, property_both |c-b|-|r-b|, distance c-r, measure c-r',
    baseline_score  Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'score of the production answer, 0 (fine) to 1 (wrong); NULL: does not apply, or a distance, which measures from it',
    rerun_score     Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'score of the rerun, 0 to 1: the noise floor; NULL: no rerun, no answer, or does not apply',
    candidate_score Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'score of the candidate''s answer, 0 (fine, same) to 1 (wrong, wholly different); NULL: no answer, or does not apply',
    d               Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'evidence D, -1 to 1: what the candidate has beyond its reference, worse when positive; NULL: an arm it needs has no score',
    status          Enum8('scored' = 1, 'skipped' = 2, 'failed' = 3) CODEC(ZSTD(1)) COMMENT 'how candidate_score came about; failed = the comparator raised, never counted as fine',
    rerun_status    Enum8('absent' = 0, 'scored' = 1, 'skipped' = 2, 'failed' = 3) CODEC(ZSTD(1)) COMMENT 'how rerun_score came about; absent = nobody asked again',
    baseline_status Enum8('absent' = 0, 'scored' = 1, 'skipped' = 2, 'failed' = 3) CODEC(ZSTD(1)) COMMENT 'how baseline_score came about; absent = a distance, which measures from it',
    reason          LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'reason code of candidate_score (yes_no:yes->no, missing:$.items[].price, ...); group by it',
    rerun_reason    LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'reason code of rerun_score',
    baseline_reason LowCardinality(String)         CODEC(ZSTD(1)) COMMENT 'reason code of baseline_score',
    comparator_version UInt16               CODEC(T64, ZSTD(1))   COMMENT 'version of the comparator; raised when a score changes its meaning',
    weight          Float64                 CODEC(ZSTD(1))        COMMENT '1 / probability with which this exchange was sampled',
    ver             UInt64                  CODEC(Delta, ZSTD(1)) COMMENT 'row version, the highest wins: comparator_version in the upper 16 bits, below it a number that falls with the offset in the trials topic',
    ingested_at     DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)) COMMENT 'when the row was written, UTC; time to live runs on it',
    INDEX by_comparison comparison_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(hour)
ORDER BY (upgrade, feature, candidate, epoch, hour, comparison_id, dimension)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view scores: may hold a row twice until merged, so read the view, or add FINAL. One row is a comparison in one dimension.';
