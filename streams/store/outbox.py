"""The outbox: alerts that were sent, and that are still to be sent."""

from schemas.alerts import Alert, AlertState
from streams.store.connection import Connection

_SENT = 1 << 62  # above any time in milliseconds: sent wins over pending, whatever the clocks say


async def alerts(connection: Connection, upgrade: str) -> tuple[Alert, ...]:
    """All alerts of an upgrade, each in its last state, oldest first."""
    rows = await connection.rows(
        "SELECT upgrade, id, candidate, state, text, payload, toUnixTimestamp64Milli(at) FROM alerts "
        "WHERE upgrade = {upgrade:String} ORDER BY at, id",
        {"upgrade": upgrade},
    )
    return tuple(
        Alert(name, identity, candidate, AlertState(state), text, payload, at_ms)
        for name, identity, candidate, state, text, payload, at_ms in rows
    )


async def put(connection: Connection, alert: Alert) -> None:
    """Store an alert, or its new state."""
    await connection.insert(
        "alerts_rows",
        {
            "upgrade": [alert.upgrade],
            "id": [alert.alert_id],
            "candidate": [alert.candidate],
            "state": [alert.state.value],
            "text": [alert.text],
            "payload": [alert.payload],
            "at": [alert.at_ms],
            "ver": [alert.at_ms + (_SENT if alert.state is AlertState.SENT else 0)],
        },
    )
