"""Runs roles until told to stop: start, wait, drain, commit, exit code. Own runner, because Faust's loses work."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from faust.types import TP

from schemas import topics
from schemas.config import Config
from schemas.errors import ConfigError, RefusedError, UnreachableError, UsageError
from schemas.pins import split_pin
from schemas.topics import consumer_group
from schemas.values import immutable
from streams.alert_sender import AlertSender
from streams.calibrating import InForce
from streams.control import controlled
from streams.following import Follower
from streams.health import Health
from streams.judging import Judging
from streams.kafka import partitions, producer, seed_positions
from streams.pause_alerts import PauseAlerts
from streams.redaction import Redactor
from streams.replay.providers import provider_clients
from streams.replay.replayer import Replayer
from streams.rules import Rules
from streams.scorer import Scorer
from streams.store.configured import open_store
from streams.topology import Role, alert_role, judge_role, replay_role, score_role
from streams.watchdog import Watchdog

log = logging.getLogger(__name__)

DRAIN_S, STOP_S = 10.0, 15.0
PROGRESS_S = 60.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 15.0


@immutable
class Worker:
    """Roles that are ready to run, with the parts that others want to look at."""

    roles: Sequence[Role]
    replayer: Replayer | None
    scorer: Scorer | None
    judging: Judging | None
    health: Health


@asynccontextmanager
async def worker(
    config: Config, names: Sequence[str], session_s: float | None = None, health: Health | None = None
) -> AsyncIterator[Worker]:
    """Everything the named roles need, connected and checked; nothing runs yet.

    `session_s` stands for the setting of that name. What the parts know of their health is added to `health`.

    Raises:
        ConfigError: a setting that this worker must not start with.
        UsageError: topics or tables are missing.
        UnreachableError: Kafka or ClickHouse does not answer.
    """
    async with AsyncExitStack() as stack:
        rules = Rules(config)
        health = health or Health()
        session_s = config.worker.session_s if session_s is None else session_s
        sink = await stack.enter_async_context(producer(config.kafka))
        trial_partitions, places = await checked_topics(config, tapping="replay" in names)
        roles: list[Role] = []
        replayer = scorer = judging = None
        if "replay" in names:
            check_spending(config)
            group = consumer_group(config.upgrade.name, "replay")
            await seed_positions(config.tapped_kafka, group, config.tap.topics, config.tap.start)
            alerts = PauseAlerts(config)
            clients = await stack.enter_async_context(provider_clients(config.providers, alerts.tell))
            for name, client in clients.items():
                health.ready[f"provider {name}"] = client.trouble
            await stack.enter_async_context(controlled(config.kafka, config.upgrade.name, clients.values()))
            replayer = Replayer(config, sink, clients, trial_partitions, places)
            await stack.enter_async_context(Follower(config.kafka, topics.VERDICTS, replayer.rates.heed).following())
            roles.append(replay_role(config, replayer, session_s))
        if {"score", "judge", "alert"} & set(names):
            store = await stack.enter_async_context(open_store(config))
            health.ready["clickhouse"] = lambda: store.connection.trouble
            in_force = await InForce.settle(store, config, rules)
        if "score" in names:
            redactor = Redactor(config.clickhouse.redact)
            scorer = Scorer(config.upgrade.name, in_force, store, sink, config.clickhouse.store_text, redactor)
            roles.append(score_role(config, scorer, session_s))
            await asyncio.to_thread(scorer.prepare)  # Python's import lock would stall the other roles later
        if "judge" in names:
            judging = Judging(config, in_force, store, sink)
            roles.append(judge_role(config, judging, session_s))
        if "alert" in names:
            roles.append(alert_role(config, AlertSender(config, store), session_s))
        for role in roles:
            watchdog = Watchdog(role)
            health.alive[role.name], health.ready[role.name] = watchdog.alive, watchdog.ready
            role.app.task(watchdog.watch)
        yield Worker(roles, replayer, scorer, judging, health)


@asynccontextmanager
async def reached(
    config: Config, names: Sequence[str], health: Health, stop: asyncio.Event
) -> AsyncIterator[Worker | None]:
    """A worker, once Kafka and ClickHouse answer; None where `stop` was set before that.

    Raises:
        UnreachableError: they did not answer within `worker.wait_s`, or they refuse us.
    """
    deadline, wait = time.monotonic() + config.worker.wait_s, FIRST_WAIT_S
    async with AsyncExitStack() as stack:
        made: Worker | None = None
        while made is None and not stop.is_set():
            try:
                made = await stack.enter_async_context(worker(config, names, health=health))
            except RefusedError:
                raise
            except UnreachableError as away:
                if time.monotonic() + wait > deadline:
                    raise
                reason = str(away)
                health.ready["start"] = lambda reason=reason: reason  # type: ignore[misc] # bound now, asked later
                log.warning("waiting for it: %s", away)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait)
                wait = min(2 * wait, LONGEST_WAIT_S)
        health.ready.pop("start", None)
        yield made


async def tell_progress(made: Worker, every_s: float = PROGRESS_S) -> None:
    """Log what was done, whenever something was; for ever."""
    told: dict[str, str] = {}
    while True:
        await asyncio.sleep(every_s)
        for role, done in _done(made):
            if told.get(role) != done:
                told[role] = done
                log.info("role %s: %s since the start", role, done)


def _done(made: Worker) -> Iterator[tuple[str, str]]:
    if made.replayer is not None and made.replayer.outcomes:
        yield "replay", ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(made.replayer.outcomes.items()))
    if made.scorer is not None and made.scorer.scored:
        yield "score", f"{made.scorer.scored:,} compared"


async def run(roles: Sequence[Role], stop: asyncio.Event) -> int:
    """Run until `stop` is set (0) or a role crashes (1). Upstream roles are drained first."""
    for role in roles:
        role.app.finalize()
    await asyncio.gather(*(role.app.start() for role in roles))
    ends = {asyncio.ensure_future(role.app.wait_until_stopped()) for role in roles}
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({*ends, stopped}, return_when=asyncio.FIRST_COMPLETED)
    crashed = next((role for role in roles if role.app._crash_reason is not None), None)  # noqa: SLF001 - no public way
    if crashed is not None:
        log.error("role %s ends: %r", crashed.name, crashed.app._crash_reason)  # noqa: SLF001 - the same
    else:
        await _drain(roles)
    for role in roles:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(role.app.stop(), STOP_S)
    for end in (*ends, stopped):
        end.cancel()
    return 0 if crashed is None else 1


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set the event."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _drain(roles: Sequence[Role]) -> None:
    deadline = asyncio.get_running_loop().time() + DRAIN_S
    for role in roles:
        role.lanes.stopping = True
    for role in roles:
        left = await role.lanes.drain(max(0.0, deadline - asyncio.get_running_loop().time()))
        await role.lanes.commit()
        log.info("role %s drained, %d records left for the next worker", role.name, left)


async def checked_topics(config: Config, *, tapping: bool) -> tuple[int, list[TP]]:
    """Number of partitions of the trials topic, and all tapped partitions where `tapping`.

    Raises:
        UsageError: a topic is missing.
    """
    own = (topics.TRIALS, topics.TOUCHED, topics.VERDICTS, topics.DEAD_LETTERS, topics.CONTROL)
    have = await partitions(config.kafka, own)
    missing = [name for name in own if name not in have]
    if missing:
        raise UsageError(f"kafka: topic {missing[0]!r} does not exist; run `shadowtap migrate` once")
    places: list[TP] = []
    if tapping:
        tapped = await partitions(config.tapped_kafka, config.tap.topics)
        absent = [name for name in config.tap.topics if name not in tapped]
        if absent:
            raise UsageError(f"tap.topics: topic {absent[0]!r} does not exist on {config.tapped_kafka.bootstrap}")
        places = sorted(TP(name, number) for name, count in tapped.items() for number in range(count))
    return have[topics.TRIALS], places


def check_spending(config: Config) -> None:
    """Refuse a provider that costs money unless a cap is set, and a cap in USD that cannot be kept.

    Raises:
        ConfigError: no cap, no provider for a pin, or no price for one where a cap counts dollars.
    """
    budget = config.budget
    for pin in asked_pins(config):
        name = split_pin(pin).provider
        if name not in config.providers:
            raise ConfigError(f"providers.{name}: missing; {pin!r} needs its base_url (and api_key_env)")
        if not budget.has_cap and not _is_here(config.providers[name].base_url):
            raise ConfigError(
                f"budget: set requests_per_day or usd_per_day; providers.{name} is not on this machine, and without "
                "a cap nothing would stop the spending"
            )
        if budget.has_usd_cap and budget.unknown_price == "refuse" and config.price(pin) is None:
            raise ConfigError(
                f"budget: a cap in USD needs the price of {pin!r}, and none is known; write"
                f' [prices."{pin}"] with input and output (USD per million tokens), or unknown_price = "allow" under'
                " [budget], and what has no price is capped by requests only"
            )


def asked_pins(config: Config) -> tuple[str, ...]:
    """The pins that are asked: the candidates', and the current one where there are reruns."""
    rates = [config.sampling, *(config.feature_sampling(name) for name in config.features)]
    current = (config.upgrade.current,) if any(rate.rerun > 0 for rate in rates) else ()
    return tuple(dict.fromkeys((*current, *(candidate.pin for candidate in config.candidates))))


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
