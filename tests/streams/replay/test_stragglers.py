"""When the exchanges of a provider in trouble are given up, and when they wait."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.replay.stragglers import Asked, Stragglers

HERE, THERE = TP("llm.gateway", 0), TP("llm.gateway", 1)


class Stage:
    """Exchanges asked of two providers, of which `weak` never answers."""

    def __init__(self, *, is_sick=True, slots=8, window=100):
        self.providers = {"weak": SimpleNamespace(is_sick=is_sick), "well": SimpleNamespace(is_sick=False)}
        self.stragglers = Stragglers(self.providers)
        self.lanes = SimpleNamespace(
            is_held_back=True, held_by=None, slots=slots, window=window, marks=lambda: {HERE: 0}
        )
        self.given_up, self.cancelled, self.work = [], [], []

    async def ask(self, offset, tp=HERE, providers=("weak", "well")):
        asked = Asked(tp, offset)

        async def arm(name):
            if name == "weak":
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    (self.given_up if asked.is_given_up else self.cancelled).append((tp.partition, offset))
                    raise

        asked.arms = {asyncio.ensure_future(arm(name)): name for name in providers}
        self.work.append(asyncio.ensure_future(self.stragglers.settled(asked)))
        await asyncio.sleep(0)

    async def relieve(self):
        await asyncio.sleep(0.01)
        self.stragglers.relieve(self.lanes)
        await asyncio.sleep(0.01)

    async def end(self):
        for work in self.work:
            work.cancel()
        await asyncio.gather(*self.work, return_exceptions=True)


@pytest.fixture
async def stage(request):
    made = Stage(**getattr(request, "param", {}))
    yield made
    await made.end()


async def test_beyond_half_of_the_slots_the_oldest_are_given_up(stage):
    for offset in range(7):
        await stage.ask(offset)
    await stage.relieve()
    assert stage.given_up == [(0, 0), (0, 1), (0, 2)]


async def test_what_holds_a_window_is_given_up_and_what_is_further_on_waits(stage):
    stage.lanes.held_by = HERE
    for offset, tp in ((3, HERE), (49, HERE), (50, HERE), (4, THERE)):
        await stage.ask(offset, tp)
    await stage.relieve()
    assert stage.given_up == [(0, 3), (0, 49)]


@pytest.mark.parametrize("stage", [{"is_sick": False}], indirect=True)
async def test_a_provider_that_is_well_and_slow_is_waited_for(stage):
    for offset in range(7):
        await stage.ask(offset)
    await stage.relieve()
    assert stage.given_up == []


async def test_as_long_as_nobody_is_held_up_everything_waits(stage):
    stage.lanes.is_held_back = False
    for offset in range(7):
        await stage.ask(offset)
    await stage.relieve()
    assert stage.given_up == []


async def test_where_there_is_but_one_provider_nobody_is_held_up(stage):
    for offset in range(7):
        await stage.ask(offset, providers=("weak", "weak"))
    await stage.relieve()
    assert stage.given_up == []


async def test_a_cancelled_exchange_takes_its_arms_with_it(stage):
    await stage.ask(1)
    await asyncio.sleep(0.01)
    await stage.end()
    await asyncio.sleep(0.01)
    assert stage.cancelled == [(0, 1)]
    assert not stage.stragglers._waiting["weak"]
