"""The arms that are asked for an exchange: each candidate, and sometimes the current pin again."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from schemas.config import Config
from schemas.exchanges import Exchange
from schemas.pins import split_pin
from schemas.prices import Price
from schemas.values import immutable
from streams.replay.costs import likely_usd, most_usd
from streams.replay.payload import request_for

RERUN = "rerun"


@immutable
class AskedArm:
    """Who is asked what, and what one answer costs; `name` is `candidate:NAME` or `rerun`."""

    name: str
    pin: str
    body: Mapping[str, Any]
    price: Price | None

    @property
    def provider(self) -> str:
        """Name of the provider to ask."""
        return split_pin(self.pin).provider

    @property
    def most_usd(self) -> float:
        """The most one answer costs, 0 where there is no price."""
        return most_usd(self.price, self.body)


def candidate_arm(name: str) -> str:
    """Name of a candidate's arm."""
    return f"candidate:{name}"


def arms_of(config: Config, exchange: Exchange, asked: Collection[str], *, rerun: bool) -> tuple[AskedArm, ...]:
    """The arms of an exchange for these candidates, with the requests to send."""
    return tuple(_arms(config, exchange, asked, rerun=rerun))


def likely_cost(config: Config, exchange: Exchange, asked: Collection[str], reruns: float) -> float:
    """About what the arms of an exchange cost, in USD, where this share of exchanges is rerun."""
    body, baseline = exchange.request.body, exchange.baseline
    again = likely_usd(config.price(config.upgrade.current), body, baseline)
    return reruns * again + sum(
        likely_usd(config.price(c.pin), body, baseline) for c in config.candidates if c.name in asked
    )


def _arms(config: Config, exchange: Exchange, asked: Collection[str], *, rerun: bool) -> Iterator[AskedArm]:
    sent = exchange.request.body
    for candidate in config.candidates:
        if candidate.name not in asked:
            continue
        body = request_for(
            sent,
            split_pin(candidate.pin).model,
            drop=candidate.drop,
            changes=candidate.set,
            system_prompt=candidate.system_prompt,
        )
        yield AskedArm(candidate_arm(candidate.name), candidate.pin, body, config.price(candidate.pin))
    if rerun:
        current = config.upgrade.current
        yield AskedArm(RERUN, current, request_for(sent, split_pin(current).model), config.price(current))
