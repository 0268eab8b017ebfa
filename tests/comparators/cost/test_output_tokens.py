"""How many tokens the answer took."""

from comparators.comparator import Pair
from comparators.cost.output_tokens import OutputTokens
from schemas.answers import Answer, Usage
from schemas.exchanges import Request


def scored(tokens, text="x"):
    answer = Answer("m", text=text, usage=Usage(7, tokens))
    return OutputTokens().compare(Pair(Request({}), Answer("m", text="x"), answer))


def test_tokens_count_as_the_provider_counted_them_whatever_the_text():
    assert scored(0).value == 0.0
    assert scored(10).value < scored(100).value
    assert scored(10) == scored(10, text="a much longer text than ten tokens would ever hold, by far")


def test_no_count_is_unknown_and_not_none_at_all():
    assert (scored(None).value, scored(None).reason) == (None, "unknown")
