"""The answer, or a part of it, is in another language than the baseline."""

from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.format.languages import languages

_SENTENCE_FLOOR = 0.5  # one sentence that users cannot read is half of the harm, however long the answer


@dataclass(frozen=True)
class LanguageChange(Comparator):
    """1 where the answer is in another language; 0.5 or more where whole sentences are.

    Evidence is function words of 23 languages and the script of 18 more (`languages.toml`); where these tell nothing,
    letters beyond a to z. Applies where the baseline
    has enough of it: a sentence or two, not a label. A sentence in another language than the rest counts where it has
    at least three function words of that language and twice as many as of the main one.

    Sees: the whole answer in another language (`en->fr`), a sentence of another language that appears (`mixed:+de`)
    or vanishes (`mixed:-de`).

    Does not see: dialects, formality, Norwegian against Danish in a short text, or languages it has no evidence for; an
    answer without enough evidence counts as unchanged.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> english = Answer("m", text="The order is on its way and you will have it on Monday.")
    >>> french = Answer("m", text="La commande est en route et vous serez livré lundi.")
    >>> LanguageChange().compare(Pair(Request({}), english, french))
    Score(value=1.0, reason='en->fr', detail='')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        baseline = languages(pair.baseline.content)
        if baseline.main is None:
            return inapplicable("too_little_text")
        answer = languages(pair.answer.content)
        if answer.main is None:
            answer = languages(pair.answer.content, baseline.main)
        if answer.main is None:
            return FINE
        if answer.main != baseline.main:
            return Score(1.0, f"{baseline.main}->{answer.main}")
        if answer.others == baseline.others:
            return FINE
        before, after = dict(baseline.others), dict(answer.others)
        shifts = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in before.keys() | after.keys()}
        moved = sum(abs(shift) for shift in shifts.values())
        name, shift = min(shifts.items(), key=lambda item: (-abs(item[1]), item[0]))
        value = max(moved, _SENTENCE_FLOOR) if before.keys() != after.keys() else moved
        return Score(min(1.0, value), f"mixed:{'+' if shift > 0 else '-'}{name}")
