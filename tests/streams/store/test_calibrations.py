"""Observations and calibrations in a real ClickHouse."""

import dataclasses
from uuid import UUID

from schemas.calibrations import Calibration, Learner, Observation

UPGRADE = "summaries"
LEARNER = Learner("chat", "contract_violation", "r1")
START_MS = 1_790_000_000_000


def seen(number, learner=LEARNER):
    return Observation(learner, UUID(int=number), START_MS + number, f"text {number}")


async def test_a_trial_is_observed_once_and_the_first_count_by_event_time(store):
    await store.add_observations(UPGRADE, [seen(3), seen(1)])
    await store.add_observations(UPGRADE, [seen(1), seen(2), seen(1, dataclasses.replace(LEARNER, rules="r2"))])
    assert await store.observed(UPGRADE) == {LEARNER: 3, dataclasses.replace(LEARNER, rules="r2"): 1}
    assert await store.first_observations(UPGRADE, LEARNER, 2) == [seen(1), seen(2)]
    assert await store.observed("another") == {}


async def test_what_was_frozen_first_stays_and_its_learner_is_done(store):
    first = Calibration(LEARNER, "rules", 200, START_MS + 200, frozen_ms=START_MS + 1_000)
    late = dataclasses.replace(first, text="others", frozen_ms=first.frozen_ms + 5)
    await store.add_observations(UPGRADE, [seen(1)])
    for one in (late, first, late):
        await store.add_calibrations(UPGRADE, [one])
    assert await store.calibrations(UPGRADE) == (first,)
    assert await store.observed(UPGRADE) == {}
