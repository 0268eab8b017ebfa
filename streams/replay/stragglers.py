"""Exchanges of which only one provider's arms are still out, and when to stop waiting for those.

A trial is produced when all its arms have answered. A provider in trouble would so hold up the candidates of all
others: its exchanges fill the slots of the worker, or one of them holds the position back, and nothing new is taken.
Where that happens its oldest exchanges are given up, which sheds its arms and lets the others' answers through. As
long as nobody is held up, or where there is but one provider, everything waits as long as its patience lasts.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from streams import metrics
from streams.lanes import Lanes
from streams.replay.client import ProviderClient

LOOK_EVERY_S = 0.1


@dataclass(eq=False, slots=True)
class Asked:
    """An exchange whose arms are out; `arms` are the tasks that ask, each with its provider's name."""

    tp: TP
    offset: int
    is_given_up: bool = False
    arms: dict[asyncio.Task[Any], str] = field(default_factory=dict)

    @property
    def pending(self) -> set[asyncio.Task[Any]]:
        """The arms that have not answered."""
        return {arm for arm in self.arms if not arm.done()}

    def give_up(self) -> None:
        """Wait no longer for any of them."""
        self.is_given_up = True
        for arm in self.pending:
            arm.cancel()


class Stragglers:
    """The exchanges of a worker that wait for one provider only, oldest first."""

    def __init__(self, providers: Mapping[str, ProviderClient]) -> None:
        self._providers = providers
        self._waiting: defaultdict[str, dict[Asked, None]] = defaultdict(dict)

    async def settled(self, asked: Asked) -> None:
        """Wait until all arms have answered or are given up."""
        try:
            while len(names := {asked.arms[arm] for arm in asked.pending}) > 1:
                await asyncio.wait(asked.pending, return_when=asyncio.FIRST_COMPLETED)
            if names and len(set(asked.arms.values())) > 1:
                self._waiting[names.pop()][asked] = None
            if asked.pending:
                await asyncio.wait(asked.pending)
        finally:
            for waiting in self._waiting.values():
                waiting.pop(asked, None)
            for arm in asked.pending:  # we were cancelled ourselves
                arm.cancel()

    def relieve(self, lanes: Lanes) -> None:
        """Give up what holds everybody back, of providers in trouble: half of the slots and the window is theirs."""
        for name, waiting in self._waiting.items():
            if lanes.is_held_back and waiting and self._providers[name].is_sick:
                for asked in self._too_many(list(waiting), lanes):
                    metrics.GIVEN_UP.labels(name).inc()
                    asked.give_up()

    async def relieve_for_ever(self, lanes: Lanes) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.relieve(lanes)

    def _too_many(self, waiting: list[Asked], lanes: Lanes) -> list[Asked]:
        if lanes.held_by is None:
            return waiting[: max(0, len(waiting) - lanes.slots // 2)]
        edge = lanes.marks().get(lanes.held_by, 0) + lanes.window // 2
        return [asked for asked in waiting if asked.tp == lanes.held_by and asked.offset < edge]
