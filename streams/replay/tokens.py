"""How many tokens a request will count for, before the provider has said so."""

from collections.abc import Mapping
from typing import Any

from schemas.answers import Usage

BYTES_PER_TOKEN = 4  # of JSON in English, about
FIRST_OUTPUT = 300.0  # tokens, before any answer is known
_WEIGHT = 0.05  # of the newest answer


class TokenGuess:
    """Input by its size, output by what answers were like lately, at most what the request allows."""

    def __init__(self) -> None:
        self._output = FIRST_OUTPUT

    def of(self, body: Mapping[str, Any], size: int) -> float:
        """Tokens of a request of so many bytes."""
        caps = [body.get(key) for key in ("max_completion_tokens", "max_tokens")]
        allowed = [cap for cap in caps if isinstance(cap, int | float) and cap > 0]
        return size / BYTES_PER_TOKEN + min([self._output, *allowed])

    def learn(self, usage: Usage) -> float | None:
        """Take note of an answer; returns the tokens it needed, None where unknown."""
        if usage.output_tokens is not None:
            self._output += _WEIGHT * (usage.output_tokens - self._output)
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        return float(usage.input_tokens + usage.output_tokens)
