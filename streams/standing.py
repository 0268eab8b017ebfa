"""How an upgrade stands beside its verdicts: what waits in Kafka for each role, and what was spent."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from aiokafka import TopicPartition

from schemas import topics
from schemas.config import Config
from schemas.control import ControlRecord, Order
from schemas.coverage import Spent
from schemas.errors import UnreachableError
from schemas.settings import Kafka
from schemas.topics import consumer_group
from schemas.values import immutable
from streams.control import order_in_force
from streams.kafka import partitions, reader
from streams.store import Store

_OWN = {"score": topics.TRIALS, "judge": topics.TOUCHED, "alert": topics.VERDICTS}


@immutable
class Standing:
    """`lag` is records per role that wait, None for a role that never ran; it is None where Kafka is away.

    `pause` is who stopped the asking, None where nobody has, or Kafka is away.
    """

    lag: Mapping[str, int | None] | None
    spent: Spent
    pause: ControlRecord | None = None
    trouble: str = ""


async def standing(config: Config, store: Store) -> Standing:
    """Ask Kafka and ClickHouse; verdicts can be shown without Kafka, so its absence is only told."""
    spent = await store.spent(config.upgrade.name, datetime.now(UTC).date().isoformat())
    try:
        order = await order_in_force(config.kafka, config.upgrade.name)
        pause = order if order is not None and order.order is Order.PAUSE else None
        return Standing(await _lags(config), spent, pause)
    except UnreachableError as away:
        return Standing(None, spent, trouble=str(away))


async def _lags(config: Config) -> dict[str, int | None]:
    upgrade = config.upgrade.name
    lags = {"replay": await _lag(config.tapped_kafka, consumer_group(upgrade, "replay"), config.tap.topics)}
    for role, topic in _OWN.items():
        lags[role] = await _lag(config.kafka, consumer_group(upgrade, role), [topic])
    return lags


async def _lag(kafka: Kafka, group: str, names: Iterable[str]) -> int | None:
    counts = await partitions(kafka, names)
    places = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
    async with reader(kafka, group) as client:
        client.assign(places)
        committed = {place: await client.committed(place) for place in places}
        if all(position is None for position in committed.values()):
            return None
        ends = await client.end_offsets(places)
        begins = await client.beginning_offsets([place for place in places if committed[place] is None])
        lag: int = sum(max(0, ends[place] - (committed[place] or begins.get(place, 0))) for place in places)
        return lag
