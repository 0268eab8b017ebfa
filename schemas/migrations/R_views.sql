-- What analysts read. "folded" stands for: all columns of that storage table with their comments, read with FINAL, so
-- that every row counts once however often it was delivered. Re-applied when a text or a storage table changes.

CREATE OR REPLACE VIEW {db}.exchanges {cluster} {folded:exchanges_rows}
COMMENT 'One row is a tapped production request, with its text only where store_text = "full". Exact under redelivery.';

CREATE OR REPLACE VIEW {db}.answers {cluster} {folded:answers_rows}
COMMENT 'One row is what one arm (baseline, rerun, or a candidate) said to one request. Exact under redelivery.';

CREATE OR REPLACE VIEW {db}.comparisons {cluster} {folded:comparisons_rows}
COMMENT 'One row is a request compared for one candidate, numbers only. Exact under redelivery: count() is the number of comparisons.';

CREATE OR REPLACE VIEW {db}.compared {cluster} {folded:compared_rows}
COMMENT 'One row is candidate x feature x hour with the number of comparisons, as of the judge''s last look: small and fast, for charts.';

CREATE OR REPLACE VIEW {db}.scores {cluster} {folded:scores_rows}
COMMENT 'One row is a comparison in one dimension: the scores of all arms side by side and the evidence D. Exact under redelivery. Keep to one epoch per dimension.';

CREATE OR REPLACE VIEW {db}.evidence {cluster} {folded:evidence_rows}
COMMENT 'One row is candidate x feature x dimension x epoch x hour: sums that may be added over hours. Equals the rows of scores.';

CREATE OR REPLACE VIEW {db}.evidence_days {cluster} {folded:evidence_days_rows}
COMMENT 'One row is candidate x feature x dimension x epoch x day: the hours of evidence added up. What verdicts are made from.';

CREATE OR REPLACE VIEW {db}.epochs {cluster} {folded:epochs_rows}
COMMENT 'One row is an identity under which evidence of a dimension adds up, with the reason why it began.';

CREATE OR REPLACE VIEW {db}.verdicts {cluster} {folded:verdicts_rows}
COMMENT 'One row is a change of a verdict with the evidence it rests on: the history. What holds now stands in current_verdicts.';

CREATE OR REPLACE VIEW {db}.current_verdicts {cluster} {folded:verdicts_rows}
ORDER BY at DESC, ver DESC LIMIT 1 BY upgrade, candidate, feature, dimension, epoch
COMMENT 'One row is the verdict that holds now, per candidate, feature, dimension and epoch; feature or dimension empty: the verdict of the whole.';

CREATE OR REPLACE VIEW {db}.families {cluster} {folded:families_rows}
COMMENT 'One row is candidate x feature in order of appearance, with its share of alpha.';

CREATE OR REPLACE VIEW {db}.acceptances {cluster} {folded:acceptances_rows}
COMMENT 'One row is a difference that a person accepted by name, and whether it was taken back since.';

CREATE OR REPLACE VIEW {db}.opinions {cluster} {folded:opinions_rows}
COMMENT 'One row is what a person thinks of a pair of answers, judged blind. Join it to scores by comparison_id and hour.';

CREATE OR REPLACE VIEW {db}.alerts {cluster} {folded:alerts_rows}
COMMENT 'One row is an alert, sent or still to be sent. Exact under redelivery.';

CREATE OR REPLACE VIEW {db}.observations {cluster} {folded:observations_rows}
COMMENT 'One row is what one trial teaches a dimension that is calibrating. Exact under redelivery.';

CREATE OR REPLACE VIEW {db}.calibrations {cluster} {folded:calibrations_rows}
COMMENT 'One row is what a dimension learned of a feature from its first trials and froze; later trials are scored with it.';

CREATE OR REPLACE VIEW {db}.coverage {cluster}
(
    upgrade     LowCardinality(String) COMMENT 'name of the upgrade',
    candidate   LowCardinality(String) COMMENT 'name of the candidate; each exchange counts once per candidate',
    feature     LowCardinality(String) COMMENT 'product feature',
    outcome     LowCardinality(String) COMMENT 'where the exchanges ended: replayed, sampled_out, out_of_scope, own_traffic, unreplayable, over_budget, shed, too_large, joined, expired, dead_letter',
    exchanges   UInt64                 COMMENT 'number of exchanges',
    cluster     LowCardinality(String) COMMENT 'Kafka cluster of the tapped partition',
    topic       LowCardinality(String) COMMENT 'tapped Kafka topic',
    partition   UInt32                 COMMENT 'tapped Kafka partition',
    run         LowCardinality(String) COMMENT 'who counted: empty = the live run, else the name of a backfill',
    start       UInt64                 COMMENT 'first offset of the range, inclusive',
    end         UInt64                 COMMENT 'last offset of the range, exclusive',
    ts          DateTime64(3, 'UTC')   COMMENT 'newest event time in the range, UTC, milliseconds',
    ingested_at DateTime('UTC')        COMMENT 'when the row was written, UTC'
) SQL SECURITY INVOKER AS SELECT upgrade, candidate, feature, outcome, exchanges, cluster, topic, partition, run, start, end, ts, ingested_at
FROM {db}.coverage_rows FINAL
ARRAY JOIN candidates AS candidate, features AS feature, outcomes AS outcome, counts AS exchanges
COMMENT 'One row is an outcome of a candidate and feature in one offset range, with the number of exchanges. Sum exchanges; ranges never overlap.';

CREATE OR REPLACE VIEW {db}.serving {cluster}
(
    upgrade     LowCardinality(String) COMMENT 'name of the upgrade',
    arm         Enum8('baseline' = 1, 'rerun' = 2, 'candidate' = 3) COMMENT 'who answered: baseline = production as recorded, rerun = current pin asked again, candidate',
    candidate   LowCardinality(String) COMMENT 'name of the candidate; empty for baseline and rerun',
    feature     LowCardinality(String) COMMENT 'product feature',
    asked_pin   LowCardinality(String) COMMENT 'pin that was asked, provider/model-id',
    run         UInt64                 COMMENT 'number of the run, from 1: what is above 1 began with a change of model or fingerprint under the same pin',
    model       LowCardinality(String) COMMENT 'model that answered, as the provider reported it',
    fingerprint LowCardinality(String) COMMENT 'the provider''s own mark of the deployment; empty: none given',
    since       DateTime64(3, 'UTC')   COMMENT 'event time of the first answer of the run, UTC: the change point',
    until       DateTime64(3, 'UTC')   COMMENT 'event time of the last answer of the run, UTC',
    was_model       LowCardinality(String) COMMENT 'model before the change; empty in the first run',
    was_fingerprint LowCardinality(String) COMMENT 'fingerprint before the change; empty in the first run'
) SQL SECURITY INVOKER AS
WITH hours AS (
    SELECT upgrade, arm, candidate, feature, asked_pin, toString(model) AS model, toString(fingerprint) AS fingerprint,
        first_ts, last_ts,
        lagInFrame((model, fingerprint)) OVER (
            PARTITION BY upgrade, arm, candidate, feature, asked_pin ORDER BY first_ts, last_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS was
    FROM {db}.serving_rows FINAL
), runs AS (
    SELECT *, sum((model, fingerprint) != was) OVER (
            PARTITION BY upgrade, arm, candidate, feature, asked_pin ORDER BY first_ts, last_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS run
    FROM hours
)
SELECT upgrade, arm, candidate, feature, asked_pin, run, any(model) AS model, any(fingerprint) AS fingerprint,
    min(first_ts) AS since, max(last_ts) AS until, argMin(was.1, first_ts) AS was_model, argMin(was.2, first_ts) AS was_fingerprint
FROM runs
GROUP BY upgrade, arm, candidate, feature, asked_pin, run
COMMENT 'One row is a time in which one model (and deployment) answered a feature under one pin. An alias that moved shows as run 2. Join it to any row by time: ASOF JOIN ... ON ts >= since.';

CREATE OR REPLACE VIEW {db}.drift {cluster}
(
    upgrade    LowCardinality(String) COMMENT 'name of the upgrade',
    candidate  LowCardinality(String) COMMENT 'name of the candidate',
    feature    LowCardinality(String) COMMENT 'product feature',
    dimension  LowCardinality(String) COMMENT 'metric name',
    epoch      UInt32                 COMMENT 'epoch in force: the one that the latest comparisons count under',
    trials     UInt64                 COMMENT 'comparisons that have a D',
    baseline_mean  Nullable(Float64)  COMMENT 'mean baseline score over those trials, 0 to 1; NULL: none has one',
    rerun_mean     Nullable(Float64)  COMMENT 'mean rerun score over those trials, 0 to 1: the noise floor; NULL: none has one',
    candidate_mean Nullable(Float64)  COMMENT 'mean candidate score over those trials, 0 to 1',
    excess     Nullable(Float64)      COMMENT 'mean of D, -1 to 1: drift beyond the reference, worse when positive',
    worse      UInt64                 COMMENT 'trials with D > 0',
    better     UInt64                 COMMENT 'trials with D < 0',
    log_e      Float64                COMMENT 'log e-value against "mean D <= tolerance"; large: the candidate drifts',
    log_e_pass Float64                COMMENT 'log e-value against "mean D >= tolerance"; large: it does not',
    weighted_rate Nullable(Float64)   COMMENT 'candidate score in all traffic, estimated by sampling weights, 0 to 1',
    scored     UInt64                 COMMENT 'comparisons whose candidate answer was scored',
    skipped    UInt64                 COMMENT 'comparisons whose candidate answer was not scored',
    failed     UInt64                 COMMENT 'comparisons where the comparator raised',
    first_ts   DateTime64(3, 'UTC')   COMMENT 'first event time, UTC',
    last_ts    DateTime64(3, 'UTC')   COMMENT 'last event time, UTC'
) SQL SECURITY INVOKER AS
WITH sums AS (
    SELECT upgrade, candidate, feature, dimension, epoch, sum(n) AS d_n,
        sum(baseline_n) AS b_n, sum(baseline_sum) AS b_sum, sum(rerun_n) AS r_n, sum(rerun_sum) AS r_sum,
        sum(candidate_sum) AS c_sum, sum(d_sum) AS d_total, sum(worse) AS worse_n, sum(better) AS better_n,
        sumForEach(fail_bets) AS fails, sumForEach(pass_bets) AS passes,
        sum(weight) AS w, sum(weighted_candidate) AS w_c,
        sum(scored) AS scored_n, sum(skipped) AS skipped_n, sum(failed) AS failed_n,
        minIf(first_ms, first_ms > 0) AS begins, max(last_ms) AS ends
    FROM {db}.evidence_days
    GROUP BY upgrade, candidate, feature, dimension, epoch
)
SELECT upgrade, candidate, feature, dimension, epoch, d_n AS trials,
    if(b_n > 0, b_sum / b_n, NULL) AS baseline_mean, if(r_n > 0, r_sum / r_n, NULL) AS rerun_mean,
    if(d_n > 0, c_sum / d_n, NULL) AS candidate_mean, if(d_n > 0, d_total / d_n, NULL) AS excess,
    worse_n AS worse, better_n AS better,
    arrayMax(fails) + log(arrayAvg(arrayMap(k -> exp(k - arrayMax(fails)), fails))) AS log_e,
    arrayMax(passes) + log(arrayAvg(arrayMap(k -> exp(k - arrayMax(passes)), passes))) AS log_e_pass,
    if(w > 0, w_c / w, NULL) AS weighted_rate,
    scored_n AS scored, skipped_n AS skipped, failed_n AS failed,
    fromUnixTimestamp64Milli(begins, 'UTC') AS first_ts, fromUnixTimestamp64Milli(ends, 'UTC') AS last_ts
FROM sums
ORDER BY ends DESC, epoch DESC LIMIT 1 BY upgrade, candidate, feature, dimension
COMMENT 'One row is a dimension of a feature of a candidate, over all hours of the epoch in force: where it stands now. Fast: reads sums by day.';

CREATE OR REPLACE VIEW {db}.current_scores {cluster} {folded:scores_rows}
WHERE (upgrade, candidate, feature, dimension, epoch) NOT IN (
    SELECT upgrade, candidate, feature, dimension, epoch FROM {db}.evidence_days
    GROUP BY upgrade, candidate, feature, dimension, epoch
    ORDER BY max(last_ms) DESC, epoch DESC LIMIT 1000000000 OFFSET 1 BY upgrade, candidate, feature, dimension
)
COMMENT 'The rows of scores without those of epochs that another one has superseded, as of the judge''s last look: what to read unless epochs are compared.';

CREATE OR REPLACE VIEW {db}.spend {cluster}
(
    upgrade   LowCardinality(String) COMMENT 'name of the upgrade',
    day       Date                   COMMENT 'UTC day',
    requests  UInt64                 COMMENT 'requests sent to providers on that day, all candidates and reruns',
    usd       Float64                COMMENT 'what they cost, USD, as far as prices are known'
) SQL SECURITY INVOKER AS SELECT upgrade, toDate(spent_on) AS day, sum(day_requests) AS requests, sum(day_usd) AS usd
FROM (
    SELECT upgrade, cluster, topic, partition, day AS spent_on, max(requests) AS day_requests, max(usd) AS day_usd
    FROM {db}.coverage_rows FINAL WHERE day != '' GROUP BY upgrade, cluster, topic, partition, run, spent_on
)
GROUP BY upgrade, spent_on
COMMENT 'One row is what an upgrade has spent on one day.';

CREATE OR REPLACE VIEW {db}.dictionary {cluster}
(
    `table`  String COMMENT 'name of the table or view',
    `column` String COMMENT 'name of the column; empty: the table itself',
    type     String COMMENT 'ClickHouse type; empty for the table itself',
    position UInt64 COMMENT 'order of the column, from 1; 0 for the table itself',
    meaning  String COMMENT 'what it holds, in what unit'
) SQL SECURITY INVOKER AS SELECT name AS `table`, '' AS `column`, '' AS type, toUInt64(0) AS position, comment AS meaning
FROM system.tables WHERE database = '{db}' AND engine != 'MaterializedView' AND NOT endsWith(name, '_local')
UNION ALL
SELECT table, name, type, position, comment FROM system.columns
WHERE database = '{db}' AND table != 'serving_feed' AND NOT endsWith(table, '_local')
COMMENT 'One row is a table or a column with its meaning: the data dictionary. Start here.';
