"""Caps, their pace over the day, and what things cost: no broker needed."""

import asyncio
import math
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from faust.types import TP

from schemas.answers import Answer, Usage
from schemas.config import config_from
from schemas.errors import ConfigError
from schemas.ids import stable_id
from schemas.prices import Price, price_of
from schemas.settings import Budget as Caps
from streams.replay.arms import AskedArm
from streams.replay.budget import Budget, Spend
from streams.replay.client import Unavailable
from streams.replay.costs import likely_usd, most_usd, with_cost
from streams.replay.pacing import DAY_S, Pace
from streams.replay.purse import Purse
from streams.replay.sampling import Sampling
from streams.worker import check_spending

HERE = TP("llm.gateway", 0)
DAY, NEXT_DAY = "2026-11-23", "2026-11-24"
DEAR = Price(1000.0, 2000.0, max_output_tokens=100)


async def granted(budget, tp, requests=1, usd=0.0, day=DAY):
    return await budget.reserve(tp, requests, usd, day) is not None


async def test_shares_of_a_cap_add_up_to_the_cap():
    places = [TP("a", number) for number in range(7)]
    budget = Budget(Caps(requests_per_day=100, pace="none"), places)
    assert sum([await granted(budget, tp) for tp in places for _ in range(100)]) == 100


async def test_a_cap_holds_on_the_day_a_topic_gains_partitions_and_is_shared_by_all_on_the_next():
    old = [TP("a", number) for number in range(4)]
    grown = [TP("a", number) for number in range(8)]
    budget = Budget(Caps(requests_per_day=80, pace="none"), old)
    before = sum([await granted(budget, tp) for tp in old[:2] for _ in range(100)])
    budget.grow(grown, DAY)
    after = sum([await granted(budget, tp) for tp in grown for _ in range(100)])
    assert (before, after) == (40, 20)  # the others have halves of their old shares, the new ones nothing yet
    assert sum([await granted(budget, tp, day=NEXT_DAY) for tp in grown for _ in range(100)]) == 80


async def test_a_cap_survives_a_restart_and_ends_with_the_day():
    budget = Budget(Caps(requests_per_day=10), [HERE])
    budget.restore(HERE, Spend(DAY, requests=9))
    assert await granted(budget, HERE)
    assert not await granted(budget, HERE)
    assert await granted(budget, HERE, day=NEXT_DAY)


async def test_a_cap_for_the_upgrade_outlives_days_and_restarts():
    caps = Caps(requests_total=10, pace="none")
    budget = Budget(caps, [HERE])
    assert await granted(budget, HERE, requests=6)
    successor = Budget(caps, [HERE])
    successor.restore(HERE, Spend.from_bytes(budget.spend(HERE, DAY).to_bytes()))
    assert not await granted(successor, HERE, requests=5, day=NEXT_DAY)
    assert await granted(successor, HERE, requests=4, day=NEXT_DAY)


async def test_many_in_flight_never_overshoot_a_cap_in_dollars():
    rng = random.Random(1)
    budget = Budget(Caps(usd_per_day=1.0, usd_total=1.6, pace="none"), [HERE])
    worst = 0.0

    async def ask(number, day):
        nonlocal worst
        most = rng.uniform(0.001, 0.05)
        reserved = await budget.reserve(HERE, 1, most, day)
        if reserved is None:
            return 0.0
        await asyncio.sleep(rng.uniform(0, 0.01))
        cost = rng.uniform(0.1, 1.0) * most
        budget.settle(reserved, cost)
        worst = max(worst, budget.spend(HERE, day).usd)
        return cost

    first = sum(await asyncio.gather(*(ask(number, DAY) for number in range(300))))
    assert 0.9 < first <= 1.0
    second = sum(await asyncio.gather(*(ask(number, NEXT_DAY) for number in range(300))))
    assert 1.5 < first + second <= 1.6
    assert worst <= 1.0
    assert budget.spend(HERE, NEXT_DAY).held_usd == pytest.approx(0, abs=1e-9)
    assert budget.spend(HERE, NEXT_DAY).total_usd == pytest.approx(first + second)


async def test_a_share_that_is_only_held_is_waited_for_and_not_called_spent():
    budget = Budget(Caps(usd_per_day=1.0, pace="none"), [HERE])
    first = await budget.reserve(HERE, 1, 0.9, DAY)
    second = asyncio.ensure_future(budget.reserve(HERE, 1, 0.5, DAY))
    await asyncio.sleep(0.01)
    assert not second.done()
    assert not budget.is_spent(HERE, 1, DAY)
    budget.settle(first, 0.1)
    assert await asyncio.wait_for(second, 1) is not None
    assert not await granted(budget, HERE, usd=2.0)


async def test_what_was_in_flight_at_a_crash_counts_as_spent():
    budget = Budget(Caps(usd_per_day=1.0, pace="none"), [HERE])
    await budget.reserve(HERE, 1, 0.7, DAY)
    successor = Budget(Caps(usd_per_day=1.0, pace="none"), [HERE])
    successor.restore(HERE, Spend.from_bytes(budget.spend(HERE, DAY).to_bytes()))
    assert not await granted(successor, HERE, usd=0.4)
    assert await granted(successor, HERE, usd=0.3)


async def test_midnight_between_asking_and_the_answer_counts_on_the_day_of_asking():
    budget = Budget(Caps(usd_per_day=1.0, pace="none"), [HERE])
    late = await budget.reserve(HERE, 1, 0.5, DAY)
    assert await granted(budget, HERE, usd=1.0, day=NEXT_DAY)
    budget.settle(late, 0.4)
    spend = budget.spend(HERE, NEXT_DAY)
    assert (spend.usd, spend.held_usd) == (0.0, 1.0)
    assert (spend.total_usd, spend.total_held_usd) == (0.4, pytest.approx(1.0))


class Clock:
    now = datetime(2026, 11, 23, tzinfo=UTC).timestamp()

    def __call__(self):
        return self.now


def a_day(caps, per_second, usd=0.0, start_h=0.0):
    """A day of traffic with a busy noon: exchanges per hour, asked per hour, and weights per hour."""
    rng, clock = random.Random(2), Clock()
    budget = Budget(caps, [HERE])
    pace, sampling = Pace(budget, clock), Sampling(["b"], lambda *_: 1.0, lambda _: 0.0)
    exchanges, asked, weights = Counter(), Counter(), Counter()
    begin, elapsed = clock.now, start_h * 3600
    while True:
        height = 1 + 0.95 * math.cos(2 * math.pi * (elapsed / DAY_S - 0.5))  # 5 % at midnight, 195 % at noon
        elapsed += rng.expovariate(per_second * height)
        if elapsed >= DAY_S:
            return budget, exchanges, asked, weights
        clock.now, hour = begin + elapsed, int(elapsed // 3600)
        exchanges[hour] += 1
        weight = sampling.asked(stable_id(elapsed), "chat", pace.rate(HERE, 1, usd)).get("b")
        if weight is None:
            continue
        spend = budget.spend(HERE, DAY)
        spend.requests += 1
        spend.usd += usd
        pace.took(HERE, 1, usd)
        asked[hour] += 1
        weights[hour] += weight


@pytest.mark.parametrize(("caps", "usd"), [(Caps(requests_per_day=2400), 0.0), (Caps(usd_per_day=24.0), 0.01)])
def test_a_budget_smaller_than_the_traffic_lasts_all_day_and_the_night_is_represented(caps, usd):
    _, exchanges, asked, weights = a_day(caps, per_second=0.5, usd=usd)
    total = sum(asked.values())
    assert 0.95 * 2400 <= total <= 2400
    assert sum(asked[hour] for hour in range(12)) == pytest.approx(total / 2, rel=0.12)
    assert all(40 <= asked[hour] <= 240 for hour in range(24))
    assert sum(weights.values()) == pytest.approx(sum(exchanges.values()), rel=0.08)
    night, noon = (0, 1, 2, 21, 22, 23), range(9, 15)
    for hours in (night, noon):
        seen = sum(exchanges[hour] for hour in hours)
        assert sum(weights[hour] for hour in hours) == pytest.approx(seen, rel=0.15)


def test_a_budget_larger_than_the_traffic_samples_everything():
    _, exchanges, asked, weights = a_day(Caps(requests_per_day=100_000), per_second=0.2)
    assert sum(asked.values()) == sum(exchanges.values()) == sum(weights.values())


def test_a_start_in_the_evening_does_not_spend_the_day_in_an_hour():
    _, _, asked, _ = a_day(Caps(requests_per_day=2400), per_second=1.0, start_h=18)
    assert asked[18] < 450
    assert 600 <= sum(asked.values()) <= 1400


def test_a_cap_for_the_upgrade_alone_is_spread_over_its_days():
    budget, _, asked, _ = a_day(Caps(requests_total=2400), per_second=0.2)
    assert budget.requests_share(HERE) == 1200
    assert sum(asked.values()) <= 1200 * 1.01


def test_a_small_budget_is_not_paced_away():
    budget = Budget(Caps(requests_per_day=20), [HERE])
    pace = Pace(budget, Clock())
    assert pace.rate(HERE, 1, 0.0) == 1.0


def test_the_most_a_request_costs_is_never_less_than_it_did_cost():
    body = {"model": "m", "messages": [{"role": "user", "content": "é" * 50}], "max_tokens": 7}
    assert most_usd(DEAR, body) >= DEAR.cost(Usage(100, 7))
    assert most_usd(DEAR, body) < DEAR.cost(Usage(1000, 7))
    assert most_usd(DEAR, {**body, "n": 3}) >= DEAR.cost(Usage(100, 21))
    unbounded = {"model": "m", "messages": body["messages"]}
    assert most_usd(DEAR, unbounded) >= DEAR.cost(Usage(100, 100))
    image = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y"}}]}]}
    assert most_usd(DEAR, image) > most_usd(DEAR, unbounded) + 10
    assert most_usd(None, body) == 0.0


def test_what_it_will_cost_is_read_off_the_answer_that_production_got():
    body = {"messages": [{"role": "user", "content": "x" * 400}]}
    assert likely_usd(DEAR, body, Answer("m", text="y", usage=Usage(10, 2))) == DEAR.cost(Usage(10, 2))
    guessed = likely_usd(DEAR, body, Answer("m", text="y" * 40))
    assert DEAR.cost(Usage(90, 9)) < guessed < DEAR.cost(Usage(130, 11))


def test_the_cost_of_an_answer_is_the_providers_word_or_the_tables_or_unknown():
    counted = Answer("m", text="y", usage=Usage(10, 2))
    assert with_cost(counted, DEAR).cost_usd == DEAR.cost(Usage(10, 2))
    assert with_cost(Answer("m", text="y", cost_usd=0.5, usage=Usage(10, 2)), DEAR).cost_usd == 0.5
    assert with_cost(counted, None).cost_usd is None
    assert with_cost(Answer("m", text="y"), DEAR).cost_usd is None


async def test_a_lost_answer_may_be_billed_and_a_refusal_or_a_request_never_sent_is_not():
    arm = AskedArm("rerun", "m/1", {"messages": [], "max_tokens": 1}, DEAR)
    budget = Budget(Caps(usd_per_day=1000.0, requests_per_day=10, pace="none"), [HERE])
    for answer, counts in (
        (Unavailable("answer_cut", may_be_billed=True), (1, arm.most_usd)),
        (Unavailable("http_503"), (1, 0.0)),
        (Unavailable("stopped", is_unsent=True), (0, 0.0)),
        (Answer("m", error="rejected:temperature"), (1, 0.0)),
        (Answer("m", text="y"), (1, arm.most_usd)),
        (Answer("m", text="y", cost_usd=0.01), (1, 0.01)),
    ):
        before = replace(budget.spend(HERE, DAY))
        purse = Purse(budget, await budget.reserve(HERE, 1, arm.most_usd, DAY))
        purse.close([(answer, arm)])
        after = budget.spend(HERE, DAY)
        assert (after.requests - before.requests, after.usd - before.usd) == (counts[0], pytest.approx(counts[1]))
        assert after.held_usd == pytest.approx(0)
        assert after.total_usd == pytest.approx(after.usd)


async def test_asking_again_for_a_lost_answer_is_paid_out_of_the_same_share():
    arm = AskedArm("rerun", "m/1", {"messages": [], "max_tokens": 1}, DEAR)
    budget = Budget(Caps(requests_per_day=2, usd_per_day=2.5 * arm.most_usd, pace="none"), [HERE])
    purse = Purse(budget, await budget.reserve(HERE, 1, arm.most_usd, DAY))
    assert purse.pay_again(arm)
    assert not purse.pay_again(arm)
    purse.close([(Answer("m", text="y", cost_usd=0.0001), arm)])
    spend = budget.spend(HERE, DAY)
    assert (spend.requests, spend.usd) == (2, pytest.approx(arm.most_usd + 0.0001))


def test_every_price_of_the_table_says_when_and_where_it_was_read():
    from schemas.prices import _table

    assert len(_table()) > 10
    for pin, price in _table().items():
        assert "/" in pin
        datetime.fromisoformat(price.as_of)
        assert price.source
        assert 0 < price.input <= price.output
        assert price.cached_input is None or price.cached_input < price.input


def config(**changes):
    return config_from(
        {
            "upgrade": {"name": "u", "current": "openai/gpt-4o-2024-08-06"},
            "candidates": [{"pin": "openai/gpt-9-2030-01-01"}],
            "tap": {"topics": ["t"]},
            "kafka": {"bootstrap": "localhost:9092"},
            "providers": {"openai": {"base_url": "https://api.openai.com/v1"}},
            **changes,
        }
    )


def test_a_cap_in_dollars_wants_the_price_of_every_pin_that_is_asked():
    with pytest.raises(ConfigError, match=r'price of .openai/gpt-9-2030-01-01.* \[prices."openai/gpt-9-2030-01-01"\]'):
        check_spending(config(budget={"usd_per_day": 5}))
    with pytest.raises(ConfigError, match="price of"):
        check_spending(config(budget={"usd_total": 5.0}))
    check_spending(config(budget={"usd_per_day": 5, "unknown_price": "allow"}))
    check_spending(config(budget={"usd_per_day": 5}, prices={"openai/gpt-9-*": {"input": 1, "output": 2.5}}))
    check_spending(config(budget={"requests_total": 5}))
    with pytest.raises(ConfigError, match="without a cap"):
        check_spending(config())


def test_own_prices_go_before_the_table_and_the_longest_key_that_fits_counts():
    own = {"openai/*": Price(1, 1), "openai/gpt-4o-*": Price(2, 2)}
    assert price_of("openai/gpt-4o-2024-08-06", own).input == 2
    assert price_of("openai/gpt-4.1-2025-04-14", own).input == 1
    assert price_of("anthropic/claude-sonnet-4-20250514", own).input == 3
    assert price_of("openai/gpt-4o-2024-08-06-mine") is None


class Log:
    """The trials topic of a partition: records land in any order, and a crash loses those on their way."""

    def __init__(self, rng):
        self.rng, self.records = rng, []

    async def write(self, budget):
        snapshot = budget.snapshot(HERE, DAY)
        await asyncio.sleep(self.rng.uniform(0, 0.004))
        self.records.append(snapshot.to_bytes())
        await asyncio.sleep(self.rng.uniform(0, 0.002))
        budget.recorded(HERE, snapshot)


@pytest.mark.parametrize("caps", [Caps(requests_per_day=150, pace="none"), Caps(usd_total=3.0, pace="none")])
async def test_a_cap_holds_over_workers_killed_at_any_moment(caps):
    rng, sent, cost = random.Random(5), 0, 0.0
    log = Log(rng)
    for _ in range(30):
        budget = Budget(caps, [HERE])
        budget.record = lambda _, budget=budget: log.write(budget)
        if log.records:
            budget.restore(HERE, Spend.from_bytes(log.records[-1]))

        async def ask(budget=budget):
            nonlocal sent, cost
            most = rng.uniform(0.01, 0.05)
            reserved = await budget.reserve(HERE, 1, most, DAY)
            if reserved is None:
                return
            sent, cost = sent + 1, cost + most  # at worst
            await asyncio.sleep(rng.uniform(0, 0.03))
            budget.settle(reserved, most * rng.uniform(0.2, 1))
            await log.write(budget)  # its trial

        work = [asyncio.ensure_future(ask()) for _ in range(30)]
        await asyncio.sleep(rng.uniform(0, 0.02))
        for task in work:  # SIGKILL
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    if caps.requests_per_day:
        assert 0 < sent <= 150
    else:
        assert 0 < cost <= 3.0


async def test_a_clean_end_hands_over_exactly_what_was_spent():
    caps = Caps(requests_per_day=1000, usd_per_day=10.0, pace="none")
    log, budget = Log(random.Random(1)), Budget(caps, [HERE])
    budget.record = lambda _: log.write(budget)
    reserved = await budget.reserve(HERE, 2, 0.1, DAY)
    assert Spend.from_bytes(log.records[-1]).requests > 2
    budget.settle(reserved, 0.03)
    await log.write(budget)
    handed_over = Spend.from_bytes(log.records[-1])
    assert (handed_over.requests, handed_over.usd, handed_over.held_usd) == (2, 0.03, 0.0)
