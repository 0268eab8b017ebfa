"""What `shadowtap check` finds: does every part answer, what would be replayed of the last records, at what price?"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiokafka.errors import KafkaError

from schemas import json_text
from schemas.config import Config
from schemas.errors import ShadowtapError, UnreachableError
from schemas.pins import split_pin
from streams.looking import Tapped, look
from streams.planning import Plan, plan
from streams.replay.providers import APIS
from streams.rules import Rules
from streams.store.configured import open_store
from streams.topic_checks import check_own_topics, check_tapped_topics
from streams.worker import asked_pins, check_spending

STALE_S = 3600.0


@dataclass
class Finding:
    """One thing that was looked at: `trouble` says what is wrong and what to do, empty where all is well."""

    what: str
    said: str = ""
    trouble: str = ""
    exit_code: int = 0


async def check(config: Config, last: int) -> AsyncIterator[Finding | Tapped | Plan]:
    """Reach every part in turn, and look at the `last` tapped records of each partition."""
    settings = await _tried("settings", lambda: _settings(config))
    yield settings
    counts: dict[str, int] = {}

    async def tapped_topics() -> str:
        counts.update(await check_tapped_topics(config))
        return ", ".join(f"{name} ({count} partitions)" for name, count in counts.items())

    yield await _tried("tapped topics", tapped_topics)
    yield await _tried("own topics", lambda: check_own_topics(config, max(counts.values(), default=None)))
    yield await _tried("ClickHouse", lambda: _store(config))
    for name in sorted({split_pin(pin).provider for pin in asked_pins(config)}):
        yield await _tried(f"provider {name}", partial(_provider, config, name))
    yield await _tried("Slack", lambda: _slack(config))
    if counts:
        async for found in _traffic(config, last):
            yield found


async def _traffic(config: Config, last: int) -> AsyncIterator[Finding | Tapped | Plan]:
    """What was tapped lately, what is wrong with it, and what it will take."""
    candidates = [split_pin(candidate.pin).model for candidate in config.candidates]
    try:
        tapped = await look(
            config.tapped_kafka, config.tap, last, config.match_names, candidates=candidates, declared=config.features
        )
    except KafkaError as refused:
        yield Finding("traffic", trouble=f"Kafka refuses: {refused}", exit_code=UnreachableError.exit_code)
        return
    yield tapped
    for trouble in _traffic_trouble(config, tapped):
        yield Finding("traffic", trouble=trouble, exit_code=ShadowtapError.exit_code)
    if not tapped.replayable or tapped.hours <= 0:
        return
    try:
        made = plan(config, Rules(config), tapped)
    except ShadowtapError:
        return  # the settings are wrong, and that is said already
    yield made
    if made.share_usd is not None and made.dearest_usd > made.share_usd:
        yield Finding(
            "budget",
            trouble=(
                f"an exchange may cost up to {made.dearest_usd:.2f} USD and a partition may spend {made.share_usd:.2f}"
                " a day, so the dearest are never asked: raise the cap to"
                f" {made.dearest_usd * len(tapped.places):.2f}, or say a smaller max_output_tokens under [prices]"
            ),
            exit_code=ShadowtapError.exit_code,
        )


def _traffic_trouble(config: Config, tapped: Tapped) -> list[str]:
    if not tapped.records:
        return ["no record is on the tapped topics; is something written to them?"]
    wrong = []
    if not tapped.replayable:
        wrong.append(
            "nothing of it can be replayed; compare tap.match, tap.format and tap.mapping with what stands above"
        )
    if tapped.age_s is not None and tapped.age_s > STALE_S:
        wrong.append(f"the newest record is {tapped.age_s / 3600:.1f} hours old; is something still written?")
    if tapped.candidates_seen:
        wrong.append(
            f"{tapped.candidates_seen} exchanges name a candidate's model and carry no x-shadowtap-request: if they are"
            " replays of ours, let your gateway log that header, or leave the model out of tap.match"
        )
    if set(tapped.features) == {"default"}:
        wrong.append(f"no rule of tap.feature finds a feature ({', '.join(config.tap.feature)}): all is judged as one")
    return wrong


async def _tried(what: str, attempt: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, await attempt())
    except ShadowtapError as wrong:
        return Finding(what, trouble=str(wrong), exit_code=wrong.exit_code)
    except KafkaError as wrong:
        return Finding(what, trouble=f"Kafka refuses: {wrong}", exit_code=UnreachableError.exit_code)


async def _settings(config: Config) -> str:
    Rules(config)
    check_spending(config)
    return f"upgrade {config.upgrade.name}: {config.upgrade.current} → {', '.join(c.pin for c in config.candidates)}"


async def _store(config: Config) -> str:
    async with open_store(config) as store:
        await store.require_schema()
    return f"{config.clickhouse.url}, the schema is this program's"


async def _provider(config: Config, name: str) -> str:
    provider = config.providers.get(name)
    if provider is None:
        raise ShadowtapError(f"providers.{name}: missing; add its base_url")
    if provider.api_key_env and not os.environ.get(provider.api_key_env):
        raise ShadowtapError(f"providers.{name}.api_key_env: the variable {provider.api_key_env} is not set")
    key = os.environ[provider.api_key_env] if provider.api_key_env else None
    headers = APIS[provider.api_of(name)]().headers(key)
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(f"{provider.base_url}/models", headers=headers) as response,
        ):
            status, listed = response.status, _listed(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError) as away:
        raise UnreachableError(f"providers.{name}.base_url: nobody answers ({type(away).__name__})") from away
    if status in (401, 403):
        raise ShadowtapError(f"providers.{name}.api_key_env: the provider refuses the key ({status})")
    answers = f"{provider.base_url} answers ({status})"
    asked = (split_pin(pin) for pin in asked_pins(config))
    lacking = [pin.model for pin in asked if pin.provider == name and listed and pin.model not in listed]
    return f"{answers}, but does not list {', '.join(lacking)}: is that the name?" if lacking else answers


def _listed(body: bytes) -> set[str]:
    """All models that a provider says it has, as OpenAI's and Anthropic's APIs list them; empty where it does not."""
    try:
        page = json_text.loads(body)
        return set() if page.get("has_more") else {str(model["id"]) for model in page["data"]}
    except (ValueError, TypeError, KeyError, AttributeError):
        return set()


async def _slack(config: Config) -> str:
    variable = config.slack.webhook_env
    if variable is None:
        return "not configured; alerts are only noted in ClickHouse"
    if not os.environ.get(variable):
        raise ShadowtapError(f"slack.webhook_env: the variable {variable} is not set")
    return "a webhook is configured; nothing was sent"
