-- What was asked and what was said. Numbers and text stand side by side; the text columns have their own, shorter
-- time to live (R_retention.sql), and are NULL or empty unless store_text = "full".

CREATE TABLE IF NOT EXISTS {db}.exchanges_rows {cluster}
(
    upgrade       LowCardinality(String)                        COMMENT 'name of the upgrade (the question being asked)',
    hour          DateTime('UTC')         CODEC(Delta, ZSTD(1)) COMMENT 'hour of ts, UTC; filter on it: it is in the sort key',
    trial_id      UUID                                          COMMENT 'identity of the exchange in this upgrade; joins answers and comparisons',
    ts            DateTime64(3, 'UTC')    CODEC(Delta, ZSTD(1)) COMMENT 'event time: timestamp of the tapped Kafka record, UTC, milliseconds',
    feature       LowCardinality(String)                        COMMENT 'product feature the request belongs to',
    cluster       LowCardinality(String)                        COMMENT 'Kafka cluster the record was tapped from',
    topic         LowCardinality(String)                        COMMENT 'Kafka topic the record was tapped from',
    partition     UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'Kafka partition of the tapped record',
    offset        UInt64                  CODEC(Delta, ZSTD(1)) COMMENT 'Kafka offset of the tapped record',
    item          UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'index of the exchange within the record, from 0; one record can hold many',
    request_id    String                  CODEC(ZSTD(1))        COMMENT 'id the production system gave the request',
    current_pin   LowCardinality(String)                        COMMENT 'pin that production is meant to run, provider/model-id',
    weight        Float64                 CODEC(ZSTD(1))        COMMENT '1 / probability with which this exchange was sampled; sum it to estimate all traffic',
    messages      UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'number of messages in the request',
    request_chars UInt64                  CODEC(T64, ZSTD(1))   COMMENT 'length of all message texts of the request, characters',
    tools         UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'number of tools offered in the request',
    wants_json    Bool                                          COMMENT 'whether the request itself asks for JSON by response_format',
    asked         UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'requests sent to providers for this exchange, retries included',
    spent_usd     Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'what those requests cost, USD; NULL: unknown, not zero',
    request       String                  CODEC(ZSTD(3))        COMMENT 'TEXT OF USERS: the request body as JSON; empty unless store_text = "full", and after its time to live',
    ver           UInt64                  CODEC(Delta, ZSTD(1)) COMMENT 'row version, the highest wins: falls with the offset in the trials topic, so the trial that came first counts',
    ingested_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)) COMMENT 'when the row was written, UTC; time to live runs on it',
    INDEX by_trial trial_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(hour) ORDER BY (upgrade, hour, trial_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view exchanges: may hold a row twice until merged, so read the view, or add FINAL. One row is a tapped request.';

CREATE TABLE IF NOT EXISTS {db}.answers_rows {cluster}
(
    upgrade       LowCardinality(String)                        COMMENT 'name of the upgrade',
    hour          DateTime('UTC')         CODEC(Delta, ZSTD(1)) COMMENT 'hour of ts, UTC; filter on it: it is in the sort key',
    trial_id      UUID                                          COMMENT 'identity of the exchange in this upgrade; joins exchanges and comparisons',
    arm           Enum8('baseline' = 1, 'rerun' = 2, 'candidate' = 3) COMMENT 'who answered: baseline = production as recorded, rerun = current pin asked again, candidate',
    candidate     LowCardinality(String)                        COMMENT 'name of the candidate; empty for baseline and rerun, which all candidates share',
    ts            DateTime64(3, 'UTC')    CODEC(Delta, ZSTD(1)) COMMENT 'event time of the exchange (not of the replay), UTC, milliseconds',
    feature       LowCardinality(String)                        COMMENT 'product feature the request belongs to',
    asked_pin     LowCardinality(String)                        COMMENT 'pin that was asked, provider/model-id; for the baseline the current pin',
    model         LowCardinality(String)                        COMMENT 'model that answered, as the provider reported it; for an error the pin that was asked',
    fingerprint   LowCardinality(String)                        COMMENT 'the provider''s own mark of the deployment (e.g. system_fingerprint); empty: none given',
    sent_hash     String                  CODEC(ZSTD(1))        COMMENT 'hash of the request body that was sent; empty for the baseline',
    finish_reason LowCardinality(String)                        COMMENT 'why the answer ended, as the provider says (stop, length, tool_calls, ...); empty: unknown',
    error         LowCardinality(String)                        COMMENT 'reason code of the error in place of an answer (timeout, http_500, ...); empty: an answer',
    input_tokens  Nullable(Int64)         CODEC(ZSTD(1))        COMMENT 'tokens of the request as the provider counted them; NULL: unknown',
    output_tokens Nullable(Int64)         CODEC(ZSTD(1))        COMMENT 'tokens of the answer as the provider counted them; NULL: unknown',
    latency_ms    Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'time to the whole answer, milliseconds; NULL: unknown',
    time_to_first_token_ms Nullable(Float64) CODEC(ZSTD(1))     COMMENT 'time to the first token, milliseconds; NULL: unknown',
    cost_usd      Nullable(Float64)       CODEC(ZSTD(1))        COMMENT 'cost of the answer, USD; NULL: unknown, not zero',
    answer_chars  Nullable(UInt64)        CODEC(ZSTD(1))        COMMENT 'length of the answer text, characters; NULL: no text',
    tool_calls    UInt32                  CODEC(T64, ZSTD(1))   COMMENT 'number of tool calls in the answer',
    text          Nullable(String)        CODEC(ZSTD(3))        COMMENT 'TEXT OF MODELS: the answer; NULL unless store_text = "full", where there is none, and after its time to live',
    tool_calls_json String                CODEC(ZSTD(3))        COMMENT 'TEXT OF MODELS: the tool calls as JSON; empty unless store_text = "full"',
    ver           UInt64                  CODEC(Delta, ZSTD(1)) COMMENT 'row version, the highest wins: falls with the offset in the trials topic, so the trial that came first counts',
    ingested_at   DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)) COMMENT 'when the row was written, UTC; time to live runs on it',
    INDEX by_trial trial_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(hour) ORDER BY (upgrade, hour, trial_id, arm, candidate)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view answers: may hold a row twice until merged, so read the view, or add FINAL. One row is what one arm said to one request.';
