"""One production request with the answer users saw, as tapped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from schemas.answers import Answer
from schemas.values import immutable


@dataclass(frozen=True)
class Request:
    """The request as production sent it: a chat body (`messages`, `tools`, `response_format`, parameters).

    Adapters turn every other shape into this one. Credentials never get this far.
    """

    body: Mapping[str, Any]

    @cached_property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """(role, text) in order; parts that are not text are left out."""
        return tuple(_messages(self.body.get("messages")))

    @cached_property
    def system_text(self) -> str:
        """All system and developer messages, joined by line breaks."""
        return "\n".join(text for role, text in self.messages if role in ("system", "developer"))

    @cached_property
    def user_text(self) -> str:
        """The last user message, empty where there is none."""
        return next((text for role, text in reversed(self.messages) if role == "user"), "")

    @cached_property
    def response_format(self) -> Mapping[str, Any]:
        """What the request asks of the form of the answer; empty where nothing."""
        value = self.body.get("response_format")
        return value if isinstance(value, Mapping) else {}

    @cached_property
    def response_schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema in the request's own `response_format`, if it names one."""
        schema = self.response_format.get("json_schema", self.response_format.get("schema"))
        if isinstance(schema, Mapping):
            schema = schema.get("schema", schema)
        return schema if isinstance(schema, Mapping) else None

    @cached_property
    def wants_json(self) -> bool:
        """Whether the request itself asks for JSON by `response_format`."""
        return self.response_format.get("type") in ("json_object", "json_schema")

    @cached_property
    def tools(self) -> tuple[Mapping[str, Any], ...]:
        """The tools offered, as the request lists them."""
        tools = self.body.get("tools")
        return tuple(tool for tool in tools if isinstance(tool, Mapping)) if isinstance(tools, list | tuple) else ()


@immutable
class Source:
    """Where a tapped exchange stands: this names it, whatever happens to it."""

    cluster: str
    topic: str
    partition: int
    offset: int
    item: int = 0  # one record can hold many exchanges


@immutable
class Exchange:
    """One production request with the answer users saw."""

    source: Source
    ts_ms: int  # the Kafka record's timestamp, milliseconds since 1970 UTC
    request_id: str
    request: Request
    baseline: Answer
    model_names: tuple[str, ...]  # every name under which the log mentions the model: requested, served, deployment
    headers: Mapping[str, str]  # lower-case names; credentials dropped
    fields: Mapping[str, Any]  # the record's envelope without request and answer, for feature rules
    unreplayable: str | None = None  # why it cannot be asked again, if so


def _messages(messages: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(messages, list | tuple):
        return
    for message in messages:
        if not isinstance(message, Mapping):
            continue
        content = message.get("content")
        if isinstance(content, list):
            content = "\n".join(
                part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)
            )
        yield str(message.get("role", "user")), content if isinstance(content, str) else ""
