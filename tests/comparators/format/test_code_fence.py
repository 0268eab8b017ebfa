"""A fence that appears or vanishes, measured on code that two real models wrote."""

import gzip
import json
from pathlib import Path

import pytest

from comparators.comparator import Pair
from comparators.format.code_fence import CodeFence
from schemas.answers import Answer
from schemas.exchanges import Request

LEETCODE = Path(__file__).parents[3].parent / "shared/data/llmdrift/leetcode.jsonl.gz"
PLAIN = Request({})


def scored(baseline, answer, request=PLAIN):
    score = CodeFence().compare(Pair(request, Answer("m", text=baseline), Answer("m", text=answer)))
    return score.value, score.reason


def test_wrappings_of_json_are_told_apart():
    bare = '{"a": 1}'
    assert scored(bare, bare) == (0.0, "")
    assert scored(bare, f"```json\n{bare}\n```") == (1.0, "fence")
    assert scored(bare, f"Here:\n```json\n{bare}\n```") == (1.0, "fence+prose")
    assert scored(bare, f"Here you are: {bare}") == (0.5, "prose")
    assert scored(bare, f"\n{bare}") == (0.25, "leading_space")
    assert scored(bare, "I cannot say.") == (0.0, "")


def test_prose_is_only_prose_where_json_is_due():
    assert scored("It is so.", "It is so, I think.") == (0.0, "")
    assert scored("It is so.", 'It is {"a": 1}') == (0.0, "")
    assert scored("", "x") == (None, "no_text")
    assert scored("", "~~~\nx\n~~~", Request({"response_format": {"type": "json_object"}})) == (1.0, "fence")


@pytest.mark.skipif(not LEETCODE.exists(), reason=f"real answers are not at {LEETCODE}")
@pytest.mark.parametrize(("model", "before", "after"), [("gpt-4-0314", 0, 44), ("gpt-3.5-turbo-0301", 31, 49)])
def test_fences_of_real_code_answers_are_all_found_and_no_more(model, before, after):
    """LLMDrift (arXiv 2307.09009): GPT-4 0 to 88 % of 50 answers, GPT-3.5 62 to 98 %; precision and recall 1."""
    with gzip.open(LEETCODE, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["model_a"] == model]
    assert len(rows) == 50
    found, labelled, shares = [], [], [0, 0]
    for row in rows:
        request, texts = Request(row["request"]), (row["response_a"]["content"], row["response_b"]["content"])
        values = [scored(texts[0], text, request)[0] for text in texts]
        shares = [share + (value == 1.0) for share, value in zip(shares, values, strict=True)]
        found.append(values[0] != values[1])
        labelled.append(("```" in texts[0]) != ("```" in texts[1]))
    assert shares == [before, after]
    assert found == labelled
    assert any(labelled)
