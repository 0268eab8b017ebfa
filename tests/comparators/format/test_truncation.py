"""Cut off: by what the provider says, by the limit of tokens, by how the answer ends."""

import gzip
import json
import random
from pathlib import Path

import pytest

from comparators.comparator import Pair
from comparators.format.endings import broken_off
from comparators.format.truncation import Truncation
from schemas.answers import Answer, Usage
from schemas.exchanges import Request

DATA = Path(__file__).parents[3].parent / "shared/data"


def scored(request=None, **answer):
    given = Answer("m", **answer)
    score = Truncation().compare(Pair(Request(request or {}), Answer("m", text="All is well."), given))
    return score.value, score.reason


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"])
def test_what_the_provider_says_counts_in_every_dialect(finish):
    assert scored(text="All is well.", finish_reason=finish) == (1.0, f"finish:{finish.lower()}")
    assert scored(text="All is well.", finish_reason="stop") == (0.0, "")


def test_as_many_tokens_as_allowed_tell_where_no_finish_reason_is_logged():
    used = Usage(5, 100)
    assert scored({"max_tokens": 100}, text="All is well.", usage=used) == (1.0, "token_limit")
    assert scored({"max_completion_tokens": 100}, text="All is well.", usage=used) == (1.0, "token_limit")
    assert scored({"max_tokens": 101}, text="All is well.", usage=used) == (0.0, "")
    assert scored({"max_tokens": 100}, text="All is well.", usage=used, finish_reason="stop") == (0.0, "")
    assert scored({"max_tokens": 100}, text="All is well.") == (0.0, "")
    assert scored({"max_tokens": "100"}, text="All is well.", usage=used) == (0.0, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": [1, 2', "open_json"),
        ('```json\n{"a": 1', "open_json"),
        ("So:\n```python\nprint(1)", "open_fence"),
        ("It was so (as they", "open_bracket"),
        ("**Note: it was", "open_bracket"),
        ("You can call `std", "open_bracket"),
        ("We wrote to you,", "mid_sentence"),
        ("Please send it back to the", "mid_sentence"),
        ("All is well. We wrote to somebody", "mid_sentence"),
        ("All is well with the order that you placed.\n\nWe shall now write to somebody", "mid_sentence"),
        ("- Send the parcel back.\n- Wait for our answer.\n- Then you will get", "mid_sentence"),
        ("1. Wait. Then write to somebody", "mid_sentence"),
        ("1. Wait for us to write to you.\n2. Then write to somebody else.\n3. Th", "mid_sentence"),
        ("We know that $x$\nis less than $y$\nand that $x^2 + y", "open_bracket"),
        ("We know that\n\\[\nx = 2", "open_bracket"),
        ("We know that \\(x", "open_bracket"),
        ("So 7 times 6 =", "mid_sentence"),
        ("The lamp is broken and the box was open. We sent another one.\n\nTherefo", "fragment"),
        ("1. Open the box with both hands.\n2. Take the lamp out of it.\n3", "fragment"),
        ("3^2 + 4^2 = 9 + 16 = 25\n2^2 + 5^2 = 4 + 25 = 29\n2^2 + 9", "open_sum"),
        ("| a | b |\n|---|---|\n| 1 | 2", "open_row"),
        ("| a | b |\n|---|---|\n| 1 |", "open_row"),
        ("<order><id>7</id><lines><line>", "open_tag"),
        ("# Delivery\n\nThe parcel left on Tuesday.\n\n## Returns", "fragment"),
        ("SELECT a\nFROM t\nWHERE a >", "mid_sentence"),
        ("1. Open the box.\n2. Take the lamp out.\n3.", "fragment"),
        ("All is well with the order. You need to take the following steps:", "mid_sentence"),
        ("Please take the following steps:", "mid_sentence"),
        ("\u8bf7\u6309\u4ee5\u4e0b\u6b65\u9aa4\u64cd\u4f5c\uff1a", "mid_sentence"),
        ("\u53d1\u7968\u5df2\u7ecf\u652f\u4ed8\u4e86\u3002\u94f6\u884c\u4e5f\u786e", "mid_sentence"),
        ("Tax is due in May\nThe authorities know this, and the authorities wait\nAsk the authori", "mid_word"),
    ],
)
def test_a_text_that_breaks_off_is_known_by_its_end(text, reason):
    assert broken_off(text) == reason
    assert scored(text=text) == (1.0, reason)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes",
        "Paris",
        "The order is on its way. See https://example.org/orders/77",
        "We open on Monday. Come and visit us! #shopping #newstore",
        "The order is on its way [1].\n\n[1] Bank statement. Page 3",
        "Example:",
        "Please join us on Friday at ten. It will not take long.\n\nKind regards,\nJo",
        "Life is what our thoughts make of it. All the rest is opinion.\n\n\u2014 Marcus Aurelius",
        "<order><id>7</id></order>",
        "<p>All is well<br>",
        "# A\n\n## B\n\n## C",
        "All is well with the order. Call us at +49 30 1234567",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "\u6b65\u9aa4\uff1a\n1. \u6253\u5f00\u8bbe\u7f6e\n2. \u9009\u62e9\u8bed\u8a00",
        "The answer is: 42",
        "All is well. Bye!",
        "All is well.\n\nKind regards\nThe team",
        "- apples\n- pears\n- some green plums too",
        "- Send it back.\n- Wait here.\n- Then pay",
        "# All is well. A title without an end",
        "a | b\n| c. D e f | g",
        "1. Here is the cat.\n2. Here is the dog.\n\n2",
        "The cat and the dog are both in the house.\n\nAnswer: Paris",
        '{"a": 1}',
        "So:\n```python\nprint(1)\n```",
        "def f(x):\n    return x",
        "The result is \\(x\\)",
        "a b c d e",
        "We know that $x$\nis less than $5.",
        "1. Wait\n2. Then write to somebody else.\n3. Pay",
        "Short line.\nalso a short line here",
        "- one. Two\n\nAnd so on it goes here",
    ],
)
def test_a_text_that_ends_as_it_should_is_whole(text):
    assert broken_off(text) == ""


def test_a_label_that_the_prompt_names_is_no_fragment():
    text = "The customer is angry about the late parcel. She wants her money back now.\n\nVery negative"
    asks = Request({"messages": [{"role": "user", "content": "Reason, then say very negative, neutral or positive."}]})
    arm = Answer("m", text=text)
    assert Truncation().compare(Pair(Request({}), arm, arm)).reason == "fragment"
    assert Truncation().compare(Pair(asks, arm, arm)).value == 0.0


def answers(name, keep):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"real answers are not at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            yield from (text for text in keep(row) if len(text) > 200)


def test_real_answers_that_end_by_themselves_are_not_called_cut():
    arena = "arena/arena_hard_v01_gpt4_0314_to_0613.jsonl.gz"
    whole = list(answers(arena, lambda row: (row["response_a"]["content"], row["response_b"]["content"])))
    called = sum(bool(broken_off(text)) for text in whole)
    assert len(whole) > 900
    assert called / len(whole) < 0.015


def test_real_answers_cut_at_a_random_place_are_mostly_known():
    arena = "arena/arena_hard_v01_gpt4_0314_to_0613.jsonl.gz"
    rng = random.Random(5)
    cut = [
        text[: rng.randrange(len(text) // 3, len(text) - 20)]
        for text in answers(arena, lambda row: (row["response_b"]["content"],))
    ]
    assert sum(bool(broken_off(text)) for text in cut) / len(cut) > 0.9
