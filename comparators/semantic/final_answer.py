"""The final answer of a text and its kind: JSON field, boxed, yes/no, option letter, label of a list, last number."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from comparators.comparator import Pair
from comparators.format.json_text import parsed

_BOXED = re.compile(r"\\?boxed\s*\{\s*([^{}]{1,80})\s*\}")
_BRACKETED_YES_NO = re.compile(r"\[\s*(yes|no)\s*\]", re.IGNORECASE)
_YES_NO = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_ASKS_YES_NO = re.compile(r"\byes\b.{0,40}\bno\b|\bno\b.{0,40}\byes\b", re.IGNORECASE | re.DOTALL)
_OPTIONS = re.compile(r"(?:^|[\s(])([A-J])[).:]\s")
_OPTION = re.compile(
    r"(?:answer|option|choice)(?:\s+is)?[\s:*]*\(?([A-J])\b\)?|^\W*\(?([A-J])\)?(?:[).:\s]|\Z)", re.IGNORECASE
)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_LABELS = re.compile(
    r"(?:one of|either|categories|labels|classes|choose from|options)\b[^\n:]{0,60}:\s*([^\n.]{3,400})", re.IGNORECASE
)
_ASKS_NUMBER = re.compile(
    r"\bhow many\b|\bhow much\b|\bcalculate\b|\bcompute\b|\bwhat is the (?:sum|total|number)\b", re.IGNORECASE
)
_ANSWER_FIELDS = ("answer", "final_answer", "label", "result", "decision", "category", "verdict", "class")


class FinalAnswer(NamedTuple):
    """Its kind, and its value in a normal form."""

    kind: str
    value: str


CLOSED_KINDS = frozenset({"yes_no", "option", "label"})  # few values: reason codes name them


def kinds_asked(user_text: str, system_text: str = "") -> tuple[str, ...]:
    """The kinds of final answer that a request suggests, the most definite first."""
    return _kinds_asked(f"{system_text}\n{user_text}"[-20_000:])


def labels_named(prompt: str) -> tuple[str, ...]:
    """The labels of a list named in the prompt ("one of: refund, exchange, complaint"), lower case."""
    found = _LABELS.search(prompt)
    if not found:
        return ()
    parts = (part.strip(" \t'\"`*[](){}.") for part in re.split(r",|;|\||/|\bor\b|\band\b", found[1]))
    labels = tuple(dict.fromkeys(part.lower() for part in parts if part and len(part) <= 40))  # noqa: PLR2004 - a label
    return labels if len(labels) > 1 else ()


def final_answer(text: str, kinds: Sequence[str], labels: Sequence[str] = ()) -> FinalAnswer | None:
    """The final answer of a text, of the first of these kinds that it has."""
    value = parsed(text)
    if isinstance(value, dict):
        field = next(
            (value[name] for name in _ANSWER_FIELDS if isinstance(value.get(name), str | int | float | bool)), None
        )
        if field is None:
            return None
        return FinalAnswer("field", _normal(str(field)))
    for kind in kinds:
        found = _FINDERS[kind](text, labels)
        if found is not None:
            return FinalAnswer(kind, found)
    return None


def of_pair(pair: Pair) -> tuple[FinalAnswer | None, FinalAnswer | None]:
    """The final answers of baseline and arm; the kind is settled by request and baseline alone."""
    prompt = f"{pair.request.system_text}\n{pair.request.user_text}"
    labels = labels_named(prompt)
    kinds = kinds_asked(pair.request.user_text, pair.request.system_text)
    before = final_answer(pair.baseline.content, kinds, labels)
    if before is None:
        return None, None
    return before, final_answer(pair.answer.content, (before.kind,) if before.kind in _FINDERS else (), labels)


@lru_cache(maxsize=1024)
def _kinds_asked(prompt: str) -> tuple[str, ...]:
    kinds = []
    if "boxed" in prompt:
        kinds.append("boxed")
    if labels_named(prompt):
        kinds.append("label")
    if _ASKS_YES_NO.search(prompt):
        kinds.append("yes_no")
    if len(set(_OPTIONS.findall(prompt))) > 1:
        kinds.append("option")
    if _ASKS_NUMBER.search(prompt):
        kinds.append("number")
    return tuple(kinds)


def _boxed(text: str, _: Sequence[str]) -> str | None:
    found = _BOXED.findall(text)
    return _normal(found[-1]) if found else None


def _yes_no(text: str, _: Sequence[str]) -> str | None:
    bracketed = _BRACKETED_YES_NO.findall(text)
    if bracketed:
        return str(bracketed[-1]).lower()
    opening = _YES_NO.match(text.lstrip(" \t\n*\"'["))
    if opening:
        return opening[1].lower()
    words = _YES_NO.findall(text)
    return str(words[-1]).lower() if words else None


def _option(text: str, _: Sequence[str]) -> str | None:
    found = [a or b for a, b in _OPTION.findall(text)]
    return str(found[-1]).upper() if found else None


def _label(text: str, labels: Sequence[str]) -> str | None:
    lowered = text.lower()
    places = {label: lowered.rfind(label) for label in labels}
    found = [label for label in labels if places[label] >= 0]
    return max(found, key=lambda label: (places[label] + len(label), len(label))) if found else None


def _number(text: str, _: Sequence[str]) -> str | None:
    found = _NUMBER.findall(text)
    return _normal(found[-1]) if found else None


def _normal(value: str) -> str:
    stripped = value.strip().strip("$.*\"' ").lower()
    try:
        return f"{float(stripped.replace(',', '')):g}"
    except ValueError:
        return " ".join(stripped.split())


_FINDERS = {"boxed": _boxed, "label": _label, "yes_no": _yes_no, "option": _option, "number": _number}
