"""The replay role samples by the verdicts that were published: a trickle where they stand, more reruns where not."""

import asyncio
import math
import time
from types import SimpleNamespace

import pytest

from schemas import json_text, topics
from schemas.config import config_from
from schemas.settings import Kafka
from schemas.verdict_changes import VerdictChange
from schemas.verdicts import Verdict
from streams.embedded.broker import embedded_broker
from streams.following import Follower
from streams.kafka import create_topics, producer
from streams.replay.rates import Rates, paired_trials, raised_rerun
from streams.rules import Rules


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def config(**sampling):
    return config_from(
        {
            "upgrade": {"name": "u", "current": "openai/gpt-4o-2024-05-13"},
            "candidates": [{"name": name, "pin": "openai/gpt-4o-2024-08-06"} for name in ("a", "b")],
            "tap": {"topics": ["t"]},
            "kafka": {"bootstrap": "localhost:9092"},
            "sampling": sampling,
            "features": {"rare": {"candidate": 0.005}},
        }
    )


def told(candidate, verdict, *, feature="chat", upgrade="u", dimension="", offset=0):
    change = VerdictChange(upgrade, candidate, feature, dimension, 0, 0, verdict)
    return SimpleNamespace(value=json_text.dumps(change), offset=offset)


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, Verdict.REVIEW])
def test_a_feature_whose_verdict_stands_drops_to_a_trickle_for_that_candidate_alone(verdict):
    rates = Rates(config(candidate=0.5))
    rates.heed([told("a", verdict)])
    assert rates.candidate_share("a", "chat") == 0.01
    assert rates.candidate_share("b", "chat") == 0.5
    assert rates.candidate_share("a", "other") == 0.5


@pytest.mark.parametrize("verdict", [Verdict.CONTINUE, Verdict.INCONCLUSIVE, Verdict.NODATA])
def test_a_feature_without_a_verdict_is_asked_in_full_again(verdict):
    rates = Rates(config())
    rates.heed([told("a", Verdict.PASS), told("a", verdict)])
    assert rates.candidate_share("a", "chat") == 1.0


def test_verdicts_of_others_of_dimensions_and_garbage_change_nothing():
    rates = Rates(config())
    rates.heed(
        [
            told("a", Verdict.FAIL, upgrade="another"),
            told("a", Verdict.FAIL, dimension="code_fence"),
            told("a", Verdict.FAIL, feature=""),
            SimpleNamespace(value=b"rubbish", offset=3),
            SimpleNamespace(value=None, offset=4),
            SimpleNamespace(value=b"[1]", offset=5),
        ]
    )
    assert rates.verdicts == {}


def test_a_trickle_is_never_more_than_the_feature_has_anyway_and_can_be_turned_off():
    rates = Rates(config())
    rates.heed([told("a", Verdict.PASS, feature="rare")])
    assert rates.candidate_share("a", "rare") == 0.005
    fixed = Rates(config(adapt=False))
    fixed.heed([told("a", Verdict.PASS)])
    assert fixed.candidate_share("a", "chat") == 1.0
    fixed.saw("chat")
    assert fixed.rerun_share("chat") == 0.1


def arrived(rates, clock, feature, per_hour, hours):
    for _ in range(round(per_hour * hours)):
        clock.now += 3600 / per_hour
        rates.saw(feature)


def test_an_undecided_feature_is_rerun_as_often_as_a_verdict_in_time_takes():
    clock = Clock()
    rates = Rates(config(), clock)
    arrived(rates, clock, "chat", 80, 5)
    needed = paired_trials(Rules(config()), "chat", 0.05)
    share = rates.rerun_share("chat")
    assert share == pytest.approx(needed / 24 / 80, rel=0.15)
    assert 0.1 < share < 1
    assert rates.rerun_share("chat", part=0.5) == pytest.approx(share / 2, rel=0.05)  # others see the other half
    arrived(rates, clock, "busy", 5000, 1)
    assert rates.rerun_share("busy") == 0.1
    arrived(rates, clock, "quiet", 3, 5)
    assert rates.rerun_share("quiet") == 1.0
    for candidate in ("a", "b"):
        rates.heed([told(candidate, Verdict.PASS)])
    assert rates.rerun_share("chat") == 0.1


def test_reruns_that_are_off_stay_off_and_nothing_is_raised_before_anything_came():
    off = Rates(config(rerun=0.0))
    off.saw("chat")
    assert off.rerun_share("chat") == 0.0
    assert Rates(config()).rerun_share("chat") == 0.1
    assert raised_rerun(0, 24, 100, 0.1) == 0.1
    assert math.isclose(raised_rerun(600, 0, 1200, 0.1), 0.5)


async def test_a_worker_knows_the_verdicts_before_it_asks_and_hears_of_new_ones():
    async with embedded_broker() as bootstrap:
        kafka = Kafka(bootstrap=bootstrap)
        await create_topics(kafka, 1)
        rates = Rates(config())
        async with producer(kafka) as sink:

            async def publish(verdict):
                await sink.send_and_wait(topics.VERDICTS, told("a", verdict).value, key=b"u/a/chat/", partition=0)

            await publish(Verdict.CONTINUE)
            await publish(Verdict.PASS)
            async with Follower(kafka, topics.VERDICTS, rates.heed).following():
                assert rates.candidate_share("a", "chat") == 0.01
                await publish(Verdict.CONTINUE)
                deadline = time.monotonic() + 5
                while rates.candidate_share("a", "chat") < 1 and time.monotonic() < deadline:
                    await asyncio.sleep(0.05)
                assert rates.candidate_share("a", "chat") == 1.0
