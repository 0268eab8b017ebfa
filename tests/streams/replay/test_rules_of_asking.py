"""When and how hard a provider is asked: pure rules, with time passed in."""

import random
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from schemas.answers import Usage
from streams.replay.allowance import Allowance, per_minute
from streams.replay.breaker import CONSECUTIVE, LONGEST_OPEN_S, Breaker, State
from streams.replay.concurrency import Concurrency
from streams.replay.headroom import Headroom, reported
from streams.replay.outages import LONGEST_WAIT_S, asked_wait_s, backoff_s, is_outage, may_retry
from streams.replay.patience import LONGEST_S, MOST_PAID, Patience, Trouble
from streams.replay.provider_errors import pause_reason, refusal
from streams.replay.tokens import TokenGuess

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


def test_what_says_nothing_of_the_request_is_an_outage_and_a_refusal_is_final():
    assert all(is_outage(status) for status in (302, 408, 409, 425, 429, 500, 502, 503, 529))
    assert not any(is_outage(status) for status in (200, 400, 401, 403, 404, 413, 422))
    assert not may_retry({"x-should-retry": "false"})
    assert may_retry({})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 26 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_milliseconds(headers, seconds):
    assert asked_wait_s(headers, NOW) == seconds


def test_backoff_is_anything_up_to_a_bound_that_doubles():
    rng = random.Random(1)
    waits = [[backoff_s(attempt, rng) for _ in range(500)] for attempt in (0, 1, 2, 40)]
    assert [max(some) for some in waits] == pytest.approx([0.5, 1.0, 2.0, LONGEST_WAIT_S], rel=0.02)
    assert all(min(some) < 0.05 * max(some) for some in waits)


def test_a_cut_answers_one_round_of_failures_not_each():
    limit = Concurrency(100)
    for _ in range(50):
        limit.sent()
    for _ in range(50):
        limit.failed(sent_at=0.0, now=1.0)
    assert limit.limit == pytest.approx(70)
    limit.sent()
    limit.failed(sent_at=1.5, now=2.0)
    assert limit.limit == pytest.approx(49)


def test_concurrency_grows_by_one_a_round_between_one_and_the_ceiling():
    limit = Concurrency(8)
    for second in range(50):
        limit.sent()
        limit.failed(sent_at=second, now=second + 0.5)
    assert limit.limit == 1.0
    assert limit.wait_s(100) == 0
    limit.sent()
    assert limit.wait_s(100) == inf
    limit.succeeded(100)
    assert limit.limit == 2.0
    for _ in range(200):
        limit.sent()
        limit.succeeded(100)
    assert limit.limit == 8.0


def test_nothing_is_sent_and_nothing_grows_during_retry_after():
    limit = Concurrency(10)
    limit.sent()
    limit.sent()
    limit.failed(sent_at=0.0, now=1.0, hold_s=5.0)
    assert limit.wait_s(2.0) == pytest.approx(4.0)
    before = limit.limit
    limit.succeeded(3.0)
    assert limit.limit == before
    assert limit.wait_s(6.0) == 0


def test_the_breaker_opens_after_failures_in_a_row_and_a_probe_closes_it():
    breaker = Breaker()
    for _ in range(CONSECUTIVE):
        assert not breaker.sent()
        breaker.failed(10.0, is_probe=False)
    assert breaker.state is State.OPEN
    assert breaker.wait_s(10.0) == pytest.approx(1.0)
    assert breaker.wait_s(11.0) == 0
    assert breaker.sent()
    assert breaker.wait_s(11.0) == inf  # one probe at a time
    breaker.failed(11.0, is_probe=True)
    assert breaker.wait_s(11.0) == pytest.approx(2.0)  # and longer each time
    breaker.succeeded(is_probe=False)  # an answer to what was sent before closes nothing
    assert breaker.state is State.OPEN
    assert breaker.sent()
    breaker.succeeded(is_probe=True)
    assert breaker.state is State.CLOSED
    assert not breaker.is_sick


def test_the_breaker_opens_at_a_share_of_failures_and_not_at_a_third():
    rng = random.Random(4)
    for share, opens in ((0.3, False), (0.8, True)):
        breaker = Breaker()
        for _ in range(2000):
            if rng.random() < share:
                breaker.failed(0.0, is_probe=False)
            else:
                breaker.succeeded(is_probe=False)
        assert (breaker.state is State.OPEN) == opens
        assert breaker.is_sick


def test_the_breaker_never_waits_longer_than_its_longest_and_a_lost_probe_is_replaced():
    breaker = Breaker()
    for _ in range(CONSECUTIVE):
        breaker.failed(0.0, is_probe=False)
    now = 0.0
    for _ in range(10):
        now += breaker.wait_s(now)
        assert breaker.sent()
        breaker.failed(now, is_probe=True)
    assert breaker.wait_s(now) == LONGEST_OPEN_S
    now += LONGEST_OPEN_S
    breaker.sent()
    breaker.withdrawn(is_probe=True)
    assert breaker.wait_s(now) == 0


def test_no_minute_has_more_than_the_limit_however_it_is_cut():
    for limit in (1, 7, 60, 500):
        bucket, sent, now = per_minute(limit, 0.0), [], 0.0
        while now < 200:
            wait = bucket.wait_s(1, now)
            if wait > 0:
                now += wait + 1e-9
                continue
            bucket.take(1, now)
            sent.append(now)
        most = max(sum(start <= at < start + 60 for at in sent) for start in sent)
        assert most <= limit
        assert len(sent) >= 3 * limit * 0.85  # and it is used


def test_a_request_larger_than_a_burst_passes_when_all_is_there_and_the_rest_waits():
    bucket = per_minute(6000, 0.0)
    assert bucket.wait_s(5000, 0.0) == 0
    bucket.take(5000, 0.0)
    assert bucket.wait_s(1, 0.0) == pytest.approx(4401 / 90, rel=0.02)


def test_a_share_of_a_limit_is_a_smaller_limit_and_gives_nothing_back():
    allowance = Allowance()
    allowance.restrict(600, 0.0)
    allowance.take(60, 0.0)
    allowance.restrict(300, 0.0)
    assert allowance.wait_s(1, 0.0) == pytest.approx(60 / 271, rel=0.01)
    allowance.restrict(0.5, 100.0)
    allowance.take(1, 1000.0)
    assert allowance.wait_s(1, 1000.0) == pytest.approx(120)


def test_tokens_are_corrected_once_the_answer_says_what_it_needed():
    allowance = Allowance(per_minute(6000, 0.0))
    allowance.take(600, 0.0)
    assert allowance.wait_s(300, 0.0) > 0
    allowance.settle(600, 100, 0.0)
    assert allowance.wait_s(300, 0.0) == 0
    assert allowance.outstanding == 0


def test_a_share_of_the_reported_limit_is_never_touched():
    allowance = Allowance(reserve=0.3)
    assert allowance.wait_s(1, 0.0) == 0  # nothing is known yet
    remaining, asked, now = 100.0, 0, 0.0
    while now < 600:  # a provider that gives back 100 a minute, of which production takes 25
        remaining = min(100.0, remaining + (100 - 25) / 60)
        now += 1.0
        while allowance.wait_s(1, now) == 0:
            allowance.take(1, now)
            remaining -= 1
            asked += 1
            allowance.settle(1, 1, now)
            allowance.hear(100, remaining, None, now)
        assert remaining >= 29
    assert asked > 600 * 0.7  # and what is left is used


def test_requests_that_are_still_out_count_as_spent():
    allowance = Allowance(reserve=0.0)
    for _ in range(5):
        allowance.take(1, 0.0)
    allowance.settle(1, 1, 0.0)
    allowance.hear(100, 4, None, 0.0)
    assert allowance.wait_s(1, 0.0) > 0


def test_headers_of_both_providers_tell_headroom():
    openai = {
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000", "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }  # fmt: skip
    assert reported(openai, NOW) == (Headroom(60, 59, 1.0), Headroom(150000, 149984, 360.0))
    reset = (NOW + timedelta(seconds=12)).isoformat().replace("+00:00", "Z")
    anthropic = {f"anthropic-ratelimit-requests-{key}": value for key, value in
                 (("limit", "50"), ("remaining", "49"), ("reset", reset))}  # fmt: skip
    for kind, left in (("tokens", "900"), ("input-tokens", "800"), ("output-tokens", "10")):
        anthropic |= {f"anthropic-ratelimit-{kind}-limit": "1000", f"anthropic-ratelimit-{kind}-remaining": left}
    assert reported(anthropic, NOW) == (Headroom(50, 49, 12.0), Headroom(1000, 10, None))
    assert reported({"x-ratelimit-limit-requests": "many"}, NOW) == (None, None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("12ms", 0.012), ("1h2m3.5s", 3723.5), ("1d", 86400), ("59.9", 59.9), ("never", None)]
)
def test_resets_are_durations_or_seconds(text, seconds):
    headers = {"x-ratelimit-limit-requests": "2", "x-ratelimit-remaining-requests": "1"}
    assert reported(headers | {"x-ratelimit-reset-requests": text}, NOW)[0].reset_s == seconds


def test_in_line_at_a_well_provider_patience_is_what_kafka_allows():
    patience = Patience(10.0, since=0.0)
    assert not patience.is_over(1000.0, is_sick=False, paused=None)
    assert patience.is_over(LONGEST_S + 1, is_sick=False, paused=None)


def test_in_trouble_patience_counts_from_when_the_trouble_was_met():
    patience = Patience(10.0, since=0.0)
    assert not patience.is_over(100.0, is_sick=True, paused=None)
    assert not patience.is_over(109.0, is_sick=True, paused=None)
    assert patience.is_over(111.0, is_sick=True, paused=None)
    assert patience.reason == "provider_away"
    assert not patience.is_over(200.0, is_sick=False, paused=None)  # it is well again: back to waiting in line
    assert not patience.is_over(201.0, is_sick=True, paused=None)  # and new trouble begins anew


def test_what_only_a_person_can_mend_is_waited_for_longer():
    patience = Patience(10.0, since=0.0)
    assert not patience.is_over(1.0, is_sick=True, paused="http_401")
    assert not patience.is_over(1000.0, is_sick=True, paused="http_401")
    assert patience.is_over(LONGEST_S + 1, is_sick=True, paused="http_401")
    assert patience.reason == "paused:http_401"


def test_the_wait_after_trouble_holds_what_the_provider_asks_for_and_ends_with_the_patience():
    rng = random.Random(2)
    patience = Patience(30.0, since=0.0)
    wait = patience.pause_s(Trouble("http_429", after_s=5.0), 0.0, rng)
    assert 5.0 <= wait <= 5.5
    assert patience.pause_s(Trouble("http_429", after_s=40.0), 1.0, rng) is None
    assert Patience(30.0, 0.0).pause_s(Trouble("http_500", is_final=True), 0.0, rng) is None


def test_what_may_have_been_billed_is_sent_a_few_times_only():
    patience, rng = Patience(1e9, since=0.0), random.Random(3)
    waits = [patience.pause_s(Trouble("answer_cut", may_be_paid=True), 0.0, rng) for _ in range(MOST_PAID)]
    assert [wait is None for wait in waits] == [False] * (MOST_PAID - 1) + [True]


def openai_error(**fields):
    return {"error": {"message": "…", "type": "invalid_request_error", "param": None, "code": None} | fields}


def anthropic_error(message, kind="invalid_request_error"):
    return {"type": "error", "error": {"type": kind, "message": message}}


ASKED = {"model", "messages", "temperature", "top_p", "max_tokens", "tools"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (openai_error(param="temperature"), "rejected:temperature"),
        (openai_error(param="messages[3].content"), "rejected:messages"),
        (openai_error(message="Unsupported value: 'top_p' does not support 0.2"), "rejected:top_p"),
        (openai_error(message="The word 'secret' is not allowed"), "http_400"),
        (anthropic_error("temperature: Input should be less than or equal to 1"), "rejected:temperature"),
        (anthropic_error("tools.0.name: String should match pattern"), "rejected:tools"),
        (
            anthropic_error("`temperature` and `top_p` cannot both be specified for this model"),
            "rejected:temperature",
        ),
        (anthropic_error("max_tokens: 100000 > 64000, which is the maximum"), "rejected:max_tokens"),
        (anthropic_error("note: temperature is high today"), "http_400"),
        (anthropic_error("prompt is too long: 250000 tokens > 200000 maximum"), "http_400"),
        ("<html>", "http_400"),
        ({"error": "no"}, "http_400"),
        (None, "http_400"),
    ],
)
def test_a_refusal_names_the_parameter_where_one_was_sent_and_named(body, reason):
    assert refusal(400, body, ASKED) == reason
    assert pause_reason(400, body) is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, openai_error(code="invalid_api_key"), "http_401"),
        (403, None, "http_403"),
        (429, openai_error(code="insufficient_quota"), "insufficient_quota"),
        (429, openai_error(type="insufficient_quota"), "insufficient_quota"),
        (429, openai_error(code="rate_limit_exceeded"), None),
        (400, anthropic_error("Your credit balance is too low to access the Anthropic API."), "insufficient_quota"),
        (402, anthropic_error("…", "billing_error"), "billing_error"),
        (529, anthropic_error("Overloaded", "overloaded_error"), None),
    ],
)
def test_no_access_and_no_money_are_told_from_a_rate_limit(status, body, reason):
    assert pause_reason(status, body) == reason


def test_tokens_are_guessed_by_size_what_answers_were_like_and_the_cap():
    guess = TokenGuess()
    assert guess.of({}, 4000) == pytest.approx(1300)
    assert guess.of({"max_tokens": 10}, 4000) == pytest.approx(1010)
    for _ in range(200):
        assert guess.learn(Usage(5, 50)) == 55
    assert guess.of({}, 4000) == pytest.approx(1050, rel=0.01)
    assert guess.learn(Usage(None, 3)) is None
