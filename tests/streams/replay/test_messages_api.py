"""Anthropic's format: bodies as its API reference writes them, there and back, and over real HTTP."""

import asyncio

import pytest

from schemas import json_text
from schemas.answers import ToolCall, Usage
from streams.embedded.faults import Faults
from streams.embedded.support_desk import VERSION_A
from streams.embedded.support_desk_cases import case
from streams.embedded.support_desk_requests import chat_body
from streams.replay.chat_api import Unconvertible
from streams.replay.event_stream import EventStream
from streams.replay.messages_api import MessagesApi
from streams.replay.messages_request import DEFAULT_MAX_TOKENS, messages_request
from tests.streams.replay.conftest import BODY, PIN

USER = {"role": "user", "content": "hi"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather at a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    },
}


def chat(*messages, **more):
    return {"model": "m", "messages": list(messages) or [USER], **more}


def test_system_prompt_limits_and_stops_find_their_places():
    sent = messages_request(
        chat({"role": "system", "content": "Be brief."}, USER, max_completion_tokens=50, stop="END", temperature=0.2)
    )
    assert sent == {
        "model": "m",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 50,
        "stop_sequences": ["END"],
        "temperature": 0.2,
    }
    assert messages_request(chat())["max_tokens"] == DEFAULT_MAX_TOKENS


def test_a_conversation_with_tools_keeps_its_order_and_its_ids():
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"place": "Ulm"}'}}
    other = {"id": "c2", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    sent = messages_request(
        chat(
            {"role": "developer", "content": "Use tools."},
            USER,
            {"role": "assistant", "content": "I look.", "tool_calls": [call, other]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "sun"}]},
            {"role": "user", "content": "and now?"},
            tools=[WEATHER],
            tool_choice="required",
            parallel_tool_calls=False,
        )
    )
    assert sent["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"place": "Ulm"}},
                {"type": "tool_use", "id": "c2", "name": "get_weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "sun"},
                {"type": "text", "text": "and now?"},
            ],
        },
    ]
    assert sent["tools"] == [
        {
            "name": "get_weather",
            "description": "Weather at a place",
            "input_schema": WEATHER["function"]["parameters"],
        }
    ]
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "made"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choices_have_their_counterparts(choice, made):
    assert messages_request(chat(tools=[WEATHER], tool_choice=choice))["tool_choice"] == made


def test_images_and_schemas_are_converted():
    content = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    schema = {"type": "object"}
    sent = messages_request(
        chat({"role": "user", "content": content},
             response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    )  # fmt: skip
    assert [block.get("source") for block in sent["messages"][0]["content"][1:]] == [
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        {"type": "url", "url": "https://example.com/a.png"},
    ]
    assert sent["output_config"] == {"format": {"type": "json_schema", "schema": schema}}


def test_what_asks_for_nothing_is_no_obstacle_and_native_settings_pass():
    harmless = {
        "n": 1, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False, "seed": None,
        "response_format": {"type": "text"}, "tools": [], "parallel_tool_calls": True, "tool_choice": "auto",
    }  # fmt: skip
    assert messages_request(chat(**harmless)).keys() == {"model", "messages", "max_tokens"}
    native = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "top_k": 5}
    assert native.items() <= messages_request(chat(**native)).items()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (chat(seed=7), "rejected:seed"),
        (chat(logprobs=True, n=2), "rejected:logprobs"),
        (chat(n=2), "rejected:n"),
        (chat(response_format={"type": "json_object"}), "rejected:response_format"),
        (chat(tools=[{"type": "web_search"}]), "rejected:tools"),
        (chat(tools=[WEATHER], tool_choice="all"), "rejected:tool_choice"),
        (chat(USER, {"role": "system", "content": "late"}), "unconvertible:late_system_message"),
        (chat({"role": "system", "content": "only"}), "unconvertible:no_user_message"),
        (chat({"role": "user", "content": [{"type": "input_audio"}]}), "unconvertible:input_audio"),
        (chat({"role": "user", "content": "x", "name": "ann"}), "unconvertible:message_name"),
        (chat({"role": "assistant", "function_call": {"name": "f"}}), "unconvertible:function_call"),
        (chat({"role": "robot", "content": "x"}), "unconvertible:message_role"),
        (chat({"role": "user", "content": [5]}), "unconvertible:message_part"),
        (chat({"role": "assistant", "tool_calls": [5]}), "unconvertible:malformed"),
        (chat(tools=7), "unconvertible:malformed"),
        (chat(tools=[WEATHER], tool_choice=["auto"]), "rejected:tool_choice"),
        (chat(response_format=[]), "unconvertible:malformed"),
    ],
)
def test_what_has_no_place_is_said_and_never_left_out(body, reason):
    with pytest.raises(Unconvertible) as found:
        messages_request(body)
    assert found.value.reason in (reason, "unconvertible:malformed")


MESSAGE = {
    "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
    "type": "message",
    "role": "assistant",
    "model": "claude-x-20260301",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "It "},
        {"type": "text", "text": "rains."},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"place": "Ulm"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5, "output_tokens": 20,
    },
}  # fmt: skip


def test_a_message_says_text_calls_and_all_of_its_input_tokens():
    said = MessagesApi().said(MESSAGE)
    assert (said.text, said.model, said.finish_reason) == ("It rains.", "claude-x-20260301", "tool_calls")
    assert said.tool_calls == (ToolCall("get_weather", {"place": "Ulm"}),)
    assert said.usage == Usage(105, 20)


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        (None, None),
    ],
)
def test_stop_reasons_are_said_as_other_providers_say_them(stop, finish):
    said = MessagesApi().said(MESSAGE | {"content": [], "stop_reason": stop})
    assert (said.finish_reason, said.text, said.is_empty) == (finish, "", False)


@pytest.mark.parametrize("body", [None, [], {}, {"content": "text"}, {"type": "message", "content": None}])
def test_what_is_no_message_says_nothing(body):
    assert MessagesApi().said(body).is_empty


STREAM = b"""event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"c","stop_reason":null,"usage":{"input_tokens":25,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Okay"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"place\\": \\"U"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"lm\\"}"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}

event: message_stop
data: {"type":"message_stop"}

"""  # noqa: E501 - as they come


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_is_the_same_however_its_bytes_fall_into_pieces(size):
    events, streamed = EventStream(), MessagesApi().streamed()
    seen = []
    for start in range(0, len(STREAM), size):
        seen += [streamed.add(event) for event in events.feed(STREAM[start : start + size])]
    said = streamed.said()
    assert streamed.is_whole
    assert seen.index(True) == 3  # the first text, not the start of the block
    assert (said.text, said.finish_reason, said.usage) == ("Okay", "tool_calls", Usage(25, 89))
    assert said.tool_calls == (ToolCall("get_weather", {"place": "Ulm"}),)


def test_an_error_in_a_stream_is_no_answer():
    streamed = MessagesApi().streamed()
    for event in EventStream().feed(
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    ):
        streamed.add(event)
    assert streamed.error["type"] == "overloaded_error"
    assert not streamed.is_whole


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "k-1")
    return {"api_key_env": "TEST_KEY", "name": "anthropic"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("feature", ["letters", "order_actions", "triage"])
async def test_both_formats_give_the_same_answer(asking, key, feature, stream):
    body = chat_body(feature, case(1, 12), VERSION_A)
    async with asking(stream=stream) as (_, openai), asking(stream=stream, **key) as (provider, anthropic):
        one = await openai.ask(body, PIN, "r1", "rerun")
        two = await anthropic.ask(body, PIN, "r1", "rerun")
        assert (two.error, two.text, two.tool_calls) == (None, one.text, one.tool_calls)
        assert (two.finish_reason, two.usage, two.model) == (one.finish_reason, one.usage, one.model)
        assert (two.time_to_first_token_ms is not None) == stream
        assert provider.calls.asked == {("r1", "rerun"): 1}
        assert two.sent_hash != one.sent_hash


async def test_key_and_version_stand_in_headers_of_their_own(key):
    assert MessagesApi().headers("k") == {"x-api-key": "k", "anthropic-version": "2023-06-01"}


async def test_a_refusal_names_the_parameter_from_the_message(asking, key):
    async with asking(Faults(unsupported={VERSION_A: frozenset({"top_p"})}), **key) as (provider, client):
        assert (await client.ask(BODY | {"top_p": 0.5}, PIN, "r1", "rerun")).error == "rejected:top_p"
        assert (await client.ask(BODY | {"temperature": 1.5}, PIN, "r2", "rerun")).error == "rejected:temperature"
        assert (await client.ask(BODY | {"seed": 5}, PIN, "r3", "rerun")).error == "rejected:seed"
        assert len(provider.calls) == 2  # the last one was not sent


async def test_overload_is_waited_for_and_an_empty_purse_pauses(asking, key):
    async with asking(Faults(server_error=0.5, too_many=0.2, retry_after_s=0.01), **key) as (_, client):
        for number in range(5):
            assert (await client.ask(BODY, PIN, f"r{number}", "rerun")).text
        assert client.troubles["http_529"] > 0
    async with asking(Faults(quota_spent=True), patience_s=0.2, **key) as (_, client):
        asked = asyncio.ensure_future(client.ask(BODY, PIN, "r", "rerun"))
        await asyncio.sleep(0.3)
        assert client.paused_reason == "insufficient_quota"
        asked.cancel()


async def test_anthropics_limits_are_heard(asking, key):
    async with asking(Faults(requests_per_minute=100, tokens_per_minute=100_000), reserve=0.9, **key) as (_, client):
        await client.ask(BODY, PIN, "r1", "rerun")
        assert client.turnstile.requests.told.level == pytest.approx(1, abs=0.1)  # 10 % of 100, in bursts of a tenth
        assert client.turnstile.tokens.told is not None


def test_lone_surrogates_survive_the_way():
    sent = json_text.dumps(messages_request(chat({"role": "user", "content": "\ud800"})))
    assert b"ud800" in sent
