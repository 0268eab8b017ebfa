"""What has been done already: at assignment, read back the trials topic until every assigned position is covered.

A trial that is found there is not paid again; a ledger record tells how far a partition is counted; each of them
carries what the partition had spent. Trials and ledger of tapped partition p stand in trials partition p % n.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faust.types import TP

from schemas import topics
from schemas.ledger import LedgerRange, ledger_from_bytes
from schemas.settings import Kafka
from streams.kafka import reader, to_the_end
from streams.replay.budget import Spend

FIRST_DEPTH = 2000  # records


@dataclass
class Found:
    """What was found for one tapped partition: (offset, item) of its trials, its ledger records, its newest spend."""

    trials: set[tuple[int, int]] = field(default_factory=set)
    ledger: dict[int, LedgerRange] = field(default_factory=dict)  # start of range to the record with the highest end
    spend: Spend | None = None
    spend_at: int = -1  # offset of the record that carried it


async def look_back(
    kafka: Kafka, upgrade: str, positions: Mapping[TP, int], trial_partitions: int, window: int
) -> dict[TP, Found]:
    """Find trials and ledger of the tapped partitions from their committed `positions` on.

    A partition is covered once a ledger record is seen that ends more than `window` before its position: everything
    from the position on was asked, and so produced, after that record.
    """
    found: dict[TP, Found] = {tp: Found() for tp in positions}
    by_partition: defaultdict[int, list[TP]] = defaultdict(list)
    for tp in positions:
        by_partition[tp.partition % trial_partitions].append(tp)
    async with reader(kafka) as client:
        for number, tps in by_partition.items():
            await _read_partition(client, number, upgrade, {tp: positions[tp] - window for tp in tps}, found)
    return found


async def _read_partition(
    client: AIOKafkaConsumer, number: int, upgrade: str, covered_below: Mapping[TP, int], found: dict[TP, Found]
) -> None:
    place = TopicPartition(topics.TRIALS, number)
    begin = (await client.beginning_offsets([place]))[place]
    end = (await client.end_offsets([place]))[place]
    upper, depth = None, FIRST_DEPTH
    lower = end
    while True:
        lower, upper = max(begin, (upper if upper is not None else end) - depth), lower if upper is not None else None
        covered = await _read_range(client, place, lower, upper, upgrade, covered_below, found)
        if lower <= begin or covered >= covered_below.keys():
            return
        upper, depth = lower, depth * 4


async def _read_range(  # noqa: PLR0917 - one place, its bounds, and what is looked for
    client: AIOKafkaConsumer,
    place: TopicPartition,
    lower: int,
    upper: int | None,
    upgrade: str,
    covered_below: Mapping[TP, int],
    found: dict[TP, Found],
) -> set[TP]:
    """Read [lower, upper), to the very end where upper is None; returns the partitions that are covered by it."""
    covered: set[TP] = set()
    async for batch in to_the_end(client, place, lower, upper):
        for record in batch:
            _note(record, upgrade, covered_below, found, covered)
    return covered


def _note(
    record: ConsumerRecord,
    upgrade: str,
    covered_below: Mapping[TP, int],
    found: dict[TP, Found],
    covered: set[TP],
) -> None:
    headers = dict(record.headers)
    if headers.get(topics.UPGRADE_HEADER) != upgrade.encode():
        return
    source = (headers.get(topics.SOURCE_HEADER) or b"").decode()
    topic, partition, offset, item = source.rsplit("/", 3)
    tp = TP(topic, int(partition))
    if tp not in found:
        return
    carried = headers.get(topics.SPEND_HEADER)
    if carried and topics.RUN_HEADER not in headers and record.offset > found[tp].spend_at:
        found[tp].spend, found[tp].spend_at = Spend.from_bytes(carried), record.offset
    if headers.get(topics.KIND_HEADER) == b"trial":
        found[tp].trials.add((int(offset), int(item)))
        return
    ledger = ledger_from_bytes(record.value)
    if ledger.run or ledger.start == ledger.end:
        return  # of a backfill, or of no offsets: it says nothing of where the live run stands
    known = found[tp].ledger.get(ledger.start)
    if known is None or known.end < ledger.end:
        found[tp].ledger[ledger.start] = ledger
    if ledger.end < covered_below[tp]:
        covered.add(tp)
