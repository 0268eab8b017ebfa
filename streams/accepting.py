"""A person accepts a difference by name: checked, stored, its epoch begun, announced.

Running workers take it up from ClickHouse: the judge at its next look, which is asked for here, the score role with
its next batch. The record on the control topic is for whoever else wants to know.
"""

import re
from collections import Counter

from aiokafka import AIOKafkaProducer

from schemas import topics
from schemas.acceptances import Acceptance
from schemas.config import Config
from schemas.config_problems import nearest
from schemas.control import ACCEPT, acceptance_bytes, acceptance_key
from schemas.errors import UsageError
from schemas.touched import Touched, touched_bytes
from schemas.verdicts import Effect
from streams.calibrating import InForce
from streams.rules import Rules
from streams.store import Store
from streams.store.comparisons import LONGEST_REASON

SHOWN = 8  # signatures that an error names
_CUT = re.compile(r"\[[A-Z][A-Z_]*\]")  # where something personal stood


async def accept(store: Store, config: Config, accepted: Acceptance, *, withdrawn: bool = False) -> None:
    """Store an acceptance (or that it is taken back) and begin the epoch that it calls for.

    Raises:
        UsageError: there is no such dimension, feature or signature, or a dimension that blocks was to be accepted
            whole; the message says what there is.
    """
    upgrade = config.upgrade.name
    if withdrawn:
        same = _difference(accepted)
        if all(_difference(known) != same for known in await store.acceptances(upgrade)):
            raise UsageError(f"accept --withdraw: {accepted.what} is not accepted for {accepted.candidate}")
    else:
        await _check(store, config, accepted)
    await store.put_acceptance(upgrade, accepted, withdrawn=withdrawn)
    await InForce.settle(store, config, Rules(config))


async def announce(producer: AIOKafkaProducer, upgrade: str, accepted: Acceptance, *, withdrawn: bool = False) -> None:
    """Tell the control topic, and the judge to look again."""
    headers = [(topics.UPGRADE_HEADER, upgrade.encode())]
    await producer.send_and_wait(
        topics.CONTROL, acceptance_bytes(upgrade, accepted, withdrawn=withdrawn),
        key=acceptance_key(upgrade, accepted), partition=0, headers=[*headers, (topics.KIND_HEADER, ACCEPT.encode())],
    )  # fmt: skip
    look = Touched(upgrade, accepted.candidate, "", 0)
    await producer.send_and_wait(topics.TOUCHED, touched_bytes(look), partition=0, headers=headers)


async def _check(store: Store, config: Config, accepted: Acceptance) -> None:
    in_force = await InForce.settle(store, config, Rules(config))
    dimensions = {dimension.name: dimension for dimension in in_force.rules.of(accepted.feature).dimensions}
    name = accepted.dimension
    if name not in dimensions:
        raise UsageError(f"accept: no dimension is called {name!r} ({nearest(name, dimensions)})")
    evidence = {
        key: found
        for key, found in (await store.read_evidence(config.upgrade.name)).items()
        if key.candidate == accepted.candidate
    }
    features = {key.feature for key in evidence}
    if accepted.feature and accepted.feature not in features | set(config.features):
        raise UsageError(
            f"accept --feature: nothing of {accepted.feature!r} was compared ({nearest(accepted.feature, features)})"
        )
    seen = Counter[str]()
    for key, found in evidence.items():
        if key.dimension == name and accepted.holds_for(key.feature):
            seen.update(found.reasons)
    signatures = ", ".join(f"{reason} ({count})" for reason, count in seen.most_common(SHOWN)) or "none"
    if not accepted.signature and dimensions[name].effect is Effect.BLOCK:
        raise UsageError(
            f"accept: {name} blocks, so it is not accepted whole: accept a --signature of it (seen: {signatures}), "
            f'or set effect = "review" for it in the configuration'
        )
    if _CUT.search(accepted.signature) or len(accepted.signature) >= LONGEST_REASON:
        raise UsageError(
            f"accept --signature: {accepted.signature!r} was redacted or cut when it was stored, so it cannot be "
            "recognised in what is scored"
        )
    if accepted.signature and accepted.signature not in seen:
        raise UsageError(f"accept --signature: no score of {name} has {accepted.signature!r}; seen: {signatures}")


def _difference(accepted: Acceptance) -> tuple[str, ...]:
    return (
        accepted.candidate, accepted.candidate_hash, accepted.feature, accepted.dimension, accepted.signature,
    )  # fmt: skip
