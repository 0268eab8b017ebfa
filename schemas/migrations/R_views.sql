-- What analysts read. "folded" stands for: all columns of that storage table with their comments, read with FINAL, so
-- that every row counts once however often it was delivered. Re-applied when a text or a storage table changes.

CREATE OR REPLACE VIEW {db}.exchanges {cluster} {folded:exchanges_rows}
COMMENT 'One row is a tapped production request, with its text only where store_text = "full". Exact under redelivery.';

CREATE OR REPLACE VIEW {db}.answers {cluster} {folded:answers_rows}
COMMENT 'One row is what one arm (baseline, rerun, or a candidate) said to one request. Exact under redelivery.';

CREATE OR REPLACE VIEW {db}.comparisons {cluster} {folded:comparisons_rows}
COMMENT 'One row is a request compared for one candidate, numbers only. Exact under redelivery: count() is the number of comparisons.';

CREATE OR REPLACE VIEW {db}.scores {cluster} {folded:scores_rows}
COMMENT 'One row is a comparison in one dimension: the scores of all arms side by side and the evidence D. Exact under redelivery. Keep to one epoch per dimension.';

CREATE OR REPLACE VIEW {db}.evidence {cluster} {folded:evidence_rows}
COMMENT 'One row is candidate x feature x dimension x epoch x hour: sums that may be added over hours. Equals the rows of scores.';

CREATE OR REPLACE VIEW {db}.epochs {cluster} {folded:epochs_rows}
COMMENT 'One row is an identity under which evidence of a dimension adds up, with the reason why it began.';

CREATE OR REPLACE VIEW {db}.verdicts {cluster} {folded:verdicts_rows}
COMMENT 'One row is a change of a verdict with the evidence it rests on: the history. What holds now stands in current_verdicts.';

CREATE OR REPLACE VIEW {db}.current_verdicts {cluster} {folded:verdicts_rows}
ORDER BY at DESC, ver DESC LIMIT 1 BY upgrade, candidate, feature, dimension, epoch
COMMENT 'One row is the verdict that holds now, per candidate, feature, dimension and epoch; feature or dimension empty: the verdict of the whole.';

CREATE OR REPLACE VIEW {db}.families {cluster} {folded:families_rows}
COMMENT 'One row is candidate x feature in order of appearance, with its share of alpha.';

CREATE OR REPLACE VIEW {db}.alerts {cluster} {folded:alerts_rows}
COMMENT 'One row is an alert, sent or still to be sent. Exact under redelivery.';

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
    start       UInt64                 COMMENT 'first offset of the range, inclusive',
    end         UInt64                 COMMENT 'last offset of the range, exclusive',
    ts          DateTime64(3, 'UTC')   COMMENT 'newest event time in the range, UTC, milliseconds',
    ingested_at DateTime('UTC')        COMMENT 'when the row was written, UTC'
) AS SELECT upgrade, candidate, feature, outcome, exchanges, cluster, topic, partition, start, end, ts, ingested_at
FROM {db}.coverage_rows FINAL
ARRAY JOIN candidates AS candidate, features AS feature, outcomes AS outcome, counts AS exchanges
COMMENT 'One row is an outcome of a candidate and feature in one offset range, with the number of exchanges. Sum exchanges; ranges never overlap.';

CREATE OR REPLACE VIEW {db}.spend {cluster}
(
    upgrade   LowCardinality(String) COMMENT 'name of the upgrade',
    day       Date                   COMMENT 'UTC day',
    requests  UInt64                 COMMENT 'requests sent to providers on that day, all candidates and reruns',
    usd       Float64                COMMENT 'what they cost, USD, as far as prices are known'
) AS SELECT upgrade, toDate(spent_on) AS day, sum(day_requests) AS requests, sum(day_usd) AS usd
FROM (
    SELECT upgrade, cluster, topic, partition, day AS spent_on, max(requests) AS day_requests, max(usd) AS day_usd
    FROM {db}.coverage_rows FINAL WHERE day != '' GROUP BY upgrade, cluster, topic, partition, spent_on
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
) AS SELECT name AS `table`, '' AS `column`, '' AS type, toUInt64(0) AS position, comment AS meaning
FROM system.tables WHERE database = '{db}'
UNION ALL
SELECT table, name, type, position, comment FROM system.columns WHERE database = '{db}'
COMMENT 'One row is a table or a column with its meaning: the data dictionary. Start here.';
