"""The short form of `make chaos`: each fault with small numbers on real Apache Kafka; `benchmarks/chaos` has the rows.

Rows share a broker, a store and a proxy before it; those that break neither run at the same time.
"""

import asyncio

import pytest
import pytest_asyncio

from benchmarks.chaos import dying, outages, tapping
from benchmarks.chaos.stage import stage
from streams.replay import replayer  # noqa: F401 - imported before the clock of the first row runs
from tests.streams.conftest import needs_kafka

pytestmark = [pytest.mark.kafka, needs_kafka, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    async with stage(tmp_path_factory.mktemp("stage"), in_process=True) as made:
        yield made


async def all_of(*faults):
    done = await asyncio.gather(*faults, return_exceptions=True)
    for fault in done:
        if isinstance(fault, BaseException):
            raise fault


async def test_killed_stopped_and_woken_workers_lose_nothing_double_nothing_and_pay_once(shared):
    await all_of(
        dying.killed(shared, 400, 2, latency_ms=150),
        dying.killed_capped(shared, 300, 1, "requests_per_day", 400),
        dying.slept(shared, 300, latency_ms=200),
        dying.rebalanced(shared, 300, latency_ms=400),
    )


async def test_what_retention_and_growing_topics_do_is_in_the_ledger(shared):
    await all_of(
        tapping.expired(shared, 80),
        tapping.partitions_gained(shared, 40, running=False),
        tapping.two_topics(shared, 60),
        tapping.at_once(shared, 120, latency_ms=600),
    )


async def test_strange_records_have_an_outcome_each_and_a_poisonous_row_harms_no_other(shared):
    await all_of(tapping.strange_records(shared, 60), outages.poisonous_row(shared, 40))


async def test_the_store_may_be_away_slow_or_refuse(shared):
    await outages.clickhouse_away(shared, 150, 6, latency_ms=300)


async def test_the_broker_may_be_away(shared):
    await outages.broker_stopped(shared, 200, 4)


async def test_sigterm_drains_commits_and_ends_with_0(shared):
    await dying.terminated(shared, 120, latency_ms=1500)
