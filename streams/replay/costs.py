"""What asking will cost at most, what it will probably cost, and what an answer did cost."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas import json_text
from schemas.answers import Answer, Usage
from schemas.prices import Price

ATTACHED_TOKENS = 50_000  # of a part that is no text (an image by its address, say), at most
BYTES_PER_TOKEN = 4  # of English text, about


def most_usd(price: Price | None, body: Mapping[str, Any]) -> float:
    """The most that a chat request can cost, in USD; 0 where there is no price to reserve by.

    A token stands for at least one byte, and the JSON around a message has more bytes than a message has tokens of its
    own; the output is bounded by the request, or by what the model can write.
    """
    if price is None:
        return 0.0
    attached = sum(
        isinstance(part, Mapping) and part.get("type") not in ("text", "refusal")
        for message in body.get("messages") or ()
        if isinstance(message, Mapping) and isinstance(message.get("content"), list)
        for part in message["content"]
    )
    inputs = len(json_text.dumps(body)) + ATTACHED_TOKENS * attached
    limits = [limit for key in ("max_completion_tokens", "max_tokens") if (limit := _count(body.get(key))) is not None]
    answers = _count(body.get("n")) or 1
    return answers * price.most(0, max(limits, default=None)) + price.most(inputs, 0)


def likely_usd(price: Price | None, body: Mapping[str, Any], baseline: Answer) -> float:
    """About what a request will cost, from the tokens of the answer that production got; 0 where nothing is known."""
    if price is None:
        return 0.0
    counted = price.cost(baseline.usage)
    if counted is not None:
        return counted
    sizes = len(json_text.dumps(body)), len(baseline.content)
    return price.cost(Usage(*(size // BYTES_PER_TOKEN for size in sizes))) or 0.0


def with_cost(answer: Answer, price: Price | None) -> Answer:
    """The answer with its cost, where the provider did not say and the price is known."""
    if answer.cost_usd is not None or price is None:
        return answer
    return replace(answer, cost_usd=price.cost(answer.usage))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
