"""A provider that refuses us is told once: the replay role notes it in the outbox, the alert role sends it."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas import json_text
from schemas.alerts import Alert, AlertState
from schemas.config import Config
from schemas.errors import ShadowtapError
from schemas.ids import stable_id
from streams.alerts import as_text, pause_message
from streams.scorer import patiently
from streams.store.configured import open_store

log = logging.getLogger(__name__)


@dataclass
class PauseAlerts:
    """Notes alerts beside the asking, which never waits for ClickHouse."""

    config: Config
    _noting: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, provider: str, reason: str) -> None:
        """Nobody is asked any more at this provider; all workers that find out on one day tell one cause."""
        noting = asyncio.ensure_future(self._note(provider, reason))
        self._noting.add(noting)
        noting.add_done_callback(self._noting.discard)

    async def _note(self, provider: str, reason: str) -> None:
        upgrade, day = self.config.upgrade.name, datetime.now(UTC).date().isoformat()
        payload = pause_message(upgrade, provider, reason)
        alert = Alert(
            upgrade, str(stable_id(upgrade, "paused", provider, reason, day)), "", AlertState.PENDING,
            as_text(payload), json_text.dumps(payload).decode(), int(time.time() * 1000),
        )  # fmt: skip

        async def put() -> None:
            async with open_store(self.config) as store:
                await store.put_alert(alert)

        try:
            await patiently("alerts", put)
        except ShadowtapError as wrong:
            log.error("the alert that providers.%s refuses us cannot be noted: %s", provider, wrong)  # noqa: TRY400 - said
