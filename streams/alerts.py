"""Slack, once per cause: a candidate's first block dimension turns FAIL, or a candidate reaches PASS or REVIEW.

Messages hold numbers and names, never a prompt or an answer. They go through an outbox in ClickHouse (`alerts`), so a
restart neither repeats nor forgets one; a crash between posting and noting it can repeat one, which an incoming
webhook cannot prevent.
"""

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
}
SHOWN = 5  # dimensions named in a message
TIMEOUT_S = 10


def alert_of(upgrade: str, verdict: CandidateVerdict) -> tuple[UUID, Verdict] | None:
    """What is to be told of a candidate's verdict, with the identity of the cause; None where there is nothing."""
    failed = [d for _, d in _dimensions(verdict) if d.effect is Effect.BLOCK and d.verdict is Verdict.FAIL]
    if failed:
        return stable_id(upgrade, verdict.candidate, verdict.pin, Verdict.FAIL), Verdict.FAIL
    if verdict.verdict in (Verdict.PASS, Verdict.REVIEW):
        return stable_id(upgrade, verdict.candidate, verdict.pin, verdict.verdict), verdict.verdict
    return None


def message(upgrade: str, current: str, verdict: CandidateVerdict, cause: Verdict) -> dict[str, Any]:
    """The Block Kit message: `text` for notifications and old clients, `blocks` for everybody else."""
    headline = HEADLINE[cause].format(candidate=verdict.candidate)
    telling = sorted(_told(verdict, cause), key=lambda found: -(found[1].log_e))[:SHOWN]
    lines = "\n".join(_line(feature, dimension) for feature, dimension in telling)
    facts = f"{verdict.compared} comparisons, {verdict.paired} with a rerun"
    blocks: list[dict[str, Any]] = [
        _section(f"*{FIRST_LINE}*"),
        _section(
            f"*{_escaped(headline)}*\nupgrade `{_escaped(upgrade)}`: `{_escaped(current)}` → `{_escaped(verdict.pin)}`"
        ),
    ]
    if lines:
        blocks.append(_section(lines))
    if verdict.accepted:
        blocks.append(_section("\n".join(_accepted(verdict))))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": facts}]})
    return {"text": f"{FIRST_LINE} {headline}"[:4000], "blocks": blocks}


def _accepted(verdict: CandidateVerdict) -> Iterator[str]:
    """What people accepted by name, the latest first."""
    for one in list(reversed(verdict.accepted))[:SHOWN]:
        yield f"Accepted by {_escaped(one.by)}: {_escaped(one.what)} ({_escaped(one.reason)})"
    if len(verdict.accepted) > SHOWN:
        yield f"and {len(verdict.accepted) - SHOWN} more accepted"


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
        webhook, timeout=TIMEOUT_S, retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3)]
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


def _line(feature: FeatureVerdict, dimension: DimensionVerdict) -> str:
    rerun = "" if dimension.rerun is None else f", noise floor {dimension.rerun:.1%}"
    interval = (
        ""
        if dimension.low is None or dimension.high is None
        else (f" (95 % {dimension.low:+.1%} to {dimension.high:+.1%})")
    )
    return (
        f"• *{_escaped(feature.feature)}* `{dimension.dimension}`: candidate {dimension.candidate or 0:.1%}{rerun}, "
        f"excess {dimension.excess or 0:+.1%}{interval}, tolerance {dimension.tolerance:.1%}, {dimension.trials} trials"
    )


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
