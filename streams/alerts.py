"""Slack, once per cause: a candidate's first block dimension turns FAIL, it reaches PASS or REVIEW, or falls silent.

Messages hold numbers and names, never a prompt or an answer. They go through an outbox in ClickHouse (`alerts`), so a
restart neither repeats nor forgets one; a crash between posting and noting it can repeat one, which an incoming
webhook cannot prevent.
"""

import logging
import math
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from slack_sdk.errors import SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.webhook.async_client import AsyncWebhookClient

from schemas.ids import stable_id
from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Verdict

FIRST_LINE = "No user has seen these answers: this is a shadow run."
HEADLINE = {
    Verdict.FAIL: "FAIL: {candidate} is not safe to release",
    Verdict.PASS: "PASS: {candidate} is ready for a canary",
    Verdict.REVIEW: "REVIEW: {candidate} passed what blocks, but differs; somebody has to accept it by name",
    Verdict.NODATA: "NODATA: nothing of {candidate} arrives any more; no verdict will come until traffic does",
}
SHOWN = 5  # dimensions a message tells all about
NAMED = 8  # and how many more it names
TELLING = 0.001  # a rate in all traffic that differs less is not worth a word
CHANCE = "by chance: without drift beyond the tolerance, however often one looks"
BILLION = 1_000_000_000
TIMEOUT_S = 10


def alert_of(upgrade: str, verdict: CandidateVerdict) -> tuple[UUID, Verdict] | None:
    """What is to be told of a candidate's verdict, with the identity of the cause; None where there is nothing."""
    failed = [d for _, d in _dimensions(verdict) if d.effect is Effect.BLOCK and d.verdict is Verdict.FAIL]
    # What comes after somebody accepted a difference is news, also where it is the same word again.
    accepted = sorted(one.what for one in verdict.accepted)
    if failed:
        return stable_id(upgrade, verdict.candidate, verdict.pin, Verdict.FAIL, *accepted), Verdict.FAIL
    if verdict.verdict in (Verdict.PASS, Verdict.REVIEW):
        return stable_id(upgrade, verdict.candidate, verdict.pin, verdict.verdict, *accepted), verdict.verdict
    silent = _silent(verdict)
    if verdict.verdict is Verdict.NODATA and silent:
        # Nothing more was compared since, so the counts name this silence: the next one is another cause.
        counts = [f"{feature.feature} {feature.compared}" for feature in silent]
        return stable_id(upgrade, verdict.candidate, verdict.pin, Verdict.NODATA, *counts), Verdict.NODATA
    return None


def message(upgrade: str, current: str, verdict: CandidateVerdict, cause: Verdict) -> dict[str, Any]:
    """The Block Kit message: `text` for notifications and old clients, `blocks` for everybody else."""
    headline = HEADLINE[cause].format(candidate=verdict.candidate)
    blocks: list[dict[str, Any]] = [
        _section(f"*{FIRST_LINE}*"),
        _section(
            f"*{_escaped(headline)}*\nupgrade `{_escaped(upgrade)}`: `{_escaped(current)}` → `{_escaped(verdict.pin)}`"
        ),
    ]
    if cause is Verdict.NODATA:
        blocks.append(_section("\n".join(map(_silence, _silent(verdict)[:SHOWN]))))
    telling = sorted(_told(verdict, cause), key=lambda found: -(found[1].log_e))
    if telling:
        blocks.append(_section("\n".join(_line(*found) for found in telling[:SHOWN])))
    others = [f"{feature.feature} {found.dimension}" for feature, found in telling[SHOWN:]]
    if cause is Verdict.FAIL:
        others += [f"{feature.feature} {found.dimension}" for feature, found in _told(verdict, Verdict.REVIEW)
                   if found.effect is Effect.REVIEW]  # fmt: skip
    if others:
        more = f", and {len(others) - NAMED} more" if len(others) > NAMED else ""
        blocks.append(_section(f"Also different: {_escaped(', '.join(others[:NAMED]))}{more}"))
    if verdict.accepted:
        blocks.append(_section("\n".join(_accepted(verdict))))
    facts = f"{verdict.compared} comparisons, {verdict.paired} with a rerun · more: `shadowtap status`"
    if telling:
        facts += f" · {CHANCE}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": facts}]})
    return {"text": f"{FIRST_LINE} {headline}"[:4000], "blocks": blocks}


def _accepted(verdict: CandidateVerdict) -> Iterator[str]:
    """What people accepted by name, the latest first."""
    for one in list(reversed(verdict.accepted))[:SHOWN]:
        yield f"Accepted by {_escaped(one.by)}: {_escaped(one.what)} ({_escaped(one.reason)})"
    if len(verdict.accepted) > SHOWN:
        yield f"and {len(verdict.accepted) - SHOWN} more accepted"


def pause_message(upgrade: str, provider: str, reason: str) -> dict[str, Any]:
    """Nobody is asked at a provider until somebody has mended it; the same form as `message`."""
    headline = f"PAUSED: {provider} refuses us ({reason})"
    told = (
        f"Asking waits and nothing is lost for now. Mend `providers.{_escaped(provider)}` (key, access or quota), then "
        "run `shadowtap resume`; without it a request now and then finds out."
    )
    blocks = [_section(f"*{FIRST_LINE}*"), _section(f"*{_escaped(headline)}*\nupgrade `{_escaped(upgrade)}`")]
    return {"text": f"{FIRST_LINE} {headline}"[:4000], "blocks": [*blocks, _section(told)]}


def as_text(payload: dict[str, Any]) -> str:
    """The same message as lines for a terminal."""
    parts = [block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in payload["blocks"]]
    plain = "\n".join(parts).replace("*", "").replace("`", "")
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class SlackError(Exception):
    """Slack did not take the message; it stays in the outbox."""


async def post(webhook: str, payload: dict[str, Any]) -> None:
    """Send a message to an incoming webhook; waits out rate limits without blocking the loop.

    Raises:
        SlackError: Slack is away or refuses; never holds the webhook's address, which is a secret.
    """
    client = AsyncWebhookClient(
        webhook,
        timeout=TIMEOUT_S,
        logger=logging.Logger("unheard", logging.CRITICAL),  # noqa: LOG001 - its own writes the address, a secret
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3)],
    )
    try:
        response = await client.send(text=payload["text"], blocks=payload["blocks"], unfurl_links=False)
    except (SlackClientError, OSError, TimeoutError) as away:
        raise SlackError(f"slack.webhook_env: Slack cannot be reached ({type(away).__name__})") from None
    if response.status_code != 200:  # noqa: PLR2004 - HTTP's own number
        raise SlackError(f"slack.webhook_env: Slack refuses the message with status {response.status_code}")


def _told(verdict: CandidateVerdict, cause: Verdict) -> Iterator[tuple[FeatureVerdict, DimensionVerdict]]:
    for feature, dimension in _dimensions(verdict):
        if dimension.verdict is Verdict.FAIL and dimension.effect is not Effect.INFO:
            if cause is Verdict.FAIL and dimension.effect is not Effect.BLOCK:
                continue
            yield feature, dimension


def _dimensions(verdict: CandidateVerdict) -> Iterator[tuple[FeatureVerdict, DimensionVerdict]]:
    for feature in verdict.features:
        for dimension in feature.dimensions:
            yield feature, dimension


def _line(feature: FeatureVerdict, found: DimensionVerdict) -> str:
    """Two lines: how much, and how sure that is."""
    beside = [f"production {found.baseline:.1%}"] if found.baseline is not None else []
    if found.noise == "assumed":
        beside += ["noise floor assumed"]
    elif found.rerun is not None:
        beside += [f"noise floor {found.rerun:.1%}"]
    if found.rate_in_traffic is not None and abs(found.rate_in_traffic - (found.candidate or 0)) >= TELLING:
        beside += [f"{found.rate_in_traffic:.1%} in all traffic"]
    among = f" ({', '.join(beside)})" if beside else ""
    interval = "" if found.low is None or found.high is None else f" (95 % {found.low:+.1%} to {found.high:+.1%})"
    return (
        f"• *{_escaped(feature.feature)}* `{found.dimension}`: {found.candidate or 0:.1%}{among}\n"
        f"    excess {found.excess or 0:+.1%}{interval}, tolerance {found.tolerance:.1%}, {found.trials:,} trials; "
        f"by chance {_odds(found.log_e)}"
    )


def _odds(log_e: float) -> str:
    """How often an e-value like this comes without a cause, as one would say it: beyond a billion nobody counts."""
    if log_e > math.log(BILLION):
        return "less than 1 in a billion"
    return f"at most 1 in {math.exp(max(log_e, 0.0)):,.0f}"


def _silent(verdict: CandidateVerdict) -> list[FeatureVerdict]:
    """Features of which something was compared, and nothing comes any more."""
    return [feature for feature in verdict.features if feature.verdict is Verdict.NODATA and feature.compared]


def _silence(feature: FeatureVerdict) -> str:
    return (
        f"• *{_escaped(feature.feature)}*: {feature.compared:,} compared, {feature.paired:,} with a rerun, then silence"
    )


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
