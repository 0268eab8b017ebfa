"""What the replay role decides without any broker: positions, ledger, budget, sampling, requests."""

import asyncio
import time
from collections import Counter
from types import SimpleNamespace
from uuid import UUID

import pytest
from faust.types import TP

from schemas.ids import stable_id
from schemas.ledger import BLOCK
from schemas.outcomes import Outcome
from streams.lanes import Claim, Lanes
from streams.replay.budget import Spend
from streams.replay.ledger_book import LedgerBook
from streams.replay.payload import request_for
from streams.replay.sampling import WARM_UP, Sampling

HERE = TP("llm.gateway", 0)
REPLAYED = (("b", "chat", Outcome.REPLAYED),)


class FakeConsumer:
    def __init__(self):
        self.commits = []

    def assignment(self):
        return {HERE}

    async def _commit(self, marks):
        self.commits.append(dict(marks))
        return True


async def events(offsets):
    for offset in offsets:
        yield SimpleNamespace(
            message=SimpleNamespace(
                tp=HERE, generation_id=1, offset=offset, key=None, value=b"", headers=(), timestamp=0.0
            )
        )


async def taken(lanes, offsets):
    return [record async for record in lanes.take(events(offsets))]


async def test_the_watermark_never_passes_a_record_that_is_not_finished():
    app = SimpleNamespace(consumer=FakeConsumer())
    lanes = Lanes(app, slots=10)
    first, second, third = await taken(lanes, [5, 6, 9])
    lanes.finish(third)
    lanes.finish(second)
    await lanes.commit()
    assert app.consumer.commits == []
    lanes.finish(first)
    await lanes.commit()
    assert app.consumer.commits == [{HERE: 10}]


async def test_what_committing_promises_is_made_durable_first():
    order = []
    app = SimpleNamespace(consumer=FakeConsumer())

    async def before(tp, mark):
        order.append((mark, list(app.consumer.commits)))

    lanes = Lanes(app, slots=10, before_commit=before)
    (record,) = await taken(lanes, [3])
    lanes.finish(record)
    await lanes.commit()
    assert order == [(4, [])]
    assert app.consumer.commits == [{HERE: 4}]


async def test_a_worker_that_cannot_learn_whether_it_is_a_member_says_for_how_long():
    consumer = FakeConsumer()
    lanes = Lanes(SimpleNamespace(consumer=consumer), slots=10, session_s=0.2)
    (record,) = await taken(lanes, [3])
    lanes.finish(record)
    consumer._commit = lambda _: asyncio.Event().wait()  # never answers
    commits = asyncio.ensure_future(lanes.commit_every(0.01))
    assert lanes.doubt_s() == 0.0
    await asyncio.sleep(0.4)
    assert not lanes.is_awake
    assert lanes.doubt_s() > 0.3
    commits.cancel()


async def test_a_full_house_holds_the_stream_back():
    lanes = Lanes(SimpleNamespace(consumer=FakeConsumer()), slots=2)
    got = []

    async def take_all():
        async for record in lanes.take(events([0, 1, 2])):
            got.append(record)  # noqa: PERF401 - what was taken so far is looked at meanwhile

    task = asyncio.ensure_future(take_all())
    await asyncio.sleep(0.05)
    assert len(got) == 2
    lanes.finish(got[0])
    await asyncio.wait_for(task, 1)
    assert len(got) == 3


async def test_no_record_is_taken_further_than_a_window_beyond_the_first_unfinished_one():
    lanes = Lanes(SimpleNamespace(consumer=FakeConsumer()), slots=100, window=10)
    got = []

    async def take_all():
        async for record in lanes.take(events([0, 9, 10])):
            got.append(record)  # noqa: PERF401 - what was taken so far is looked at meanwhile

    task = asyncio.ensure_future(take_all())
    await asyncio.sleep(0.05)
    assert [record.offset for record in got] == [0, 9]
    lanes.finish(got[0])
    await asyncio.wait_for(task, 1)


async def test_work_that_raises_crashes_the_worker_and_finishes_nothing():
    crashes = []

    async def crash(reason):
        crashes.append(reason)

    app = SimpleNamespace(consumer=FakeConsumer(), crash=crash)
    lanes = Lanes(app, slots=10)
    (record,) = await taken(lanes, [0])

    async def broken():
        raise ValueError("boom")

    lanes.start(record, broken)
    await asyncio.sleep(0.05)
    await lanes.commit()
    assert [str(crash) for crash in crashes] == ["boom"]
    assert app.consumer.commits == []


async def test_missing_offsets_are_explained_before_the_watermark_passes_them():
    passed = []
    asked = asyncio.Event()

    async def explain(gap):
        await asked.wait()
        return gap.end

    app = SimpleNamespace(consumer=FakeConsumer())
    lanes = Lanes(app, slots=10, on_passed=passed.append, explain=explain)
    lanes.expect({HERE: 3})
    first, second = await taken(lanes, [5, 9])
    lanes.finish(first)
    lanes.finish(second)
    await lanes.commit()
    assert app.consumer.commits == []
    asked.set()
    await asyncio.sleep(0.05)
    await lanes.commit()
    assert app.consumer.commits == [{HERE: 10}]
    assert [(record.offset, record.end, record.is_gap) for record in passed] == [
        (3, 5, True),
        (5, 6, False),
        (6, 9, True),
        (9, 10, False),
    ]


async def test_a_consumer_that_skipped_records_after_a_rebalance_is_sent_back():
    sought = []

    class Consumer(FakeConsumer):
        _read_offset = {}  # noqa: RUF012 - as Faust has it

        async def seek(self, tp, offset):
            sought.append((tp, offset))

    async def any_record(tp, start, end):
        return end == 7  # 3 to 6 hold records; what is missing before 8 was compacted away

    lanes = Lanes(SimpleNamespace(consumer=Consumer()), slots=10, any_record=any_record)
    lanes.expect({HERE: 3})
    assert [record.offset for record in await taken(lanes, [7, 3, 4])] == [3, 4]
    assert sought == [(HERE, 3)]
    lanes.drop([HERE])
    lanes.expect({HERE: 5})
    assert [record.offset for record in await taken(lanes, [8])] == [8]


async def test_what_is_not_begun_is_abandoned_when_partitions_go_and_what_is_begun_is_ended():
    lanes = Lanes(SimpleNamespace(consumer=FakeConsumer()), slots=10)
    first, second = await taken(lanes, [0, 1])
    begun, waiting = Claim(lanes, first, is_begun=True), Claim(lanes, second)
    assert begun.is_sure
    assert waiting.is_sure
    lanes.losing()
    assert not begun.is_lost
    assert waiting.is_lost
    lanes.drop([HERE])
    assert begun.is_lost


async def test_after_a_long_sleep_nothing_is_sure_until_kafka_says_that_we_belong():
    class Consumer(FakeConsumer):
        belongs = False

        async def _commit(self, marks):
            return self.belongs

    consumer = Consumer()
    lanes = Lanes(SimpleNamespace(consumer=consumer), slots=10, session_s=0.2)
    (record,) = await taken(lanes, [0])
    claim = Claim(lanes, record)
    assert claim.is_sure
    time.sleep(0.2)
    assert not claim.is_sure
    commits = asyncio.ensure_future(lanes.commit_every(0.02))
    await asyncio.sleep(0.1)
    assert not claim.is_sure
    consumer.belongs = True
    await asyncio.sleep(0.1)
    assert claim.is_sure
    commits.cancel()


def test_expired_offsets_are_counted_block_by_block_and_once():
    book = LedgerBook("u", "c")
    book.expire(HERE, BLOCK - 10, 2 * BLOCK + 5, 1000, ["b"])
    ranges = book.records(HERE, Spend("2026-11-23", 0, 0.0))
    assert [(one.start, one.end, one.outcomes[0].outcome, one.outcomes[0].count) for one in ranges] == [
        (0, BLOCK, "expired", 10), (BLOCK, 2 * BLOCK, "expired", BLOCK), (2 * BLOCK, 2 * BLOCK + 5, "expired", 5),
    ]  # fmt: skip
    book.written(HERE, ranges)
    book.expire(HERE, BLOCK - 10, 2 * BLOCK + 5, 1000, ["b"])
    assert book.records(HERE, Spend("2026-11-23", 0, 0.0)) == []


def test_the_ledger_holds_each_block_from_its_start_and_only_what_is_new():
    book = LedgerBook("u", "c")
    for offset in range(BLOCK - 2, BLOCK + 3):
        book.count(HERE, offset, 1000 + offset, REPLAYED)
    first = book.records(HERE, Spend("2026-11-23", 5, 0.5))
    assert [(r.start, r.end, r.outcomes[0].count) for r in first] == [(0, BLOCK, 2), (BLOCK, BLOCK + 3, 3)]
    book.written(HERE, first)
    assert book.records(HERE, Spend()) == []
    book.count(HERE, BLOCK + 3, 0, REPLAYED)
    assert [(r.start, r.end, r.outcomes[0].count) for r in book.records(HERE, Spend())] == [(BLOCK, BLOCK + 4, 4)]


def test_a_new_owner_counts_on_where_the_ledger_ends_and_nothing_twice():
    book, successor = LedgerBook("u", "c"), LedgerBook("u", "c")
    for offset in range(3):
        book.count(HERE, offset, 0, REPLAYED)
    successor.restore(HERE, book.records(HERE, Spend()))
    for offset in range(1, 5):  # its committed position lags behind the ledger
        successor.count(HERE, offset, 0, REPLAYED)
    (record,) = successor.records(HERE, Spend())
    assert (record.end, record.outcomes[0].count) == (5, 5)


def sampled(share=1.0, rerun=0.1):
    return Sampling(["b"], lambda *_: share, lambda _: rerun)


def test_sampling_is_decided_by_identity_and_keeps_its_rate():
    trials = [stable_id("t", number) for number in range(4000)]
    sampling = sampled(share=0.25)
    weights = [sampling.asked(trial, "chat").get("b") for trial in trials]
    assert weights == [sampling.asked(trial, "chat").get("b") for trial in trials]
    chosen = [weight for weight in weights if weight is not None]
    assert set(chosen) == {4.0}
    assert sum(chosen) == pytest.approx(4000, rel=0.1)


def test_a_candidate_asked_seldom_is_asked_what_the_others_are_asked_too():
    shares = {"settled": 0.1, "open": 0.5}
    sampling = Sampling(list(shares), lambda name, _: shares[name], lambda _: 0.0)
    asked = Counter(tuple(sorted(sampling.asked(stable_id(n), "chat").items())) for n in range(4000))
    both = (("open", 2.0), ("settled", 10.0))
    assert asked.keys() == {(), (("open", 2.0),), both}
    assert asked[both] == pytest.approx(400, rel=0.2)


def test_a_new_feature_is_rerun_until_its_noise_is_known():
    sampling = sampled()
    reruns = Counter(sampling.is_rerun(UUID(int=number), "chat") for number in range(WARM_UP))
    assert reruns == {True: WARM_UP}
    later = sum(sampling.is_rerun(stable_id(number), "chat") for number in range(2000))
    assert later == pytest.approx(200, rel=0.3)
    assert not any(sampled(rerun=0.0).is_rerun(stable_id(number), "chat") for number in range(100))
    known = Sampling(["b"], lambda *_: 1.0, lambda _: 0.1, lambda _: True)
    assert sum(known.is_rerun(stable_id(number), "chat") for number in range(600)) == pytest.approx(60, rel=0.5)


def test_a_request_is_stripped_then_changed_and_its_tools_stay_declared():
    body = {
        "model": "gpt-x-2026-03-01",
        "messages": [{"role": "system", "content": "old"}, {"role": "user", "content": "hi"}],
        "store": True, "user": "u1", "metadata": {"a": 1}, "stream": True, "api_key": "k",
        "max_tokens": 5, "top_p": 1, "tools": [{"type": "function"}],
    }  # fmt: skip
    sent = request_for(body, "gpt-x-2026-10-20", drop=("top_p",), changes={"temperature": 1}, system_prompt="new")
    assert sent == {
        "model": "gpt-x-2026-10-20",
        "messages": [{"role": "system", "content": "new"}, {"role": "user", "content": "hi"}],
        "tools": [{"type": "function"}],
        "max_tokens": 5,
        "temperature": 1,
    }
    assert body["messages"][0]["content"] == "old"
