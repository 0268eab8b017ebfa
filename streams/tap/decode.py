"""From a tapped record to exchanges, or to the one error with a reason code.

Decoding never guesses at what it cannot see: a record that lacks half of an exchange, keeps its state on the server
or was redacted becomes an exchange that says why it cannot be asked again; a record that holds no exchange at all is
`Undecodable`. Whatever bytes come, nothing else is raised.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas import json_text
from schemas.answers import Answer
from schemas.exchanges import Exchange, Request, Source
from schemas.settings import Tap
from streams.tap.chat import Said, read_response
from streams.tap.credentials import check_depth, clean, clean_headers, may_be_deep
from streams.tap.envelope import Parts, envelope_parts
from streams.tap.mapping import mapped_parts
from streams.tap.undecodable import Undecodable

__all__ = ["RecordHeaders", "Undecodable", "decode"]

RecordHeaders = Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]] | None

_FRAME = 5  # bytes: Confluent's magic byte 0 and a schema id of four
_REDACTED = frozenset(
    {"redacted-by-litellm", "redacted by litellm", "[redacted]", "<redacted>", "redacted", "***", "[filtered]"}
)
_LONGEST_REDACTED = max(map(len, _REDACTED))
_STATEFUL = ("previous_response_id", "conversation")


def decode(value: bytes | None, headers: RecordHeaders, ts_ms: int, source: Source, tap: Tap) -> list[Exchange]:
    """The exchanges of a tapped record, credentials dropped; `source.item` numbers them from 0.

    `ts_ms` is the record's timestamp, which is the event time. Of the settings, `format` and `mapping` are read.

    Raises:
        Undecodable: `tombstone`, `empty`, `invalid_utf8`, `not_json`, `confluent_framed` (Avro or Protobuf),
            `too_deep`, `not_an_object`, `unknown_format`.
    """
    try:
        record = _parse(value)
        if may_be_deep(value):
            check_depth(record)
        parts = _parts(record, tap)
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        return [_exchange(parts, clean_headers(pairs), ts_ms, source)]
    except RecursionError:
        raise Undecodable("too_deep") from None


def _parse(value: bytes | None) -> Any:
    if value is None:
        raise Undecodable("tombstone")
    framed = value[:1] == b"\x00" and len(value) > _FRAME
    text = value[_FRAME:] if framed else value.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        raise Undecodable("empty")
    if framed and text.lstrip()[:1] not in (b"{", b"["):
        raise Undecodable("confluent_framed")
    try:
        return json_text.loads(text)
    except UnicodeDecodeError as wrong:
        raise Undecodable("invalid_utf8") from wrong
    except ValueError as wrong:
        raise Undecodable(_why_no_json(text)) from wrong


def _why_no_json(text: bytes) -> str:
    try:
        text.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "not_json"


def _parts(record: Any, tap: Tap) -> Parts:
    if not isinstance(record, dict):
        raise Undecodable("not_an_object")
    mapped = mapped_parts(record, tap.mapping) if tap.mapping and tap.format in ("auto", "mapping") else None
    if tap.format == "mapping" or (mapped is not None and mapped.is_whole):
        found = mapped
    else:
        found = envelope_parts(record) or mapped
    if found is None:
        raise Undecodable("unknown_format")
    return found


def _exchange(parts: Parts, record_headers: dict[str, str], ts_ms: int, source: Source) -> Exchange:
    headers = record_headers | clean_headers(parts.headers.items())
    body = parts.request if isinstance(parts.request, dict) else {}
    said = Said(text=parts.text) if parts.text is not None else read_response(parts.response)
    names = (parts.model, body.get("model"), said.model)
    model_names = tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))
    request_id = parts.id or headers.get("x-request-id") or said.id
    return Exchange(
        source=source,
        ts_ms=ts_ms,
        request_id=request_id or f"{source.topic}/{source.partition}/{source.offset}/{source.item}",
        request=Request(clean(body)),
        baseline=_baseline(parts, said, model_names),
        model_names=model_names,
        headers=headers,
        fields=clean(dict(parts.fields)),
        unreplayable=_why_unreplayable(parts, said),
    )


def _baseline(parts: Parts, said: Said, model_names: tuple[str, ...]) -> Answer:
    model = said.model or (model_names[-1] if model_names else "unknown")
    error = parts.error or said.error or ("no_answer" if said.is_empty else None)
    return Answer(
        model=model,
        text=None if error else said.text,
        tool_calls=() if error else said.tool_calls,
        finish_reason=said.finish_reason,
        usage=said.usage,
        latency_ms=parts.latency_ms,
        time_to_first_token_ms=parts.time_to_first_token_ms,
        cost_usd=parts.cost_usd,
        error=error,
        fingerprint=said.fingerprint,
    )


def _why_unreplayable(parts: Parts, said: Said) -> str | None:
    if not isinstance(parts.request, dict):
        return "no_request"
    for key in _STATEFUL:
        if parts.request.get(key):
            return f"stateful:{key}"
    messages = parts.request.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        return "no_messages"
    if any(_is_redacted(message.get("content")) for message in messages) or _is_redacted(said.text):
        return "redacted"
    if said.is_empty and parts.error is None:
        return "no_answer"
    return None


def _is_redacted(content: Any) -> bool:
    if isinstance(content, list):
        return any(_is_redacted(part.get("text")) for part in content if isinstance(part, dict))
    return isinstance(content, str) and len(name := content.strip()) <= _LONGEST_REDACTED and name.lower() in _REDACTED
