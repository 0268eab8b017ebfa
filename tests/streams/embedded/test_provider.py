"""The simulated provider over real HTTP."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from schemas import json_text
from schemas.trials import trial_line_from
from streams.embedded.faults import Faults
from streams.embedded.provider import simulated_provider
from streams.embedded.recorded import recorded_models, recorded_traffic, rerun_share
from streams.embedded.support_desk import VERSION_A, VERSION_B, desk_models
from streams.embedded.support_desk_cases import case
from streams.embedded.support_desk_requests import chat_body
from streams.tap.chat import read_response


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(session, provider, request_id="r1", arm="rerun", **more):
    body = chat_body("triage", case(1, 1000), VERSION_A) | more
    headers = {"x-shadowtap-request": request_id, "x-shadowtap-arm": arm}
    async with session.post(f"{provider.base_url}/chat/completions", json=body, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def test_a_model_answers_and_the_call_is_noted(session):
    async with simulated_provider(desk_models(1)) as provider:
        status, headers, raw = await ask(session, provider)
        said = read_response(json_text.loads(raw))
        assert status == 200
        assert (said.text, said.model, said.finish_reason) == (case(1, 1000).label, VERSION_A, "stop")
        assert float(headers["x-simulated-latency-ms"]) > 0
        assert provider.calls.asked == provider.calls.answered == {("r1", "rerun"): 1}
        async with session.get(f"{provider.base_url}/models") as models:
            assert [model["id"] for model in (await models.json())["data"]] == [VERSION_A, VERSION_B]


async def test_an_answer_depends_on_seed_request_arm_and_repeat_only(session):
    async def answers(order):
        async with simulated_provider(desk_models(1), seed=5) as provider:
            bodies = {}
            for request_id, arm in order:
                more = chat_body("summaries", case(1, 77), VERSION_A)
                bodies[request_id, arm] = json_text.loads((await ask(session, provider, request_id, arm, **more))[2])
            return bodies

    asked = [(f"r{n}", arm) for n in range(8) for arm in ("rerun", "candidate:b")]
    there, back = await answers(asked), await answers(asked[::-1])
    assert there == back
    assert len({str(body["choices"]) for body in there.values()}) > 1  # and yet sampling differs


async def test_a_streamed_answer_is_the_same_answer(session):
    for feature in ("letters", "order_actions"):
        body = chat_body(feature, case(1, 12), VERSION_A)
        async with simulated_provider(desk_models(1)) as one, simulated_provider(desk_models(1)) as two:
            whole = read_response(json_text.loads((await ask(session, one, **body))[2]))
            asked = body | {"stream": True, "stream_options": {"include_usage": True}}
            _, headers, raw = await ask(session, two, **asked)
        assert headers["content-type"].startswith("text/event-stream")
        streamed = read_response(raw.decode())
        assert streamed.text == whole.text
        assert streamed.tool_calls == whole.tool_calls
        assert streamed.usage == whole.usage
        assert streamed.finish_reason == whole.finish_reason


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        (Faults(too_many=1.0, retry_after_s=3), 429, "rate_limit_exceeded"),
        (Faults(server_error=1.0), 500, None),
        (Faults(unauthorized=True), 401, "invalid_api_key"),
        (Faults(quota_spent=True), 429, "insufficient_quota"),
        (Faults(unsupported={VERSION_A: frozenset({"temperature"})}), 400, "unsupported_parameter"),
    ],
)
async def test_errors_have_the_form_of_the_reference(session, faults, status, code):
    async with simulated_provider(desk_models(1), faults) as provider:
        got, headers, raw = await ask(session, provider)
        error = json_text.loads(raw)["error"]
        assert (got, error["code"]) == (status, code)
        assert error["param"] == ("temperature" if status == 400 else None)
        assert headers.get("retry-after") == ("3" if code == "rate_limit_exceeded" else None)
        assert provider.calls.statuses == {status: 1}


async def test_faults_may_change_while_it_runs_and_retry_after_has_two_forms(session):
    async with simulated_provider(desk_models(1)) as provider:
        assert (await ask(session, provider))[0] == 200
        provider.faults.too_many, provider.faults.retry_after_as_date = 1.0, True
        status, headers, _ = await ask(session, provider)
        assert status == 429
        assert headers["retry-after"].endswith(" GMT")


async def test_shares_of_faults_are_met_and_a_repeat_draws_anew(session):
    async with simulated_provider(desk_models(1), Faults(too_many=0.3, server_error=0.2)) as provider:
        await asyncio.gather(*(ask(session, provider, f"r{n % 100}") for n in range(400)))
        statuses = provider.calls.statuses
        assert statuses[429] == pytest.approx(120, abs=35)
        assert statuses[500] == pytest.approx(80, abs=30)
        assert max(provider.calls.asked.values()) == 4


async def test_a_cut_connection_is_no_answer(session):
    for stream in (False, True):
        async with simulated_provider(desk_models(1), Faults(cut=1.0)) as provider:
            with pytest.raises(aiohttp.ClientError):
                await ask(session, provider, stream=stream)
            assert provider.calls.statuses == {None: 1}
            assert provider.calls.answered == {}


async def test_garbage_is_no_json_and_huge_is_huge(session):
    async with simulated_provider(desk_models(1), Faults(garbage=1.0)) as provider:
        with pytest.raises(ValueError, match=r"JSON|utf-8|Expecting"):
            json_text.loads((await ask(session, provider))[2])
        provider.faults = Faults(huge=1.0, huge_characters=100_000)
        assert len((await ask(session, provider))[2]) > 99_000


async def test_limits_are_told_and_enforced(session):
    async with simulated_provider(desk_models(1), Faults(requests_per_minute=2)) as provider:
        first, second, third = [await ask(session, provider, f"r{n}") for n in range(3)]
        assert (first[0], second[0], third[0]) == (200, 200, 429)
        assert first[1]["x-ratelimit-limit-requests"] == "2"
        assert [answer[1]["x-ratelimit-remaining-requests"] for answer in (first, second, third)] == ["1", "0", "0"]
        assert third[1]["retry-after"]


async def test_answers_take_the_time_they_are_set_to(session):
    loop = asyncio.get_running_loop()
    async with simulated_provider(desk_models(1), Faults(latency_ms=40, latency_sigma=0.1)) as provider:
        started = loop.time()
        await asyncio.gather(*(ask(session, provider, f"r{n}") for n in range(10)))
        assert 0.03 < loop.time() - started < 0.4  # side by side, not in turn
        assert provider.calls.most_in_flight > 5


LINES = [
    {
        "request_id": "r1",
        "request": {"messages": [{"role": "user", "content": "same"}]},
        "baseline": {"model": "real/a", "text": "x"},
        "candidate": {"model": "real/b", "text": "first", "latency_ms": 812, "usage": {"output_tokens": 3}},
        "rerun": {"model": "real/a", "text": "again"},
    },
    {
        "request_id": "r2",
        "request": {"messages": [{"role": "user", "content": "same"}]},
        "baseline": {"model": "real/a", "text": "y"},
        "candidates": {
            "candidate": {"model": "real/b", "error": "rejected:top_p"},
            "fix": {"model": "real/b", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
        },
    },
]


async def test_recorded_answers_are_found_by_headers_not_by_prompt(session):
    lines = [trial_line_from(json_text.dumps(line)) for line in LINES]
    async with simulated_provider(recorded_models(lines)) as provider:
        status, headers, raw = await ask(session, provider, "r1", "candidate%3Acandidate", model="b")
        said = read_response(json_text.loads(raw))
        assert (status, said.text, said.usage.output_tokens) == (200, "first", 3)
        assert headers["x-simulated-latency-ms"] == "812.0"
        assert (
            read_response(json_text.loads((await ask(session, provider, "r1", "rerun", model="a"))[2])).text == "again"
        )
        fix = read_response(json_text.loads((await ask(session, provider, "r2", "candidate:fix", model="b"))[2]))
        assert fix.tool_calls[0].arguments == {"a": 1}
        status, _, raw = await ask(session, provider, "r2", "candidate:candidate", model="b")
        assert (status, json_text.loads(raw)["error"]["param"]) == (400, "top_p")
        status, _, raw = await ask(session, provider, "r2", "rerun", model="a")
        assert (status, json_text.loads(raw)["error"]["code"]) == (400, "not_recorded")


def test_recorded_traffic_keeps_answers_and_order():
    lines = [trial_line_from(json_text.dumps(line)) for line in LINES]
    tapped = list(recorded_traffic(lines, end_ms=100 * 3_600_000))
    assert [exchange.key for exchange in tapped] == [b"r1", b"r2"]
    assert tapped[-1].ts_ms - tapped[0].ts_ms == 26 * 3_600_000
    envelope = json_text.loads(tapped[0].value)
    assert envelope["request"]["model"] == "a"
    assert read_response(envelope["response"]).text == "x"
    assert rerun_share(lines) == 0.0
    assert rerun_share(lines[:1]) == 1.0


async def test_as_a_process_of_its_own_it_serves_until_it_is_told_to_end(session):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.embedded.provider", "--parent", str(os.getpid()),
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    try:
        base_url = json_text.loads(await process.stdout.readline())["base_url"]
        async with session.get(f"{base_url}/simulated/calls") as response:
            assert (await response.json())["asked"] == 0
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
