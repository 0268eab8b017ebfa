"""Records as they are found on topics, golden samples written after the formats' documentation."""

import copy
import json
import random
import re
import tomllib
from pathlib import Path

import pytest

from schemas import json_text
from schemas.answers import Answer, ToolCall, Usage
from schemas.exchanges import Exchange, Source
from schemas.settings import Tap
from schemas.trials import CandidateAnswer, Trial, trial_bytes, trial_from_bytes, trial_id
from streams.tap.decode import Undecodable, decode

HERE = Source("main", "llm.gateway", 3, 41)
TAP = Tap(topics=("llm.gateway",))
REQUEST = {
    "model": "summaries-prod",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is 7 prime?"}],
    "temperature": 0,
    "metadata": {"feature": "maths"},
}
RESPONSE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-x-2026-03-01",
    "system_fingerprint": "fp_1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "[Yes]"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}
ENVELOPE = {
    "id": "r1",
    "ts": "2026-11-01T10:00:00Z",
    "feature": "maths",
    "headers": {"X-Feature": "maths"},
    "request": REQUEST,
    "response": RESPONSE,
    "latency_ms": 812,
    "time_to_first_token_ms": 90.5,
    "cost_usd": 0.0003,
    "error": None,
}
CALL_CHUNKS = [
    {"id": "c", "model": "m-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "find", "arguments": ""}}]}}]},
    {
        "choices": [
            {"index": 0, "delta": {"tool_calls": [{"index": 1, "function": {"name": "book", "arguments": "{"}}]}}
        ]
    },
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "function": {"arguments": "}"}}]}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 9}},
]
TEXT_CHUNKS = [
    {"id": "c", "model": "m-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"index": 0, "delta": {"content": "Hé"}}]},
    {"choices": [{"index": 0, "delta": {"content": "llo"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
]


def tapped(record, tap=TAP, headers=(), **changes) -> Exchange:
    value = record if isinstance(record, bytes) else json.dumps({**record, **changes}).encode()
    (exchange,) = decode(value, headers, 1000, HERE, tap)
    return exchange


def sse(chunks) -> str:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def test_an_envelope_gives_everything_it_holds():
    exchange = tapped(ENVELOPE)
    assert exchange.request_id == "r1"
    assert exchange.ts_ms == 1000
    assert exchange.request.user_text == "Is 7 prime?"
    assert exchange.model_names == ("summaries-prod", "gpt-x-2026-03-01")
    assert exchange.headers == {"x-feature": "maths"}
    assert exchange.unreplayable is None
    assert exchange.baseline == Answer(
        model="gpt-x-2026-03-01",
        text="[Yes]",
        finish_reason="stop",
        usage=Usage(10, 2),
        latency_ms=812.0,
        time_to_first_token_ms=90.5,
        cost_usd=0.0003,
        fingerprint="fp_1",
    )


@pytest.mark.parametrize(
    "record",
    [
        {"request": REQUEST, "response": RESPONSE},
        {"request": json.dumps(REQUEST), "response": json.dumps(RESPONSE)},
        {"request": {"headers": {}, "body": json.dumps(REQUEST)}, "response": {"status": 200, "body": RESPONSE}},
    ],
    ids=["side by side", "as JSON text", "in HTTP shape"],
)
def test_chat_bodies_are_read_wherever_gateways_put_them(record):
    exchange = tapped(record)
    assert (exchange.baseline.text, exchange.request.body["temperature"]) == ("[Yes]", 0)
    assert exchange.request_id == "chatcmpl-1"


@pytest.mark.parametrize("logged", [TEXT_CHUNKS, sse(TEXT_CHUNKS), sse(TEXT_CHUNKS).replace("\n", "\r\n")])
def test_a_streamed_text_is_put_together(logged):
    answer = tapped({"request": REQUEST, "response": logged}).baseline
    assert (answer.text, answer.model, answer.finish_reason) == ("Héllo", "m-1", "stop")


@pytest.mark.parametrize("logged", [CALL_CHUNKS, sse(CALL_CHUNKS)])
def test_streamed_tool_calls_are_put_together_by_index(logged):
    answer = tapped({"request": REQUEST, "response": logged}).baseline
    assert answer.tool_calls == (ToolCall("find", {"city": "Oslo"}), ToolCall("book", {}))
    assert (answer.text, answer.usage, answer.finish_reason) == (None, Usage(5, 9), "tool_calls")


def test_a_refusal_is_the_answer_users_saw():
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    answer = tapped(ENVELOPE, response={"choices": [{"message": message, "finish_reason": "stop"}]}).baseline
    assert answer.text == "I cannot help with that."


def test_an_answer_of_no_words_is_empty_not_missing():
    exchange = tapped(ENVELOPE, response={"choices": [{"message": {"content": None}, "finish_reason": "length"}]})
    assert (exchange.baseline.text, exchange.unreplayable) == ("", None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response": None, "error": "timeout"}, "timeout"),
        (
            {"response": {"error": {"message": "Slow down, Mr Smith", "code": "rate_limit_exceeded"}}},
            "rate_limit_exceeded",
        ),
        ({"response": {"status": 503, "body": "<html>upstream</html>"}}, "http_503"),
        ({"response": None, "error": "no route to host 10.0.0.1, key sk-1"}, "error"),
    ],
)
def test_an_error_of_production_becomes_a_reason_code(changes, code):
    exchange = tapped(ENVELOPE, **changes)
    assert (exchange.baseline.error, exchange.baseline.text, exchange.unreplayable) == (code, None, None)


def test_a_home_grown_record_is_read_by_its_paths():
    record = {
        "call": {"q": "Is 7 prime?", "a": "[Yes]", "meta": {"id": 7, "who": "maths", "m": "gpt-x", "took": [812]}},
        "team": "numbers",
    }
    tap = Tap(
        topics=("t",),
        format="mapping",
        mapping={
            "request": "$.call.q",
            "text": "$.call.a",
            "id": "$.call.meta.id",
            "feature": "$.call['meta'].who",
            "model": "$.call.meta.m",
            "latency_ms": "$.call.meta.took[0]",
        },
    )
    exchange = tapped(record, tap)
    assert exchange.request.body == {"messages": [{"role": "user", "content": "Is 7 prime?"}]}
    assert exchange.baseline == Answer("gpt-x", "[Yes]", latency_ms=812.0)
    assert (exchange.request_id, exchange.fields["feature"]) == ("7", "maths")
    assert "q" not in exchange.fields["call"]
    assert "a" not in exchange.fields["call"]
    assert exchange.fields["team"] == "numbers"
    auto = tap.model_copy(update={"format": "auto"})
    assert tapped(record, auto) == exchange
    assert tapped(ENVELOPE, auto) == tapped(ENVELOPE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"request": {**REQUEST, "previous_response_id": "resp_1"}}, "stateful:previous_response_id"),
        ({"request": {**REQUEST, "conversation": {"id": "conv_1"}}}, "stateful:conversation"),
        ({"request": {"model": "m"}}, "no_messages"),
        ({"request": {"model": "m", "messages": []}}, "no_messages"),
        ({"request": {"model": "m", "messages": ["hi"]}}, "no_messages"),
        ({"request": {"messages": [{"role": "user", "content": "redacted-by-litellm"}]}}, "redacted"),
        (
            {"request": {"messages": [{"role": "user", "content": [{"type": "text", "text": "[REDACTED]"}]}]}},
            "redacted",
        ),
        ({"response": {"choices": [{"message": {"content": "redacted-by-litellm"}}]}}, "redacted"),
        ({"response": None}, "no_answer"),
        ({"response": {"id": "x"}}, "no_answer"),
        ({"request": None}, "no_request"),
        ({"request": "GET /"}, "no_request"),
    ],
)
def test_what_cannot_be_asked_again_says_why(changes, why):
    assert tapped(ENVELOPE, **changes).unreplayable == why


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{", "invalid_utf8"),
        (b'{"request": "\xff"}', "invalid_utf8"),
        (b"hello", "not_json"),
        (b'{"request":', "not_json"),
        (b"\x00\x00\x00\x00\x01\x02\x06abc", "confluent_framed"),
        (b"[]", "not_an_object"),
        (b"7", "not_an_object"),
        (b'{"level": "info"}', "unknown_format"),
        (b'{"request":' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep"),
        (b'{"request":' + b"[" * 500 + b"]" * 500 + b"}", "too_deep"),
        (
            b'{"request": ' + json.dumps('{"messages": [{}], "tools":' + "[" * 600 + "]" * 600 + "}").encode() + b"}",
            "too_deep",
        ),
    ],
)
def test_what_holds_no_exchange_is_refused_with_a_code(value, reason):
    with pytest.raises(Undecodable) as refused:
        decode(value, None, 0, HERE, TAP)
    assert refused.value.reason == reason


def test_the_documents_examples_are_read_as_they_say():
    text = (Path(__file__).parents[3] / "docs/formats.md").read_text(encoding="utf-8")
    (envelope,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    exchange = tapped(envelope.encode())
    assert exchange.unreplayable is None
    assert (exchange.baseline.text, exchange.baseline.latency_ms) == ("…", 812.0)
    (settings,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    tap = Tap.model_validate({"topics": ["t"], **tomllib.loads(settings)["tap"]})
    mapped = tapped({"call": {"prompt": "hi", "answer": "ho", "took": [7]}}, tap)
    assert (mapped.request.user_text, mapped.baseline.text, mapped.baseline.latency_ms) == ("hi", "ho", 7.0)


def test_confluent_framing_of_json_is_stripped():
    assert tapped(b"\x00\x00\x00\x00\x2a" + json.dumps(ENVELOPE).encode()) == tapped(ENVELOPE)


@pytest.mark.parametrize("written", [b"\\ud83d", b"\xed\xa0\xbd"], ids=["escaped", "as bytes"])
def test_lone_surrogates_survive_to_the_trial(written):
    record = {**ENVELOPE, "request": {**REQUEST, "messages": [{"role": "user", "content": "half HERE"}]}}
    exchange = tapped(json.dumps(record).encode().replace(b"HERE", written))
    assert exchange.request.user_text == "half \ud83d"
    trial = as_trial(exchange)
    assert trial_from_bytes(trial_bytes(trial)).request == exchange.request


def test_no_credential_passes_decoding():
    marked = "sk-marked-secret"
    record = {
        **ENVELOPE,
        "headers": {"Authorization": f"Bearer {marked}", "X-API-Key": [marked], "Cookie": marked, "x-feature": "maths"},
        "apiKey": marked,
        "upstream": {"password": marked, "region": "eu", "auth": {"token": marked}},
        "request": {
            **REQUEST,
            "api_key": marked,
            "extra_headers": {"api-key": marked, "x-team": "a"},
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "log_in",
                        "parameters": {
                            "type": "object",
                            "properties": {"password": {"type": "string"}, "max_tokens": {"type": "integer"}},
                            "required": ["password"],
                        },
                    },
                },
                {
                    "type": "mcp",
                    "server_url": "https://x",
                    "headers": {"Authorization": marked},
                    "authorization": marked,
                },
            ],
            "data_sources": [{"type": "search", "authentication": {"type": "api_key", "key": marked}}],
        },
    }
    headers = [("authorization", marked.encode()), ("Proxy-Authorization", marked.encode()), ("x-team", b"a")]
    exchange = tapped(record, headers=headers)
    assert marked not in repr(exchange)
    assert exchange.headers == {"x-feature": "maths", "x-team": "a"}
    assert exchange.fields["upstream"] == {"region": "eu"}
    parameters = exchange.request.tools[0]["function"]["parameters"]
    assert parameters == record["request"]["tools"][0]["function"]["parameters"]


def as_trial(exchange: Exchange) -> Trial:
    answer = exchange.baseline
    return Trial(
        trial_id("u", exchange.source, exchange.ts_ms),
        "u",
        "p/m",
        exchange.source,
        exchange.ts_ms,
        exchange.request_id,
        "f",
        exchange.request,
        answer,
        (CandidateAnswer("c", "p/c", "0", answer),),
    )


NONSENSE = [None, True, 0, -1, 1e308, 10**30, "", "x", "\ud800", "400", [], {}, [None], {"a": []}, float("nan"), [[{}]]]


def mutated(record, rng: random.Random) -> bytes:
    """The record with some of its places replaced, removed or doubled, at times with broken bytes."""
    record = copy.deepcopy(record)
    for _ in range(rng.randint(1, 4)):
        places = list(_places(record))
        holder, key = rng.choice(places)
        match rng.randrange(3):
            case 0:
                holder[key] = copy.deepcopy(rng.choice(NONSENSE))
            case 1:
                del holder[key]
            case _:
                other, name = rng.choice(places)
                holder[key] = copy.deepcopy(other[name]) if _has(other, name) else None
        if not record:
            break
    value = json.dumps(record).encode()
    for _ in range(rng.choice([0, 0, 0, 1, 3])):
        place = rng.randrange(len(value))
        value = rng.choice([value[:place], value[:place] + bytes([rng.randrange(256)]) + value[place + 1 :]]) or b"{"
    return value


def _has(holder, key) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def test_mutated_records_raise_nothing_but_undecodable_and_what_is_read_can_be_written():
    rng = random.Random(20261101)
    mapping = {"request": "$.request", "response": "$.response", "headers": "$.headers", "id": "$.response.id"}
    taps = [TAP, Tap(topics=("t",), format="mapping", mapping=mapping), Tap(topics=("t",), mapping=mapping)]
    samples = [
        ENVELOPE,
        {**ENVELOPE, "response": CALL_CHUNKS},
        {"request": json.dumps(REQUEST), "response": sse(TEXT_CHUNKS)},
        {"request": {"body": REQUEST, "headers": {"a": ["b"]}}, "response": {"status": 500, "body": {"error": {}}}},
    ]
    read, reasons = 0, []
    for _ in range(4000):
        value = mutated(rng.choice(samples), rng)
        try:
            (exchange,) = decode(value, [("k", None), ("x-feature", b"\xff")], 0, HERE, rng.choice(taps))
        except Undecodable as wrong:
            reasons.append(wrong.reason)
            continue
        read += 1
        if exchange.unreplayable is None:
            again = trial_from_bytes(trial_bytes(as_trial(exchange)))
            assert json_text.canonical(again.request.body) == json_text.canonical(exchange.request.body)
    assert read > 1000
    assert len(reasons) > 200
    assert all(reason.isidentifier() for reason in reasons)
