"""The final answer changed: another yes/no, option, label, boxed value, number or answer field than the baseline's."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.format.json_text import answers_json, payload
from comparators.semantic.answer_fields import changed_field, closed_fields
from comparators.semantic.asked_answers import Asked, asked_answer
from comparators.semantic.final_answers import FinalAnswer, answer_of_kind, final_answer
from comparators.semantic.short_answers import gives, short_answer

_CLOSED = frozenset({"yes_no", "true_false", "option", "label", "bracketed"})


@dataclass(frozen=True)
class AnswerChange(Comparator):
    r"""1 where the final answer is another one than the baseline's, 0 where it is the same however it is put.

    What it sees: yes/no and true/false, the letter of an option, a label out of a list that the prompt names, the
    content of `\boxed{}` and `[[...]]`, a rating on a scale, the last number where a number is asked for, the field of
    a JSON object that holds the answer, and its booleans and labels that the request names (in its schema, quoted, or
    in the system prompt). `[No]`, `**No.**` and `The answer is no` are one answer; `1,000` and `1000.0` are one number.
    It applies where the request suggests such an answer and the baseline has one, and where the baseline is nothing but
    a name, a word or a number (`Canberra`), which another answer must give, too, undenied; where the request spells out
    the form (`\boxed`, "yes or no"), a baseline without it is the answer `none`.

    What it does not see: whether an answer is right; an answer given only by its meaning ("this is a prime number");
    that a "yes" belongs to a condition ("if yes, then ..."): where a request wants reasons first, the last yes or no
    counts.

    Reasons: `yes_no:yes->no`, unchanged `yes_no:yes`; for open kinds `number:changed`, `number:missing`, unchanged
    `number`; `short:changed` for a short baseline; `field:$.priority` for a label or boolean of a JSON object.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> asks = Request({"messages": [{"role": "user", "content": "Is 7 prime? Answer [Yes] or [No]."}]})
    >>> AnswerChange().compare(Pair(asks, Answer("m", text="It is. [Yes]"), Answer("m", text="[No]"))).reason
    'yes_no:yes->no'
    """

    version: ClassVar[int] = 6
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """0 or 1, or None where no final answer is suggested or the baseline has none."""
        asked = asked_answer(pair.request)
        before = final_answer(pair.baseline.content, asked)
        if before is None:
            before = _demanded(asked) or _short(pair.baseline.content)
        if before is not None and before.value and pair.answer.content == pair.baseline.content:
            return Score(0.0, _reason(before, before, same=True), _detail(before, before))
        closed = _closed_fields(pair)
        if before is None and not closed:
            return inapplicable("no_final_answer")
        path, detail = changed_field(closed, payload(pair.answer.content).value) if closed else ("", "")
        if path:
            return Score(1.0, f"field:{path}", detail)
        if before is None:
            return FINE
        if before.kind == "short":
            return _given(before, pair.answer.content)
        after = answer_of_kind(pair.answer.content, before.kind, asked)
        same = after is not None and after.value == before.value if before.value else after is None
        return Score(0.0 if same else 1.0, _reason(before, after, same=same), _detail(before, after))


def _closed_fields(pair: Pair) -> dict[str, str | bool]:
    text = pair.baseline.content
    return closed_fields(payload(text).value, pair.request) if "{" in text and answers_json(text) else {}


def _demanded(asked: Asked) -> FinalAnswer | None:
    kind = next((kind for kind in asked.kinds if kind in asked.demanded), None)
    return None if kind is None else FinalAnswer(kind, "", "missing")


def _short(text: str) -> FinalAnswer | None:
    value = short_answer(text)
    return None if value is None else FinalAnswer("short", value, "whole")


def _given(before: FinalAnswer, text: str) -> Score:
    """Whether a text gives the short answer; what it gives instead nobody can say."""
    if gives(text, before.value):
        return Score(0.0, before.kind, before.value)
    return Score(1.0, f"{before.kind}:changed", f"{before.value} -> {short_answer(text) or 'not in the answer'}")


def _reason(before: FinalAnswer, after: FinalAnswer | None, *, same: bool) -> str:
    if before.kind in _CLOSED:
        start, end = before.value or "none", after.value if after else "none"
        return f"{before.kind}:{start}" if same else f"{before.kind}:{start}->{end}"
    if same:
        return before.kind
    return f"{before.kind}:{'missing' if after is None else 'changed' if before.value else 'added'}"


def _detail(before: FinalAnswer, after: FinalAnswer | None) -> str:
    end = f"{after.value} ({after.place})" if after else "none"
    return f"{before.value or 'none'} ({before.place}) -> {end}"
