"""Whatever a provider sends, asking ends in an answer that can be kept, or in trouble; never in anything else."""

import os
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import json_text
from schemas.answers import Answer, answer_from
from streams.replay.chat_api import ChatApi, Unconvertible
from streams.replay.event_stream import EventStream
from streams.replay.messages_api import MessagesApi
from streams.replay.messages_request import messages_request
from streams.replay.provider_errors import error_object, pause_reason, refusal

EXAMPLES = int(os.environ.get("EXAMPLES", "40"))
KEYS = st.sampled_from([
    "choices", "message", "content", "text", "type", "tool_calls", "function", "name", "arguments", "finish_reason",
    "delta", "index", "usage", "prompt_tokens", "input_tokens", "output_tokens", "model", "id", "error", "code",
    "param", "stop_reason", "input", "content_block", "partial_json", "refusal", "role", "tools", "tool_choice", "stop",
    "response_format", "json_schema", "schema", "image_url", "url", "tool_call_id", "system_fingerprint",
])  # fmt: skip
WORDS = st.sampled_from([
    "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta", "error", "text",
    "tool_use", "tool_result", "text_delta", "input_json_delta", "stop", "user", "assistant", "system", "tool",
    "function", "image_url", "json_schema", "insufficient_quota", "\ud800",
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5)
ANY = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5))
OBJECTS = st.dictionaries(KEYS, ANY, max_size=6)


def keepable(said):
    """The answer survives the way through the trials topic."""
    answer = Answer(said.model or "p", said.text, said.tool_calls, said.finish_reason, said.usage, error=said.error,
                    fingerprint=said.fingerprint)  # fmt: skip
    kept = json_text.loads(json_text.dumps(answer))
    if not said.is_empty:
        answer_from(kept)


@settings(max_examples=EXAMPLES, deadline=None)
@given(ANY)
def test_any_json_is_an_answer_or_says_nothing(body):
    for api in (ChatApi(), MessagesApi()):
        keepable(api.said(body))
    assert refusal(400, body, {"temperature"}).startswith(("rejected:", "http_400"))
    assert pause_reason(401, body)
    assert isinstance(error_object(body).get("code", ""), object)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(OBJECTS, max_size=6))
def test_any_events_are_an_answer_or_say_nothing(events):
    for api in (ChatApi(), MessagesApi()):
        streamed = api.streamed()
        for event in events:
            streamed.add(event)
        keepable(streamed.said())


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.just(b'data: {"a": 1}\n\n'), max_size=8))
def test_any_bytes_are_events_or_nothing(pieces):
    events = EventStream()
    assert all(isinstance(event, dict) for piece in pieces for event in events.feed(piece))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(OBJECTS, max_size=4), OBJECTS)
def test_any_chat_body_is_converted_or_refused_with_a_reason(messages, more):
    with suppress(Unconvertible):
        assert json_text.dumps(messages_request({**more, "model": "m", "messages": messages}))
