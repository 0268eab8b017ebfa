"""The ledger in a real ClickHouse."""

from schemas.coverage import Spent
from schemas.ledger import LedgerRange, OutcomeCount


def made_range(end, replayed, *, start=0, partition=0, sampled_out=5, day="2026-11-01", requests=0, usd=0.0, **more):
    outcomes = (
        OutcomeCount("next", "chat", "replayed", replayed),
        OutcomeCount("next", "", "sampled_out", sampled_out),
    )
    return LedgerRange(
        "summaries", "c", "llm", partition, start, end, 1_790_000_000_000 + end, outcomes, day, requests, usd, **more
    )


async def test_overlapping_records_of_one_block_count_once(store):
    early, late = made_range(10, 5), made_range(30, 20, sampled_out=10)
    for ranges in ([late], [early], [late, early], [made_range(5000, 7, start=4096)], [made_range(9, 1, partition=1)]):
        await store.insert_coverage(ranges)
    coverage = await store.coverage("summaries")
    assert coverage.outcomes == {("next", "chat", "replayed"): 20 + 7 + 1, ("next", "", "sampled_out"): 10 + 5 + 5}
    assert coverage.candidates == ("next",)
    share = coverage.of("next")
    assert (share.consumed, share.owed, share.compared, share.ratio) == (48, 28, 0, 0.0)
    assert coverage.of("next", "chat").consumed == 28
    assert coverage.of("another").ratio is None


async def test_spend_of_a_day_is_the_last_word_of_each_partition(store):
    await store.insert_coverage([made_range(10, 1, requests=100, usd=1.0), made_range(30, 1, requests=150, usd=1.5)])
    await store.insert_coverage([made_range(4200, 1, start=4096, requests=170, usd=1.75)])
    await store.insert_coverage([made_range(10, 1, partition=1, requests=30, usd=0.25)])
    await store.insert_coverage([made_range(20, 1, start=8192, day="2026-11-02", requests=4, usd=0.5)])
    rows = await store.query("SELECT toString(day), requests, usd FROM spend ORDER BY day")
    assert rows == [("2026-11-01", 200, 2.0), ("2026-11-02", 4, 0.5)]


async def test_spend_of_an_upgrade_outlives_the_blocks_it_was_written_in(store):
    first = {"requests": 100, "usd": 1.0, "total_requests": 100, "total_usd": 1.0}
    later = {"day": "2026-11-02", "requests": 7, "usd": 0.25, "total_requests": 107, "total_usd": 1.25}
    await store.insert_coverage([made_range(10, 1, **first), made_range(30, 1, **later)])  # one block, two days
    other = {"partition": 1, "requests": 30, "usd": 0.5, "total_requests": 30, "total_usd": 0.5}
    await store.insert_coverage([made_range(10, 1, **other)])
    assert await store.spent("summaries", "2026-11-02") == Spent(137, 1.75, 7, 0.25)
    assert await store.spent("another", "2026-11-02") == Spent()
