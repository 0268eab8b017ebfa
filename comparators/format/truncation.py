"""The answer was cut off."""

import re
from dataclasses import dataclass
from typing import ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score
from comparators.format.endings import broken_off
from schemas.exchanges import Request

_CUT = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded", "incomplete"}
)
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True)
class Truncation(Comparator):
    """1 where the answer was cut off: by what the provider says, or by how it ends.

    The finish reasons of OpenAI, Anthropic, Gemini, Mistral and Cohere are known. Where the log holds none, as many
    tokens as the request allows (`token_limit`), JSON or a code fence never closed, or a text that ends in the middle
    of a sentence, a word, a sum or a row of a table though its other lines end properly, say the same.

    Sees: `finish:length` and its like, `token_limit`, `open_json`, `open_fence`, `open_tag` (the first one of XML),
    `open_bracket`, `open_row`, `open_sum`, `mid_sentence`, `mid_word`, and `fragment`: a word or two, or the number of
    an item, that begin a line, or a heading without text.

    Does not see: a cut that falls on the end of a sentence, of a list item or of a line of code or of sums. Of real
    answers cut at a random place it knows nine in ten (sums) or more (prose) by their text alone; of real whole answers
    it calls less than 1 in 100 cut, mostly outlines and sums that end without a mark.

    >>> from schemas.answers import Answer
    >>> from schemas.exchanges import Request
    >>> whole = Answer("m", text="Dear customer, all is well. We wrote to the bank.")
    >>> cut = Answer("m", text="Dear customer, all is well. We wrote to the")
    >>> Truncation().compare(Pair(Request({}), whole, cut))
    Score(value=1.0, reason='mid_sentence', detail='')
    """

    version: ClassVar[int] = 4
    kind: ClassVar[Kind] = Kind.PROPERTY

    def compare(self, pair: Pair) -> Score:
        """Score one arm of one trial."""
        answer = pair.answer
        finish = (answer.finish_reason or "").lower()
        if finish in _CUT:
            return Score(1.0, f"finish:{finish}")
        if not finish and _is_at_limit(pair):
            return Score(1.0, "token_limit")
        broken = broken_off(answer.content)
        if not broken or (broken == "fragment" and _is_named(answer.content, pair.request)):
            return FINE
        return Score(1.0, broken)


def _is_named(text: str, request: Request) -> bool:
    """Whether the prompt names the words of the last line: a label that was asked for, and no fragment."""
    last = text.rstrip().rpartition("\n")[2].strip()
    if last.isdecimal():
        return False
    words = re.compile(rf"(?<!\w){re.escape(last)}(?!\w)", re.IGNORECASE)
    return any(words.search(prompt) for prompt in (request.user_text, request.system_text))


def _is_at_limit(pair: Pair) -> bool:
    written = pair.answer.usage.output_tokens
    if written is None:
        return False
    limits = (pair.request.body.get(name) for name in _LIMITS)
    limit = next((limit for limit in limits if isinstance(limit, int)), None)
    return limit is not None and written >= limit > 0
