"""The alert role's work: a candidate's verdict → a Slack message, through the outbox."""

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from functools import partial

from schemas import json_text
from schemas.alerts import Alert, AlertState
from schemas.config import Config, secret
from schemas.topics import verdict_key
from schemas.verdicts import verdict_from
from streams import metrics
from streams.alerts import SlackError, alert_of, as_text, message, post
from streams.lanes import Taken
from streams.scorer import LONGEST_WAIT_S, patiently
from streams.store import Store

log = logging.getLogger(__name__)


@dataclass
class AlertSender:
    """Sends what verdict records call for; without a webhook it is only noted in `alerts`."""

    config: Config
    store: Store

    async def send(self, record: Taken) -> None:
        """Tell the cause behind this record, unless it has been told."""
        upgrade = self.config.upgrade.name
        if record.value is None or record.key is None:
            return
        found = next((c for c in self.config.candidates if record.key == verdict_key(upgrade, c.name).encode()), None)
        if found is None:
            return  # of a feature, a dimension, or another upgrade
        verdict = verdict_from(json_text.loads(record.value))
        cause = alert_of(upgrade, verdict)
        if cause is None:
            return
        identity, told = cause
        known = {alert.alert_id: alert for alert in await patiently("alerts", lambda: self.store.alerts(upgrade))}
        if str(identity) in known and known[str(identity)].state is AlertState.SENT:
            return
        payload = message(upgrade, self.config.upgrade.current, verdict, told)

        def alert(state: AlertState) -> Alert:
            return Alert(
                upgrade, str(identity), verdict.candidate, state, as_text(payload),
                json_text.dumps(payload).decode(), int(time.time() * 1000),
            )  # fmt: skip

        await patiently("alerts", lambda: self.store.put_alert(alert(AlertState.PENDING)))
        if self.config.slack.webhook_env:
            await self._post(payload)
            await patiently("alerts", lambda: self.store.put_alert(alert(AlertState.SENT)))
        metrics.ALERTS.labels("yes" if self.config.slack.webhook_env else "no").inc()

    async def send_noted(self) -> None:
        """Send what others have put in the outbox: alerts about no candidate."""
        if not self.config.slack.webhook_env:
            return
        upgrade = self.config.upgrade.name
        for noted in await patiently("alerts", lambda: self.store.alerts(upgrade)):
            if not noted.candidate and noted.state is AlertState.PENDING:
                await self._post(json_text.loads(noted.payload))
                sent = replace(noted, state=AlertState.SENT, at_ms=int(time.time() * 1000))
                await patiently("alerts", partial(self.store.put_alert, sent))
                metrics.ALERTS.labels("yes").inc()

    async def _post(self, payload: dict[str, object]) -> None:
        webhook = secret(self.config.slack.webhook_env or "", "slack.webhook_env")
        wait = 1.0
        while True:
            try:
                return await post(webhook, payload)
            except SlackError as away:
                log.warning("%s; the message waits %.0f s", away, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)
