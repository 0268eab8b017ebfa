"""What a response amounts to: an answer (a refusal of the request is one), trouble, or no access at all."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from schemas.answers import Answer
from schemas.ids import text_hash
from streams.replay.outages import asked_wait_s, is_outage, may_retry
from streams.replay.patience import Trouble
from streams.replay.provider_errors import error_object, pause_reason, refusal
from streams.replay.reading import Received

TOO_LARGE = "answer_too_large"
_NOT_FOUND, _ERROR = 404, 400


class NoAccess(Exception):  # noqa: N818 - an instruction to whoever asks
    """The provider refuses us, whatever we ask; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def answer_of(received: Received, pin: str, sent: bytes, asked: Collection[str]) -> Answer:
    """The answer to the request body `sent`, whose parameters are `asked`.

    Raises:
        Trouble: the response says nothing about the request.
        NoAccess: it would be the same for any request.
    """
    status, headers = received.status, received.headers
    denied = pause_reason(status, received.body) if status >= _ERROR else None
    if denied is not None:
        raise NoAccess(denied)
    is_nobody = status == _NOT_FOUND and not error_object(received.body)  # not an API that answers there
    if is_outage(status) or is_nobody:
        after_s = asked_wait_s(headers, datetime.now(UTC))
        raise Trouble(f"http_{status}", after_s=after_s, is_final=is_nobody or not may_retry(headers))
    sent_hash = text_hash(sent)
    if received.said is None:
        error = TOO_LARGE if received.is_too_large else refusal(status, received.body, asked)
        return Answer(pin, error=error, latency_ms=received.latency_ms, sent_hash=sent_hash)
    said = received.said
    return Answer(
        model=said.model or pin,
        text=None if said.error else said.text,
        tool_calls=() if said.error else said.tool_calls,
        finish_reason=said.finish_reason,
        usage=said.usage,
        latency_ms=_latency_ms(headers, received.latency_ms),
        time_to_first_token_ms=received.time_to_first_token_ms,
        error=said.error,
        fingerprint=said.fingerprint,
        sent_hash=sent_hash,
    )


def _latency_ms(headers: Mapping[str, str], measured_ms: float) -> float:
    """As measured; the simulated provider may report one that it did not take the time for."""
    try:
        return float(headers.get("x-simulated-latency-ms", measured_ms))
    except ValueError:
        return measured_ms
