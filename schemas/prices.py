"""What an answer costs: prices per pin from `prices.toml`, under those of the user's own `[prices."provider/model"]`.

A pin without a price has an unknown cost (None), never 0.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from schemas.answers import Usage
from schemas.values import immutable

LONGEST_OUTPUT = 16_384  # tokens, where a price says nothing of the longest answer
MILLION = 1_000_000


@immutable
class Price:
    """USD per million tokens; `as_of` (ISO date) and `source` say when and where it was read."""

    input: float
    output: float
    cached_input: float | None = None  # None: as any other input
    max_output_tokens: int = LONGEST_OUTPUT
    as_of: str = ""
    source: str = ""

    def cost(self, usage: Usage) -> float | None:
        """USD for the tokens a provider counted, None where it did not count them.

        `input_tokens` holds the cached ones too.

        >>> Price(2.5, 10.0, 1.25).cost(Usage(1_000_000, 100_000, 400_000))
        3.0
        >>> Price(2.5, 10.0).cost(Usage(1_000_000)) is None
        True
        """
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = min(usage.cached_input_tokens or 0, usage.input_tokens)
        cheaper = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - cached
        return (fresh * self.input + cached * cheaper + usage.output_tokens * self.output) / MILLION

    def most(self, input_tokens: int, output_tokens: int | None) -> float:
        """USD for at most so many tokens; None for the output is the longest answer there can be."""
        longest = self.max_output_tokens if output_tokens is None else output_tokens
        return (input_tokens * self.input + longest * self.output) / MILLION


def price_of(pin: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """The price of a pin: the user's own, else the table's; of several keys that fit the longest. None: unknown.

    >>> price_of("openai/gpt-4o-2024-08-06").output
    10.0
    >>> price_of("house/m-1", {"house/*": Price(1.0, 2.0)}).output
    2.0
    >>> price_of("house/m-1") is None
    True
    """
    return (_found(pin, own) if own else None) or _listed(pin)


@cache
def _listed(pin: str) -> Price | None:
    return _found(pin, _table())


def _found(pin: str, prices: Mapping[str, Price]) -> Price | None:
    if pin in prices:
        return prices[pin]
    fitting = [key for key in prices if key.endswith("*") and pin.startswith(key[:-1])]
    return prices[max(fitting, key=len)] if fitting else None


@cache
def _table() -> Mapping[str, Price]:
    text = resources.files("schemas").joinpath("prices.toml").read_text(encoding="utf-8")
    return {pin: Price(**entry) for pin, entry in tomllib.loads(text).items()}
