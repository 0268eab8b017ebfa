"""Alerts: what was sent, and what is still to be sent (an outbox)."""

from enum import StrEnum

from schemas.values import immutable


class AlertState(StrEnum):
    """Where an alert stands; sent is final."""

    PENDING = "pending"
    SENT = "sent"


@immutable
class Alert:
    """One message about one cause.

    `alert_id` names the cause, so that one cause is told once. `text` is the message in plain text, `payload` the JSON
    that is posted; neither holds a prompt or an answer. `at_ms` is when the state was reached, milliseconds since 1970.
    """

    upgrade: str
    alert_id: str
    candidate: str
    state: AlertState
    text: str
    payload: str
    at_ms: int
