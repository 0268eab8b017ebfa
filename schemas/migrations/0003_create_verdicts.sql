-- From scores to verdicts. Small tables without time to live, except evidence; none is partitioned where an event time
-- may change between two writings of the same row, because rows are folded within a partition only.

CREATE TABLE IF NOT EXISTS {db}.epochs_rows {cluster}
(
    upgrade    LowCardinality(String)     COMMENT 'name of the upgrade',
    candidate  LowCardinality(String)     COMMENT 'name of the candidate',
    dimension  LowCardinality(String)     COMMENT 'metric name the epoch belongs to',
    feature    LowCardinality(String)     COMMENT 'feature with settings of its own; empty: every feature without',
    epoch      UInt32                     COMMENT 'number of the identity within upgrade, candidate and dimension, from 1',
    rank       UInt32                     COMMENT 'how many epochs this feature had, this one included; epoch of rank k may spend 1/2^k of the test''s alpha',
    identity   String                     COMMENT 'all that gives the evidence its meaning, as JSON: pins, changes, comparator, tolerance, feature rules',
    reason     String                     COMMENT 'why the epoch began, in words',
    kind       Enum8('property' = 1, 'property_both' = 2, 'distance' = 3, 'measure' = 4) COMMENT 'kind of the dimension, see scores.kind',
    tolerance  Float64                    COMMENT 'excess drift that is tolerated, 0 to 1',
    clip       Float64                    COMMENT 'evidence for FAIL is clipped at plus or minus this, 0 to 1; 1 = not clipped',
    started_at DateTime64(3, 'UTC')       COMMENT 'when the epoch began, UTC, milliseconds',
    ver        UInt64                     COMMENT 'row version, the highest wins: falls with started_at, so whoever took the number first keeps it',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, candidate, dimension, feature, epoch)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view epochs: may hold a row twice until merged, so read the view, or add FINAL. One row is an identity under which evidence of a dimension adds up.';

CREATE TABLE IF NOT EXISTS {db}.evidence_rows {cluster}
(
    upgrade      LowCardinality(String)                        COMMENT 'name of the upgrade',
    candidate    LowCardinality(String)                        COMMENT 'name of the candidate',
    feature      LowCardinality(String)                        COMMENT 'product feature',
    dimension    LowCardinality(String)                        COMMENT 'metric name',
    epoch        UInt32                                        COMMENT 'number of the epoch, from 1; sum over hours, never over epochs',
    hour         DateTime('UTC')                               COMMENT 'hour of event time, UTC',
    n            UInt64                                        COMMENT 'comparisons that have a D',
    d_sum        Float64                                       COMMENT 'sum of D over those n',
    d_squares    Float64                                       COMMENT 'sum of D squared over those n',
    worse        UInt64                                        COMMENT 'comparisons with D > 0, of those n',
    better       UInt64                                        COMMENT 'comparisons with D < 0, of those n',
    fail_bets    Array(Float64)                                COMMENT 'log wealth of 12 bets against "mean of clipped D <= tolerance"; log e-value = log of the mean of their exponentials',
    pass_bets    Array(Float64)                                COMMENT 'log wealth of 12 bets against "mean of D >= tolerance", unclipped',
    baseline_n   UInt64                                        COMMENT 'comparisons with a baseline score, of those n',
    baseline_sum Float64                                       COMMENT 'sum of their baseline scores',
    rerun_n      UInt64                                        COMMENT 'comparisons with a rerun score, of those n',
    rerun_sum    Float64                                       COMMENT 'sum of their rerun scores; divided by rerun_n: the noise floor',
    candidate_sum Float64                                      COMMENT 'sum of the candidate scores over those n',
    weight       Float64                                       COMMENT 'sum of the sampling weights over those n: exchanges in all traffic that they stand for',
    weighted_candidate Float64                                 COMMENT 'sum of weight times candidate score over those n',
    weighted_d   Float64                                       COMMENT 'sum of weight times D over those n',
    replay_n     UInt64                                        COMMENT 'comparisons where baseline and rerun both have a score (faithful replay)',
    replay_up_bets   Array(Float64)                            COMMENT 'log wealth of 12 bets against "mean of rerun - baseline <= tolerance"',
    replay_down_bets Array(Float64)                            COMMENT 'log wealth of 12 bets against "mean of baseline - rerun <= tolerance"',
    scored       UInt64                                        COMMENT 'comparisons whose candidate answer was scored',
    skipped      UInt64                                        COMMENT 'comparisons whose candidate answer was not scored: no answer, or the dimension does not apply',
    failed       UInt64                                        COMMENT 'comparisons where the comparator raised',
    first_ms     Int64                                         COMMENT 'first event time, milliseconds since 1970 UTC; 0: no comparison',
    last_ms      Int64                                         COMMENT 'last event time, milliseconds since 1970 UTC; 0: no comparison',
    reasons       Map(String, UInt64)                          COMMENT 'reason code of the candidate score to number of comparisons',
    rerun_reasons Map(String, UInt64)                          COMMENT 'reason code of the rerun score to number of comparisons',
    ver          UInt64                                        COMMENT 'row version, the highest wins: nanoseconds at which the hour was recomputed',
    ingested_at  DateTime('UTC') DEFAULT now()                 COMMENT 'when the row was written, UTC; time to live runs on it'
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(hour) ORDER BY (upgrade, candidate, feature, dimension, epoch, hour)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view evidence: may hold a row twice until merged, so read the view, or add FINAL. One row is candidate x feature x dimension x epoch x hour, recomputed from scores whenever a score of that hour arrives.';

CREATE TABLE IF NOT EXISTS {db}.evidence_days_rows {cluster}
(
    upgrade      LowCardinality(String)                        COMMENT 'name of the upgrade',
    candidate    LowCardinality(String)                        COMMENT 'name of the candidate',
    feature      LowCardinality(String)                        COMMENT 'product feature',
    dimension    LowCardinality(String)                        COMMENT 'metric name',
    epoch        UInt32                                        COMMENT 'number of the epoch, from 1; sum over days, never over epochs',
    day          Date                                          COMMENT 'day of event time, UTC',
    n            UInt64                                        COMMENT 'comparisons that have a D',
    d_sum        Float64                                       COMMENT 'sum of D over those n',
    d_squares    Float64                                       COMMENT 'sum of D squared over those n',
    worse        UInt64                                        COMMENT 'comparisons with D > 0, of those n',
    better       UInt64                                        COMMENT 'comparisons with D < 0, of those n',
    fail_bets    Array(Float64)                                COMMENT 'log wealth of 12 bets against "mean of clipped D <= tolerance"; log e-value = log of the mean of their exponentials',
    pass_bets    Array(Float64)                                COMMENT 'log wealth of 12 bets against "mean of D >= tolerance", unclipped',
    baseline_n   UInt64                                        COMMENT 'comparisons with a baseline score, of those n',
    baseline_sum Float64                                       COMMENT 'sum of their baseline scores',
    rerun_n      UInt64                                        COMMENT 'comparisons with a rerun score, of those n',
    rerun_sum    Float64                                       COMMENT 'sum of their rerun scores; divided by rerun_n: the noise floor',
    candidate_sum Float64                                      COMMENT 'sum of the candidate scores over those n',
    weight       Float64                                       COMMENT 'sum of the sampling weights over those n: exchanges in all traffic that they stand for',
    weighted_candidate Float64                                 COMMENT 'sum of weight times candidate score over those n',
    weighted_d   Float64                                       COMMENT 'sum of weight times D over those n',
    replay_n     UInt64                                        COMMENT 'comparisons where baseline and rerun both have a score (faithful replay)',
    replay_up_bets   Array(Float64)                            COMMENT 'log wealth of 12 bets against "mean of rerun - baseline <= tolerance"',
    replay_down_bets Array(Float64)                            COMMENT 'log wealth of 12 bets against "mean of baseline - rerun <= tolerance"',
    scored       UInt64                                        COMMENT 'comparisons whose candidate answer was scored',
    skipped      UInt64                                        COMMENT 'comparisons whose candidate answer was not scored: no answer, or the dimension does not apply',
    failed       UInt64                                        COMMENT 'comparisons where the comparator raised',
    first_ms     Int64                                         COMMENT 'first event time, milliseconds since 1970 UTC; 0: no comparison',
    last_ms      Int64                                         COMMENT 'last event time, milliseconds since 1970 UTC; 0: no comparison',
    reasons       Map(String, UInt64)                          COMMENT 'reason code of the candidate score to number of comparisons',
    rerun_reasons Map(String, UInt64)                          COMMENT 'reason code of the rerun score to number of comparisons',
    ver          UInt64                                        COMMENT 'row version, the highest wins: nanoseconds at which the day was summed',
    ingested_at  DateTime('UTC') DEFAULT now()                 COMMENT 'when the row was written, UTC; time to live runs on it'
) ENGINE = {engine:ver} PARTITION BY toYYYYMM(day) ORDER BY (upgrade, candidate, feature, dimension, epoch, day)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view evidence_days: may hold a row twice until merged, so read the view, or add FINAL. One row is the sum of the hours of a day in evidence, so that a look at everything costs milliseconds.';

CREATE TABLE IF NOT EXISTS {db}.verdicts_rows {cluster}
(
    upgrade    LowCardinality(String)     COMMENT 'name of the upgrade',
    candidate  LowCardinality(String)     COMMENT 'name of the candidate',
    feature    LowCardinality(String)     COMMENT 'product feature; empty: the verdict of the whole candidate',
    dimension  LowCardinality(String)     COMMENT 'metric name; empty: the verdict of the feature or candidate',
    epoch      UInt32                     COMMENT 'number of the epoch, from 1; 0 where dimension is empty',
    at         DateTime64(3, 'UTC')       COMMENT 'when the verdict changed, UTC, milliseconds',
    verdict    LowCardinality(String)     COMMENT 'FAIL, PASS, CONTINUE, INCONCLUSIVE, NODATA; for features and candidates also REVIEW',
    why        LowCardinality(String)     COMMENT 'reason code: replay_unfaithful, coverage, min_hours, ...',
    compared   UInt64                     COMMENT 'comparisons seen when the verdict changed',
    paired     UInt64                     COMMENT 'comparisons with a rerun seen when the verdict changed',
    effect     LowCardinality(String)     COMMENT 'what a failed dimension does: block, review, info; empty where dimension is empty',
    noise      LowCardinality(String)     COMMENT 'noise floor: measured (by reruns), assumed, none (kind needs no rerun)',
    trials     UInt64                     COMMENT 'comparisons that have a D',
    baseline   Nullable(Float64)          COMMENT 'mean score of the baseline over those trials, 0 to 1',
    rerun      Nullable(Float64)          COMMENT 'mean score of the reruns over those trials, 0 to 1: the noise floor',
    candidate_mean Nullable(Float64)      COMMENT 'mean score of the candidate over those trials, 0 to 1',
    excess     Nullable(Float64)          COMMENT 'mean of D, -1 to 1: drift beyond the reference',
    low        Nullable(Float64)          COMMENT 'lower end of a confidence sequence of the excess; NULL: none',
    high       Nullable(Float64)          COMMENT 'upper end of a confidence sequence of the excess; NULL: none',
    log_e      Float64                    COMMENT 'log e-value against "mean D <= tolerance"; FAIL when large',
    log_e_pass Float64                    COMMENT 'log e-value against "mean D >= tolerance"; PASS when large',
    log_e_mcnemar Nullable(Float64)       COMMENT 'log e-value against "no difference at all" (sequential McNemar); NULL: no yes/no dimension',
    tolerance  Float64                    COMMENT 'excess drift that is tolerated, 0 to 1',
    change     LowCardinality(String)     COMMENT 'worse, changed, better or same',
    reasons    Map(String, UInt64)        COMMENT 'reason code to number of comparisons',
    ver        UInt64                     COMMENT 'row version, the highest wins: nanoseconds of the writing',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, candidate, feature, dimension, epoch, at)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view verdicts: may hold a row twice until merged, so read the view, or add FINAL. One row is a change of a verdict with the evidence it rests on; a FAIL stays.';

CREATE TABLE IF NOT EXISTS {db}.families_rows {cluster}
(
    upgrade   LowCardinality(String)      COMMENT 'name of the upgrade',
    candidate LowCardinality(String)      COMMENT 'name of the candidate',
    feature   LowCardinality(String)      COMMENT 'product feature',
    place     UInt32                      COMMENT 'order of appearance among declared or undeclared features of the candidate, from 1',
    declared  Bool                        COMMENT 'whether shadowtap.toml names the feature',
    share     Float64                     COMMENT 'share of alpha the feature may spend, 0 to 1; never changes once given',
    ver       UInt64                      COMMENT 'row version, the highest wins: falls with the place, so the first appearance counts',
    ingested_at DateTime('UTC') DEFAULT now() COMMENT 'when the row was written, UTC'
) ENGINE = {engine:ver} ORDER BY (upgrade, candidate, feature)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Storage behind the view families: may hold a row twice until merged, so read the view, or add FINAL. One row is candidate x feature in order of appearance, with its share of alpha.';
