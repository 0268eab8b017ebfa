"""A provider asked over real HTTP: what comes back, what is tried again, and what holds asking back."""

import asyncio
import time
import tracemalloc
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from schemas.settings import Provider
from streams.embedded.faults import Faults
from streams.embedded.support_desk import VERSION_A
from streams.embedded.support_desk_cases import case
from streams.embedded.support_desk_requests import chat_body
from streams.replay.breaker import State
from streams.replay.client import Unavailable
from streams.replay.providers import provider_client
from tests.streams.replay.conftest import BODY, PIN


async def ask_many(client, count, prefix="r"):
    """Answers, and the reasons of those that were given up."""

    async def one(number):
        try:
            return await client.ask(BODY, PIN, f"{prefix}{number}", "candidate:b")
        except Unavailable as away:
            return away.reason

    return await asyncio.gather(*(one(number) for number in range(count)))


@asynccontextmanager
async def served(handler):
    """The address of a chat API that is this one handler."""
    app = web.Application()
    app.router.add_post("/chat/completions", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_an_answer_says_who_answered_and_what_was_sent(asking):
    async with asking() as (provider, client):
        answer = await client.ask(BODY, PIN, "r/1 ü", "candidate:b")
        assert (answer.text, answer.model) == (case(1, 1000).label, VERSION_A)
        assert answer.cost_usd is None  # prices are looked up elsewhere
        assert answer.time_to_first_token_ms is None
        assert len(answer.sent_hash) == 16
        assert provider.calls.asked == {("r/1 ü", "candidate:b"): 1}


class Woken:
    """A claim in doubt for the third to the sixth time that it is asked: as the request is about to be written."""

    is_begun = False

    def __init__(self, *, is_lost=False):
        self.times, self.lost_then = 0, is_lost

    @property
    def is_sure(self):
        self.times += 1
        return self.times < 3 or self.times > 6

    @property
    def is_lost(self):
        return self.lost_then and self.times >= 3


async def test_a_request_is_not_written_by_a_worker_that_was_asleep_since_it_was_decided(asking):
    async with asking() as (provider, client):
        lost = Woken(is_lost=True)
        with pytest.raises(Unavailable, match="abandoned") as abandoned:
            await client.ask(BODY, PIN, "r1", "rerun", claim=lost)
        assert lost.times == 4
        assert abandoned.value.is_unsent
        assert (len(provider.calls), client.asked) == (0, 0)


async def test_what_was_not_written_in_doubt_is_written_once_when_the_doubt_is_over(asking):
    async with asking() as (provider, client):
        answer = await client.ask(BODY, PIN, "r1", "rerun", claim=Woken())
        assert answer.error is None
        assert provider.calls.asked == {("r1", "rerun"): 1}
        large = BODY | {"messages": [{"role": "user", "content": "x" * 100_000}]}
        assert (await client.ask(large, PIN, "r2", "rerun", claim=Woken())).error is None
        assert provider.calls.asked == {("r1", "rerun"): 1, ("r2", "rerun"): 1}
        assert client.turnstile.breaker.state is State.CLOSED
        assert client.turnstile.concurrency.in_flight == 0


async def test_trouble_is_tried_again_until_an_answer_comes(asking):
    faults = Faults(too_many=0.2, server_error=0.2, retry_after_s=0.01)
    async with asking(faults, max_in_flight=8) as (provider, client):
        answers = await ask_many(client, 40)
        assert {type(answer).__name__ for answer in answers} == {"Answer"}
        assert client.troubles["http_429"] > 3
        assert client.troubles["http_500"] > 3
        assert client.asked == len(provider.calls) == 40 + client.troubles.total()


async def test_what_the_provider_says_of_the_request_is_final(asking):
    async with asking(Faults(unsupported={VERSION_A: frozenset({"temperature"})})) as (provider, client):
        answer = await client.ask(BODY | {"temperature": 1}, PIN, "r1", "rerun")
        assert (answer.error, answer.text) == ("rejected:temperature", None)
        gone = await client.ask(BODY | {"model": "nobody"}, PIN, "r2", "rerun")
        assert gone.error == "rejected:model"
        assert len(provider.calls) == 2


async def test_retry_after_as_a_date_holds_everybody_back(asking):
    faults = Faults(too_many=1.0, retry_after_s=2, retry_after_as_date=True)
    async with asking(faults, patience_s=20) as (provider, client):
        asked = asyncio.ensure_future(ask_many(client, 1))
        await asyncio.sleep(0.3)
        provider.faults.too_many = 0.0
        other = asyncio.ensure_future(ask_many(client, 3, "other"))
        await asyncio.sleep(0.2)
        assert client.turnstile.concurrency.held_until > time.monotonic()
        assert len(provider.calls) == 1
        assert all(answer.text for answer in await asked + await other)


async def test_patience_ends_and_the_exchange_is_shed(asking):
    async with asking(Faults(server_error=1.0), patience_s=0.5) as (provider, client):
        assert await ask_many(client, 2) == ["http_500", "http_500"]
        assert len(provider.calls) <= 12
    assert await ask_many(client, 1) in (["connection:ClientConnectorError"], ["http_500"])  # nobody listens any more


async def test_nobody_is_asked_while_the_breaker_is_open_and_a_probe_brings_everybody_back(asking):
    async with asking(Faults(server_error=1.0), max_in_flight=10, patience_s=30) as (provider, client):
        client.turnstile.breaker.first_open_s = 0.6
        asked = asyncio.ensure_future(ask_many(client, 50))
        while client.turnstile.breaker.state is State.CLOSED:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # what was sent before comes back
        before = len(provider.calls)
        await asyncio.sleep(0.2)
        assert len(provider.calls) == before <= 20
        assert client.turnstile.concurrency.in_flight == 0  # whoever waits holds nothing
        assert client.is_sick
        provider.faults.server_error = 0.0
        assert all(answer.text for answer in await asyncio.wait_for(asked, 20))
        assert not client.is_sick


async def test_a_timeout_ends_one_request_and_the_next_may_be_answered(asking):
    async with asking(Faults(latency_ms=2000, latency_sigma=0.0), timeout_s=0.2, patience_s=30) as (provider, client):
        asked = asyncio.ensure_future(client.ask(BODY, PIN, "r1", "rerun"))
        await asyncio.sleep(0.1)
        provider.faults.latency_ms = 0.0
        assert (await asked).text
        assert client.troubles == {"timeout": 1}


@pytest.mark.parametrize("fault", ["cut", "garbage"])
async def test_half_an_answer_is_no_answer_and_is_not_paid_for_ever(asking, fault):
    async with asking(Faults(**{fault: 1.0}), patience_s=60) as (provider, client):
        (reason,) = await ask_many(client, 1)
        assert reason in ("connection:ClientPayloadError", "unreadable_answer")
        assert len(provider.calls) == 4
        provider.faults = Faults(**{fault: 0.4})
        assert all(answer.text for answer in await ask_many(client, 5, "more"))


@pytest.mark.parametrize("settings", [{}, {"name": "anthropic"}])
async def test_a_stream_tells_the_time_to_the_first_token_and_the_usage(asking, settings):
    faults = Faults(latency_ms=60, latency_sigma=0.0, event_ms=20)
    async with asking(faults, stream=True, **settings) as (_, client):
        body = chat_body("letters", case(1, 12), VERSION_A)
        started = time.monotonic()
        answer = await client.ask(body, PIN, "r1", "rerun")
        took_ms = (time.monotonic() - started) * 1000
        assert 60 <= answer.time_to_first_token_ms < took_ms / 2
        assert answer.usage.output_tokens > 20


@pytest.mark.parametrize("settings", [{}, {"name": "anthropic"}])
async def test_a_stream_that_breaks_off_is_no_answer(asking, settings):
    async with asking(Faults(cut=0.5), stream=True, **settings) as (provider, client):
        answers = await ask_many(client, 6)
        assert len({answer.text for answer in answers}) == 1
        assert client.troubles.total() == len(provider.calls) - 6 > 0


async def test_a_stream_that_ends_politely_in_the_middle_is_cut_too(session):
    async def half(request):
        response = web.StreamResponse()
        response.content_type = "text/event-stream"
        await response.prepare(request)
        await response.write(b'data: {"choices": [{"index": 0, "delta": {"content": "Dear"}}]}\n\n')
        await response.write_eof()
        return response

    async with served(half) as url:
        client = provider_client("sim", Provider(base_url=url, stream=True, patience_s=0.2), session)
        assert await ask_many(client, 1) == ["answer_cut"]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_of_100_mb_is_not_read(session, stream):
    async def endless(request):
        response = web.StreamResponse()
        response.content_type = "text/event-stream" if stream else "application/json"
        await response.prepare(request)
        piece = b"x" * (1 << 20)
        try:
            for _ in range(100):
                await response.write(piece)
        except ConnectionError:
            pass
        return response

    async def promised(request):
        return web.Response(body=b"x" * (100 << 20), content_type="application/json")

    async with served(endless) as url:
        client = provider_client("sim", Provider(base_url=url, stream=stream), session)
        tracemalloc.start()
        (answer,) = await ask_many(client, 1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.error == "answer_too_large"
        assert peak < 20 << 20
    async with served(promised) as url:
        client = provider_client("sim", Provider(base_url=url), session)
        assert [answer.error for answer in await ask_many(client, 1)] == ["answer_too_large"]


async def test_a_request_id_of_any_text_and_length_fits_a_header(asking):
    async with asking() as (provider, client):
        assert (await client.ask(BODY, PIN, "ü\ud800\n" * 1000, "rerun")).text
        ((request, _),) = provider.calls.asked
        assert len(request) == 256


@pytest.mark.parametrize("fault", ["unauthorized", "quota_spent"])
async def test_no_access_and_no_money_stop_the_asking_with_one_word_and_lose_nothing(asking, fault):
    told = []
    async with asking(Faults(**{fault: True}), max_in_flight=4) as (provider, client):
        client.on_pause = lambda name, reason: told.append((name, reason))
        asked = asyncio.ensure_future(ask_many(client, 20))
        await asyncio.sleep(0.4)
        assert len(provider.calls) <= 4
        assert client.is_sick
        assert told == [("sim", client.paused_reason)]
        assert client.paused_reason in ("http_401", "insufficient_quota")
        setattr(provider.faults, fault, False)
        await asyncio.sleep(0.2)
        assert len(provider.calls) <= 4  # it does not know yet
        client.resume()
        assert all(answer.text for answer in await asyncio.wait_for(asked, 10))
        assert client.paused_reason is None


async def test_a_probe_finds_out_that_access_is_back(asking):
    async with asking(Faults(unauthorized=True)) as (provider, client):
        told = []
        client.turnstile.breaker.first_pause_s = 0.3
        client.on_pause = lambda name, reason: told.append(reason)
        asked = asyncio.ensure_future(ask_many(client, 3))
        await asyncio.sleep(0.5)
        assert 4 <= len(provider.calls) <= 5  # three at first, then a probe
        provider.faults.unauthorized = False
        assert all(answer.text for answer in await asyncio.wait_for(asked, 10))
        assert told == ["http_401"]


async def test_pause_stops_what_is_in_line_at_once(asking):
    async with asking(Faults(latency_ms=50, latency_sigma=0.0), max_in_flight=2) as (provider, client):
        asked = asyncio.ensure_future(ask_many(client, 20))
        await asyncio.sleep(0.12)
        client.may_ask.clear()
        before = len(provider.calls)
        await asyncio.sleep(0.3)
        assert len(provider.calls) == before < 20
        client.may_ask.set()
        assert all(answer.text for answer in await asked)


async def test_whoever_stops_waiting_leaves_no_place_taken(asking):
    async with asking(Faults(latency_ms=100), max_in_flight=2) as (_, client):
        asked = asyncio.ensure_future(ask_many(client, 10))
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert client.turnstile.concurrency.in_flight == 0
        assert client.turnstile.requests.outstanding == 0
        assert (await client.ask(BODY, PIN, "later", "rerun")).text


async def test_a_limit_per_minute_is_kept_and_the_providers_own_is_never_hit(asking):
    async with asking(requests_per_minute=30) as (provider, client):
        asked = asyncio.ensure_future(ask_many(client, 30))
        await asyncio.sleep(1.0)
        assert 2 <= len(provider.calls) <= 5  # a burst of three, then one every two seconds
        asked.cancel()
    async with asking(Faults(requests_per_minute=20), reserve=0.5) as (provider, client):
        asked = asyncio.ensure_future(ask_many(client, 30))
        await asyncio.sleep(1.0)
        assert provider.calls.statuses.keys() <= {200, None}
        assert 5 <= len(provider.calls) <= 20
        asked.cancel()


async def test_an_address_that_is_no_api_is_not_the_candidates_fault(session, asking):
    async with asking() as (provider, _):
        client = provider_client("sim", Provider(base_url=provider.base_url + "/nowhere"), session)
        assert await ask_many(client, 1) == ["http_404"]


async def test_a_long_stop_lets_exchanges_pass_by_unsent_and_a_short_one_lets_them_wait(asking, monkeypatch):
    async with asking() as (provider, client):
        client.stop()
        waiting = asyncio.ensure_future(client.ask(BODY, PIN, "r1", "candidate:b"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        monkeypatch.setattr("streams.replay.client.STOPPED_GRACE_S", 0.0)
        for asked in (waiting, client.ask(BODY, PIN, "r2", "candidate:b")):
            with pytest.raises(Unavailable) as stopped:
                await asyncio.wait_for(asked, 3)
            assert (stopped.value.reason, stopped.value.is_unsent) == ("stopped", True)
        client.go_on()
        assert (await client.ask(BODY, PIN, "r3", "candidate:b")).text
        assert len(provider.calls) == 1


async def test_an_answer_that_was_lost_is_asked_again_only_if_it_may_be_paid_again(asking):
    async with asking() as (provider, client):
        provider.faults.cut = 1.0
        with pytest.raises(Unavailable) as lost:
            await client.ask(BODY, PIN, "r1", "candidate:b", pay_again=lambda: False)
        assert lost.value.may_be_billed
        assert not lost.value.is_unsent
        assert len(provider.calls) == 1


async def test_an_answer_nested_beyond_reason_is_unreadable(session):
    async def deep(request):
        return web.Response(body=b'{"a":' * 5000 + b"1" + b"}" * 5000, content_type="application/json")

    async with served(deep) as url:
        client = provider_client("sim", Provider(base_url=url, patience_s=0.1), session)
        assert await ask_many(client, 1) == ["unreadable_answer"]
