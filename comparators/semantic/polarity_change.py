"""A sentence says the opposite: a "not" lost or gained, an antonym, a comparison turned round."""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.semantic.sentences import aligned, polarity

_FLOOR = 0.5  # of one sentence turned round, in however long an answer
_FEWEST_SPACES = 2  # three words


@dataclass(frozen=True)
class PolarityChange(Comparator):
    """0 where no sentence is turned round, else from 0.5 for one of many sentences up to 1 for all of them.

    Sentences of both answers that are alike but not the same are laid side by side. One is turned round where the count
    of negations turns from odd to even (or back), or a word gives way to its opposite (increase and decrease, allowed
    and forbidden, more than and less than), but not both: "not allowed" and "forbidden" agree. Applies where the
    baseline has three words.

    What it does not see: opposites that are in no list, sarcasm, a sentence that was rewritten so far that hardly a
    word is left, and double meanings ("after" a person). English only.

    Reasons: `negation:dropped`, `negation:added`, `comparative:flipped`, `antonym:flipped`.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> none, one = Answer("m", text="The study found no link."), Answer("m", text="The study found a link.")
    >>> PolarityChange().compare(Pair(Request({}), none, one))
    Score(value=1.0, reason='negation:dropped', detail='1 sentences turned round')
    """

    version: ClassVar[int] = 2
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """0, or 0.5 to 1; None where the baseline has no sentence."""
        before, after = pair.baseline.content, pair.answer.content
        if before.count(" ") < _FEWEST_SPACES:
            return inapplicable("no_sentence")
        if before == after:
            return FINE
        alignment = aligned(before, after)
        turned = [turn for one, other in alignment.pairs if (turn := _turn(one, other))]
        if not turned:
            return FINE
        share = len(turned) / (alignment.same + len(alignment.pairs))
        reason, _ = Counter(turned).most_common(1)[0]
        return Score(_FLOOR + (1 - _FLOOR) * share, reason, f"{len(turned)} sentences turned round")


def _turn(before: str, after: str) -> str:
    """What turned round between two sentences that are about the same, empty if nothing did."""
    one, other = polarity(before), polarity(after)
    flipped = ""
    for axis, (count, total) in one.sides.items():
        other_count, other_total = other.sides.get(axis, (0, 0))
        if total != other_total if count == other_count else total * other_total < 0:
            flipped = "comparative:flipped" if axis.startswith("c") else "antonym:flipped"
            break
    is_negated = (one.negations - other.negations) % 2 == 1
    if is_negated == bool(flipped):
        return ""
    if flipped:
        return flipped
    return "negation:dropped" if one.negations > other.negations else "negation:added"
