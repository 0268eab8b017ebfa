"""Facts changed: another number, date, amount, unit, name, quotation, id or address than the baseline states."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.semantic.facts import Fact, facts_of, is_same_share

_ORDER = (
    "money",
    "date",
    "time",
    "percent",
    "quantity",
    "number",
    "id",
    "email",
    "url",
    "name",
    "quote",
)  # gravest first
_AMOUNTS = frozenset({"money", "percent", "quantity", "number"})  # one may stand in another's place
_CALLS = re.compile(r"\s{0,9}\[?[A-Za-z_][\w.]{0,80}\(")
_ABBREVIATED = range(2, 7)  # letters
_SHOWN = 3  # facts of each side in the detail


@dataclass(frozen=True)
class FactChange(Comparator):
    """Share of the facts of both answers that only one of them states (of multisets: |A - B| + |B - A| over |A| + |B|).

    What it sees: numbers (with scale and unit; in words from eleven on), percentages, amounts of money, dates, times,
    ids, URLs, e-mail addresses, quotations, and capitalised names inside sentences. How they are written does not
    count: 1,000 = 1000 = 1k = 1 000, twelve = 12, 1/2 cup = 0.5 cup, 5 % = 0.05, 5 km = 5000 m, 23 Nov 2026 =
    2026-11-23, USD 5 = $5, 1.234,50 EUR = €1,234.50, U.S. = US, HR = Human Resources.
    It applies where the baseline states a fact and is no list of tool calls written as text (`tool_call_change` knows
    their order and defaults).

    What it does not see: which fact belongs to what (two swapped prices), facts in words ("twice", "ten"), names at the
    beginning of a sentence, and other languages' forms of numbers and dates.

    Reasons, the gravest only: `money:changed`, `date:changed`, `number:changed`, `name:changed`, ...; `missing` or
    `extra` in place of `changed` where the other answer has nothing of that kind instead.

    Example: "12 parcels, 3.5 kg" against "12 parcels, 3.9 kg" differs in one of the two facts of each side.
    """

    version: ClassVar[int] = 4
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """0 to 1, or None where the baseline states no fact."""
        text = pair.baseline.content
        before = None if _is_calls(text) else facts_of(text)
        if not before:
            return inapplicable("no_facts")
        after = facts_of(pair.answer.content)
        if dict.__eq__(before, after):  # a counter's own comparison walks through both
            return FINE
        gone, come = _without(before, after), _without(after, before)
        _pair_shares(gone, come)
        _pair_shares(come, gone)
        _pair_initials(gone, text, come, pair.answer.content)
        _pair_initials(come, pair.answer.content, gone, text)
        apart = gone.total() + come.total()
        if not apart:
            return FINE
        return Score(min(1.0, apart / (before.total() + after.total())), _reason(gone, come), _detail(gone, come))


def _is_calls(text: str) -> bool:
    if '"name"' in text and '"arguments"' in text:
        return True
    return _CALLS.match(text) is not None and text.rstrip().endswith((")", ")]"))


def _without(these: Counter[Fact], those: Counter[Fact]) -> Counter[Fact]:
    """What these have beyond those, as `these - those`, which is slower by half."""
    return Counter({fact: more for fact, count in these.items() if (more := count - those.get(fact, 0)) > 0})


def _pair_shares(one: Counter[Fact], other: Counter[Fact]) -> None:
    """Take out percentages of one side that the other writes as a number."""
    for percent in [fact for fact in one if fact.kind == "percent"]:
        for number in [fact for fact in other if is_same_share(percent, fact)]:
            both = min(one[percent], other[number])
            one[percent] -= both
            other[number] -= both
            one += Counter()
            other += Counter()


def _pair_initials(one: Counter[Fact], text: str, other: Counter[Fact], other_text: str) -> None:
    """Take out an abbreviation of one text, and the names of the other that it is made of: HR, Human Resources."""
    names = [fact for fact in other if fact.kind == "name"]
    initials = "".join(fact.value[0] for fact in names)
    for short in [fact for fact in one if fact.kind == "name" and len(fact.value) in _ABBREVIATED]:
        place = initials.find(short.value)
        meant = names[place : place + len(short.value)] if place >= 0 and short.value.upper() in text else []
        if meant and " ".join(name.value for name in meant) in other_text.casefold():
            del one[short]
            for name in meant:
                other.pop(name, None)


def _reason(gone: Counter[Fact], come: Counter[Fact]) -> str:
    lost, new = {fact.kind for fact in gone}, {fact.kind for fact in come}
    for kind in _ORDER:
        if kind in lost and (kind in new or (kind in _AMOUNTS and new & _AMOUNTS)):
            return f"{kind}:changed"
    for kind in _ORDER:
        if kind in lost:
            return f"{kind}:missing"
    return next(f"{kind}:extra" for kind in _ORDER if kind in new)


def _detail(gone: Counter[Fact], come: Counter[Fact]) -> str:
    return f"{_shown(gone)} -> {_shown(come)}"


def _shown(facts: Counter[Fact]) -> str:
    return ", ".join(" ".join(filter(None, (fact.value, fact.of))) for fact in list(facts)[:_SHOWN]) or "none"
