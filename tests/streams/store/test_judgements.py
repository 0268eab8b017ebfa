"""Epochs, families, verdicts and alerts in a real ClickHouse."""

import dataclasses

from schemas.alerts import Alert, AlertState
from schemas.comparisons import Kind
from schemas.epochs import EpochRow
from schemas.verdict_changes import VerdictChange
from schemas.verdicts import DimensionVerdict, Effect, Epoch, Family, Verdict

UPGRADE = "summaries"


async def test_whoever_stored_an_epoch_first_keeps_its_number(store):
    first = Epoch("next", "", "refusal", 1, 1, '{"a":1}', "first", 1_790_000_000_000)
    late = dataclasses.replace(first, identity='{"a":2}', started_ms=first.started_ms + 5)
    own = dataclasses.replace(late, feature="billing", rank=2, reason="own rules")
    for epoch in (late, first, late, own):
        await store.add_epochs(UPGRADE, [EpochRow(epoch, Kind.PROPERTY_BOTH, 0.03, 1.0)])
    assert await store.epochs(UPGRADE) == (first, own)
    assert await store.epochs("another") == ()


async def test_a_family_keeps_its_first_place_and_share(store):
    chat, billing = (
        Family("next", "chat", declared=False, place=1, share=0.25),
        Family("next", "billing", declared=True, place=1, share=0.5),
    )
    await store.add_families(UPGRADE, [chat, billing])
    await store.add_families(UPGRADE, [dataclasses.replace(chat, place=3, share=0.04)])
    assert await store.families(UPGRADE) == (billing, chat)


def made_change(at_ms, verdict, *, dimension="refusal", feature="chat", epoch=1):
    evidence = DimensionVerdict(
        dimension, verdict, Effect.REVIEW, "measured", 400, 0.1, 0.12, 0.3, 0.18, None, 0.25, 7.5, -3.0, 0.03, epoch,
        "changed", "", {"gained": 40, "lost": 1}, 5.5,
    )  # fmt: skip
    return VerdictChange(
        UPGRADE, "next", feature, dimension, epoch if dimension else 0, at_ms, verdict, "", 500, 400,
        evidence if dimension else None,
    )  # fmt: skip


async def test_the_latest_verdict_comes_back_as_it_was_written(store):
    first, last = made_change(1_790_000_000_000, Verdict.CONTINUE), made_change(1_790_000_060_000, Verdict.FAIL)
    next_epoch = made_change(1_790_000_090_000, Verdict.CONTINUE, epoch=2)
    whole = made_change(1_790_000_060_000, Verdict.REVIEW, dimension="", feature="")
    for rows in ([first], [last, whole], [first], [next_epoch], [last]):
        await store.add_verdicts(rows)
    assert await store.verdicts(UPGRADE) == (whole, last, next_epoch)
    assert (await store.query("SELECT count() FROM verdicts"))[0][0] == 4


async def test_an_alert_that_was_sent_stays_sent(store):
    pending = Alert(UPGRADE, "id1", "next", AlertState.PENDING, "text", "{}", 1_790_000_000_000)
    sent = dataclasses.replace(pending, state=AlertState.SENT, at_ms=pending.at_ms + 10)
    await store.put_alert(pending)
    assert await store.alerts(UPGRADE) == (pending,)
    await store.put_alert(sent)
    await store.put_alert(dataclasses.replace(pending, at_ms=sent.at_ms + 1000))
    assert await store.alerts(UPGRADE) == (sent,)
