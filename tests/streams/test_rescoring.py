"""Comparators over trials that were paid for already: no model is asked, nothing is lost, what was there stays."""

import time
from dataclasses import replace

from schemas import topics
from schemas.config import config_from
from schemas.trials import trial_bytes
from streams.calibrating import InForce
from streams.embedded import support_desk as desk
from streams.embedded.broker import embedded_broker
from streams.kafka import producer
from streams.rescoring import lacking, rescore
from streams.rules import Rules
from streams.store.configured import open_store
from streams.stored_trials import table_trials, topic_trials
from streams.worker import worker
from tests.streams.conftest import setting
from tests.streams.test_pipeline import run_until

CURRENT = "SELECT count(), uniqExact(epoch), any(epoch) FROM current_scores WHERE dimension = 'length_change'"


async def rescored(config, names=()):
    async with open_store(config) as store, producer(config.kafka) as sink:
        in_force = await InForce.settle(store, config, Rules(config))
        wanted = names or await lacking(store, config, in_force.rules, in_force.epochs)
        return await rescore(config, in_force.rules, in_force.epochs, store, sink, wanted)


async def test_a_changed_comparator_is_scored_over_stored_trials_without_asking_anybody(tmp_path):
    async with embedded_broker() as bootstrap, setting(bootstrap, desk.desk_models(3, {}), tmp_path) as upgrade:
        sent = await upgrade.tap(desk.traffic(3, {"triage": 40}, end_ms=int(time.time() * 1000)))
        async with worker(upgrade.config, ("replay", "score"), 6.0) as made:
            assert await run_until(made, lambda: made.scorer.scored >= sent) == 0
        asked = len(upgrade.provider.calls)
        before = await upgrade.count("SELECT count() FROM scores")
        assert (await rescored(upgrade.config)).dimensions == ()  # nothing lacks, so nothing is done

        changed = config_from(
            {**upgrade.fields, "dimensions": {**upgrade.fields["dimensions"], "length_change": {"tolerance": 0.07}}},
            label="changed",
        )
        done = await rescored(changed)
        assert done.dimensions == ("length_change",)
        assert (done.from_topic, done.from_tables, done.comparisons, done.gone) == (sent, 0, sent, 0)
        assert len(upgrade.provider.calls) == asked
        assert await upgrade.count("SELECT count() FROM scores") == before + sent  # the old ones stay
        async with open_store(changed) as store:
            assert await store.query(CURRENT) == [(sent, 1, 2)]  # and views show the newest
            trials = [t async for batch in topic_trials(changed.kafka, "desk") for t in batch]
            from_tables = [t async for batch in table_trials(store, "desk", frozenset()) for t in batch]
        assert sorted(from_tables, key=lambda t: t[0].request_id) == sorted(trials, key=lambda t: t[0].request_id)

        again = await rescored(changed, ("length_change",))  # safe to repeat
        assert again.comparisons == sent
        assert await upgrade.count("SELECT count() FROM scores") == before + sent


async def test_two_trials_of_one_exchange_are_both_scored_again(tmp_path):
    """As a backfill leaves them, for a candidate that came later than the live run's."""
    async with embedded_broker() as bootstrap, setting(bootstrap, desk.desk_models(3, {}), tmp_path) as upgrade:
        sent = await upgrade.tap(desk.traffic(3, {"triage": 10}, end_ms=int(time.time() * 1000)))
        async with worker(upgrade.config, ("replay", "score"), 6.0) as made:
            assert await run_until(made, lambda: made.scorer.scored >= sent) == 0
        trials = [t async for batch in topic_trials(upgrade.config.kafka, "desk") for t, _ in batch]
        (first,) = upgrade.fields["candidates"]
        both = config_from({**upgrade.fields, "candidates": [first, {**first, "name": "later"}]}, label="both")
        async with producer(both.kafka) as sink:
            for trial in trials:
                later = replace(trial, candidates=(replace(trial.candidates[0], name="later"),))
                await sink.send_and_wait(
                    topics.TRIALS, trial_bytes(later),
                    headers=[(topics.UPGRADE_HEADER, b"desk"), (topics.KIND_HEADER, b"trial")],
                )  # fmt: skip
        assert (await rescored(both, ("length_change",))).comparisons == 2 * sent
