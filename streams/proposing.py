"""Settings proposed from what lies on a topic: format, the current pin and its names, feature rules, features.

Guesses are made from what most records agree on; whoever gets the file reads it before anything is asked.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from schemas import json_text
from schemas.errors import UsageError
from schemas.exchanges import Exchange
from schemas.pins import check_pin
from schemas.settings import Kafka, RecordMapping, Tap
from schemas.topics import REQUEST_HEADER
from schemas.values import immutable
from streams.kafka import partitions, reader
from streams.looking import Tapped, look
from streams.tap.features import DEFAULT, feature_of

_DEFAULT_RULES = Tap(topics=("x",)).feature
_PROVIDERS = {  # how the ids of a provider's models begin
    "gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "ft:gpt-": "openai", "claude-": "anthropic",
    "gemini-": "google", "mistral-": "mistral", "command-": "cohere", "grok-": "xai", "deepseek-": "deepseek",
}  # fmt: skip
_LIKELY = (
    "feature",
    "use_case",
    "usecase",
    "task",
    "route",
    "product",
    "component",
    "endpoint",
    "service",
    "app",
    "team",
)
_MOST_FEATURES, _LONGEST_NAME = 50, 60
_AGREE = 0.8  # share of records that must have a field before it names features
_PARTS: Mapping[str, tuple[str, ...]] = {  # of a home-grown record: names under which people log a part
    "request": ("request", "body", "messages", "prompt", "input"),
    "response": ("response", "completion", "output"),
    "text": ("answer", "answer_text", "response_text", "completion", "output", "text", "response"),
    "id": ("id", "request_id", "call_id", "trace_id"),
    "model": ("model", "model_id", "model_name"),
    "latency_ms": ("latency_ms", "took_ms", "duration_ms", "took", "latency"),
}
_DEPTH = 3


@immutable
class Proposal:
    """What to write into the file. `pin` is None where no name in the log is an exact version."""

    topic: str
    tapped: Tapped
    mapping: Mapping[str, str] | None
    pin: str | None
    match: tuple[str, ...]
    rules: tuple[str, ...]
    features: tuple[tuple[str, int], ...]


@dataclass
class _Notes:
    """What is remembered of the exchanges that are looked at: names and short fields, no texts."""

    exchanges: int = 0
    names: Counter[tuple[str, ...]] = field(default_factory=Counter)
    fields: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_default_rules: Counter[str] = field(default_factory=Counter)

    def see(self, exchange: Exchange) -> None:
        if REQUEST_HEADER in exchange.headers:
            return
        self.exchanges += 1
        self.names[exchange.model_names] += 1
        self.by_default_rules[feature_of(exchange, _DEFAULT_RULES)] += 1
        places = [*((f"header:{name}", value) for name, value in exchange.headers.items())]
        places += _leaves(exchange.fields, "$")
        places += [
            (place, value)
            for part in ("metadata", "user")
            for place, value in _leaves({part: exchange.request.body.get(part)}, "$.request")
        ]
        for place, value in places:
            if 0 < len(value) <= _LONGEST_NAME and len(self.fields[place]) <= _MOST_FEATURES:
                self.fields[place][value] += 1


async def propose(kafka: Kafka, topic: str, last: int) -> Proposal:
    """Look at the last records of each partition of a topic.

    Raises:
        UsageError: no such topic, no record on it, or none that can be read.
        UnreachableError: Kafka does not answer.
    """
    if topic not in await partitions(kafka, [topic]):
        raise UsageError(f"{kafka.bootstrap} has no topic {topic!r}, or does not let this user see it (Describe)")
    notes, mapping = _Notes(), None
    tapped = await look(kafka, Tap(topics=(topic,)), last, frozenset("*"), seen=notes.see)
    if not tapped.records:
        raise UsageError(f"{topic}: no record is on it; come back when something was written, or run plain `init`")
    if notes.exchanges < tapped.records / 2:
        mapping = await _guess_mapping(kafka, topic)
        if mapping is not None:
            notes, tap = _Notes(), Tap(topics=(topic,), format="mapping", mapping=RecordMapping(**mapping))
            tapped = await look(kafka, tap, last, frozenset("*"), seen=notes.see)
    if not notes.exchanges:
        raise UsageError(
            f"{topic}: none of the last {tapped.records} records can be read"
            f" ({', '.join(tapped.outcomes)}); run plain `init` and describe them under [tap.mapping]"
        )
    pin, match = _current(notes)
    rules = _rules(notes)
    named = notes.by_default_rules if rules == _DEFAULT_RULES else notes.fields[rules[0]]
    features = tuple((name, count) for name, count in named.most_common(20) if name != DEFAULT)
    return Proposal(topic, tapped, mapping, pin, match, rules, features)


def _current(notes: _Notes) -> tuple[str | None, tuple[str, ...]]:
    """The exact version that most exchanges name, and under which names the log mentions it."""
    pins: Counter[str] = Counter()
    aliases: Counter[str] = Counter()
    for names, count in notes.names.items():
        exact = next((pin for name in names if (pin := _pin(name)) is not None), None)
        if exact is not None:
            pins[exact] += count
        aliases.update(dict.fromkeys(names, count))
    if pins:
        pin = pins.most_common(1)[0][0]
        return pin, (pin.partition("/")[2],)
    return None, tuple(name for name, _ in aliases.most_common(1))


def _pin(name: str) -> str | None:
    """The name as a pin, if it is an exact version of a provider known by how its models are called."""
    provider = next((provider for begin, provider in _PROVIDERS.items() if name.startswith(begin)), None)
    if provider is None:
        return None
    try:
        check_pin(f"{provider}/{name}")
    except ValueError:
        return None
    return f"{provider}/{name}"


def _rules(notes: _Notes) -> tuple[str, ...]:
    """The default rules where they name features; else the field that looks most like one."""
    if notes.by_default_rules[DEFAULT] <= (1 - _AGREE) * notes.exchanges:
        return _DEFAULT_RULES
    likely = [
        (_likeness(place), -len(values), place)
        for place, values in notes.fields.items()
        if sum(values.values()) >= _AGREE * notes.exchanges
        and 1 < len(values) <= _MOST_FEATURES
        and len(values) <= 0.2 * sum(values.values())
    ]
    likely = [found for found in likely if found[0] > 0]
    return (max(likely)[2],) if likely else _DEFAULT_RULES


def _likeness(place: str) -> int:
    name = place.rpartition(".")[2].removeprefix("header:").removeprefix("x-").replace("-", "_").lower()
    return next((len(_LIKELY) - rank for rank, known in enumerate(_LIKELY) if known in name), 0)


def _leaves(value: Any, place: str, depth: int = 2) -> Iterator[tuple[str, str]]:
    """Short texts and numbers inside an object, with their JSON paths."""
    if not isinstance(value, Mapping):
        return
    for key, inside in value.items():
        if not isinstance(key, str) or not key.replace("_", "").isalnum():
            continue
        if isinstance(inside, str) or (isinstance(inside, int) and not isinstance(inside, bool)):
            yield f"{place}.{key}", str(inside)
        elif depth > 1:
            yield from _leaves(inside, f"{place}.{key}", depth - 1)


async def _guess_mapping(kafka: Kafka, topic: str) -> dict[str, str] | None:
    """Where home-grown records keep their parts, read off the newest one that is an object; None: no idea."""
    async with reader(kafka) as client:
        for number in range((await partitions(kafka, [topic]))[topic]):
            place = TopicPartition(topic, number)
            client.assign([place])
            await client.seek_to_beginning(place)
            for record in (await client.getmany(place, timeout_ms=1000, max_records=20)).get(place, ()):
                found = _mapping_of(record.value)
                if found is not None:
                    return found
    return None


def _mapping_of(value: bytes | None) -> dict[str, str] | None:
    try:
        record = json_text.loads(value or b"")
    except ValueError:
        return None
    if not isinstance(record, Mapping):
        return None
    places = list(_places(record, "$", _DEPTH))
    found: dict[str, str] = {}
    for part, names in _PARTS.items():
        hits = [(names.index(name), place) for name, place, inside in places if name in names and _suits(part, inside)]
        if hits and not (part == "text" and "response" in found):
            found[part] = min(hits)[1]
    return found if "request" in found and ("response" in found or "text" in found) else None


def _places(value: Mapping[str, Any], place: str, depth: int) -> Iterator[tuple[str, str, Any]]:
    for key, inside in value.items():
        if isinstance(key, str) and key.replace("_", "").isalnum():
            yield key.lower(), f"{place}.{key}", inside
            if isinstance(inside, Mapping) and depth > 1:
                yield from _places(inside, f"{place}.{key}", depth - 1)


def _suits(part: str, inside: Any) -> bool:
    if part == "request":
        is_messages = (
            isinstance(inside, list) and bool(inside) and all(isinstance(m, Mapping) and "role" in m for m in inside)
        )
        return is_messages or isinstance(inside, str) or (isinstance(inside, Mapping) and "messages" in inside)
    if part == "response":
        return isinstance(inside, Mapping) and "choices" in inside
    if part == "latency_ms":
        return isinstance(inside, int | float)
    return isinstance(inside, str)
