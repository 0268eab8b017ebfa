-- What people say: differences they accept by name, and what they think of pairs of answers.

CREATE TABLE IF NOT EXISTS {db}.acceptances_rows {cluster}
(
    upgrade        LowCardinality(String)      COMMENT 'name of the upgrade',
    candidate      LowCardinality(String)      COMMENT 'name of the candidate',
    candidate_hash LowCardinality(String)      COMMENT 'hash of the candidate''s pin, changes and system prompt when it was accepted: holds for no other',
    feature        LowCardinality(String)      COMMENT 'product feature; empty: all features',
    dimension      LowCardinality(String)      COMMENT 'metric name that was accepted, whole or in one signature',
    signature      String                      COMMENT 'reason code that scores 0 in every arm from then on, in an epoch of its own; empty: the dimension no longer asks for REVIEW',
    accepted_by    String                      COMMENT 'name of the person',
    reason         String                      COMMENT 'why, in the person''s words',
    accepted_at    DateTime64(3, 'UTC')        COMMENT 'when, UTC, milliseconds',
    withdrawn      Bool                        COMMENT 'whether it was taken back since, by the person named',
    ver            UInt64                      COMMENT 'row version, the highest wins: milliseconds of accepted_at',
    ingested_at    DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, candidate, candidate_hash, feature, dimension, signature)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view acceptances: may hold a row twice until merged, so read the view, or add FINAL. One row is a difference that a person accepted by name.';

CREATE TABLE IF NOT EXISTS {db}.opinions_rows {cluster}
(
    upgrade       LowCardinality(String)       COMMENT 'name of the upgrade',
    candidate     LowCardinality(String)       COMMENT 'name of the candidate',
    comparison_id UUID                         COMMENT 'the pair that was judged; joins scores and comparisons',
    reviewer      LowCardinality(String)       COMMENT 'name of the person',
    hour          DateTime('UTC')              COMMENT 'hour of event time of the exchange, UTC; joins scores and comparisons fast',
    feature       LowCardinality(String)       COMMENT 'product feature',
    opinion       Enum8('better' = 1, 'same' = 2, 'worse' = 3, 'both_bad' = 4) COMMENT 'the candidate''s answer beside production''s, judged blind: same = both are fine, both_bad = neither is',
    candidate_was Enum8('A' = 1, 'B' = 2)      COMMENT 'under which letter the candidate''s answer was shown',
    opined_at     DateTime64(3, 'UTC')         COMMENT 'when, UTC, milliseconds',
    ver           UInt64                       COMMENT 'row version, the highest wins: milliseconds of opined_at, so a person''s last word counts',
    ingested_at   DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, candidate, comparison_id, reviewer)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view opinions: may hold a row twice until merged, so read the view, or add FINAL. One row is what a person thinks of a pair of answers.';
