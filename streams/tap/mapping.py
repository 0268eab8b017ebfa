"""Home-grown records, read by the paths of `[tap.mapping]`.

`request` points at a chat body, its JSON as text, a list of messages, or a prompt; the answer is `response` (whatever
`chat.read_response` reads) or `text`.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas import json_text
from schemas.json_paths import JsonPath, json_path
from schemas.settings import RecordMapping
from streams.tap.chat import error_code, finite
from streams.tap.envelope import Parts, word


def mapped_parts(record: Mapping[str, Any], mapping: RecordMapping) -> Parts | None:
    """The parts of a record, None where neither request nor answer are at their places."""
    paths = _paths(mapping)

    def at(name: str) -> Any:
        return paths[name].find(record) if name in paths else None

    request, response, text = at("request"), at("response"), at("text")
    if request is None and response is None and text is None:
        return None
    fields: Any = record
    for name in ("request", "response", "text", "headers"):
        if name in paths:
            fields = paths[name].without(fields)
    feature = word(at("feature"))
    headers = at("headers")
    return Parts(
        request=_chat_body(request),
        response=response,
        text=text if isinstance(text, str) else None,
        id=word(at("id")),
        model=word(at("model")),
        headers=headers if isinstance(headers, dict) else {},
        latency_ms=finite(at("latency_ms")),
        time_to_first_token_ms=finite(at("time_to_first_token_ms")),
        cost_usd=finite(at("cost_usd")),
        error=error_code(at("error")),
        fields=fields | ({"feature": feature} if feature else {}),
    )


def _chat_body(request: Any) -> Any:
    if isinstance(request, str):
        try:
            parsed = json_text.loads(request)
        except (ValueError, RecursionError):
            parsed = None
        request = parsed if isinstance(parsed, dict | list) else [{"role": "user", "content": request}]
    return {"messages": request} if isinstance(request, list) else request


@cache
def _paths(mapping: RecordMapping) -> dict[str, JsonPath]:
    return {name: json_path(text) for name, text in mapping.model_dump(exclude_none=True).items()}
