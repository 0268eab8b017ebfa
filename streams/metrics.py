"""All Prometheus metrics, in one place: what a worker tells about itself.

Metrics belong to the process, as Prometheus wants it: count where something happens, and nowhere else.

    from streams import metrics
    metrics.PROVIDER_RETRIES.labels("openai", "http_429").inc()
    metrics.PROVIDER_BREAKER_OPEN.labels("openai").set(1)
    with metrics.INSERT_SECONDS.labels("scores_rows").time(): ...

Names are `shadowtap_<subject>_<unit>[_total]`; labels are names of ours (role, candidate, provider, a reason code),
never a text, a key or an id of a request: each combination of labels is kept for ever. A new metric is a line here
with its help text and its row in docs/operating.md; the test of this module checks both, by promtool's rules.
"""

from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)  # memory, CPU, open files
PlatformCollector(registry=REGISTRY)

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_RECORDS = (1, 4, 16, 64, 128, 256, 512, 1024, 4096, 16384)


@cache
def of(metric: Any, *labels: str) -> Any:
    """`metric.labels(*labels)`, found once: for what is counted with each exchange."""
    return metric.labels(*labels)


def _counter(name: str, help_text: str, *labels: str) -> Counter:
    return Counter(f"shadowtap_{name}", help_text, labels, registry=REGISTRY)


def _gauge(name: str, help_text: str, *labels: str) -> Gauge:
    return Gauge(f"shadowtap_{name}", help_text, labels, registry=REGISTRY)


def _histogram(name: str, help_text: str, *labels: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
    return Histogram(f"shadowtap_{name}", help_text, labels, registry=REGISTRY, buckets=buckets)


# Kafka, per role
RECORDS_TAKEN = _counter("records_taken_total", "Records taken into work.", "role", "topic")
IN_FLIGHT = _gauge("in_flight_records", "Records in work now.", "role")
LAG_RECORDS = _gauge("lag_records", "Records not yet finished, up to the log's end.", "role", "topic", "partition")
LAG_SECONDS = _gauge(
    "lag_seconds", "Age of the oldest unfinished record, 0 where there is none.", "role", "topic", "partition"
)
PARTITIONS = _gauge("assigned_partitions", "Partitions assigned to this worker.", "role")
REBALANCES = _counter("rebalances_total", "How often partitions were taken from this worker.", "role")
COMMIT_SECONDS = _histogram(
    "commit_duration_seconds", "Time to make durable what a commit promises, and to commit.", "role"
)
DEAD_LETTERS = _counter("dead_letters_total", "Records given up with a position and an error.", "role")
LOOK_BACK_SECONDS = _histogram("look_back_duration_seconds", "Time to find what earlier workers have done.")

# Replay
OUTCOMES = _counter("outcomes_total", "Tapped exchanges by what became of them.", "candidate", "outcome")
PROVIDER_REQUESTS = _counter(
    "provider_requests_total", "HTTP requests sent to providers, by status or error.", "provider", "status"
)
PROVIDER_SECONDS = _histogram("provider_request_duration_seconds", "Time until a provider has answered.", "provider")
PROVIDER_IN_FLIGHT = _gauge("provider_in_flight_requests", "HTTP requests on the wire now.", "provider")
PROVIDER_RETRIES = _counter("provider_retries_total", "Requests sent again, by reason code.", "provider", "reason")
GIVEN_UP = _counter(
    "given_up_exchanges_total", "Exchanges of a provider in trouble that no longer held up the others.", "provider"
)
PROVIDER_LIMIT = _gauge("provider_limit_requests", "Requests that may be on the wire at once, as adapted.", "provider")
PROVIDER_BREAKER_OPEN = _gauge("provider_breaker_open", "1 while the circuit breaker lets nothing through.", "provider")
PAUSED = _gauge("paused", "1 while provider calls are paused.")
SPEND_USD = _counter("spend_usd_total", "US dollars spent on answers whose price is known.", "provider")
SPEND_REQUESTS = _counter("spend_requests_total", "Requests taken out of the budget.", "provider")
UNPRICED = _counter("unpriced_answers_total", "Answers whose price is not known.", "provider")
BUDGET_LEFT_USD = _gauge(
    "budget_left_usd", "US dollars left today in the partitions of this worker; +Inf without a cap."
)
BUDGET_LEFT_REQUESTS = _gauge(
    "budget_left_requests", "Requests left today in the partitions of this worker; +Inf without a cap."
)

# Scoring and storing
BATCH_RECORDS = _histogram("batch_records", "Records worked on together.", "role", buckets=_RECORDS)
COMPARISONS = _counter("comparisons_total", "Comparisons scored and stored.", "candidate")
SCORING_SECONDS = _histogram("scoring_duration_seconds", "Time to score a batch in all dimensions.")
DIMENSION_SECONDS = _counter(
    "dimension_scoring_seconds_total",
    "Time spent in each comparator; that of embedding_distance is the embedding of texts.",
    "comparator",
)
INSERT_SECONDS = _histogram("insert_duration_seconds", "Time of an insert into ClickHouse.", "table")
STORE_RETRIES = _counter("store_retries_total", "Attempts that ClickHouse did not take, by what waits.", "waiting")

# Judging and telling
JUDGE_SECONDS = _histogram("judge_duration_seconds", "Time to judge everything once.")
VERDICT_CHANGES = _counter("verdict_changes_total", "Verdicts that changed, by what they became.", "verdict")
ALERTS = _counter("alerts_total", "Alerts by whether they were sent.", "sent")

# The process
LOOP_DELAY_SECONDS = _gauge("event_loop_delay_seconds", "How late the event loop was at its last heartbeat.")
HEALTHY = _gauge("healthy", "1 while /healthz says so.")
