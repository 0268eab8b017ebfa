"""What every comparator promises (comparators/comparator.py), for each in defaults.toml: also one added tomorrow."""

import dataclasses
import os
import pickle
import random
import subprocess
import sys
import time
import tomllib
from importlib import resources
from itertools import takewhile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comparators.comparator import Kind, Pair
from comparators.dimensions import load_dimensions
from comparators.format.contract_sketch import sketch_of
from comparators.format.contracts import freeze
from comparators.scoring import FeatureRules, score_trials
from comparators.semantic.distance_bands import Distance, bands_of
from comparators.semantic.embeddings import HASHING_SIZE
from comparators.semantic.style_shift import direction_text
from schemas.answers import Answer, ToolCall, Usage
from schemas.comparisons import Status
from schemas.exchanges import Request, Source
from schemas.trials import CandidateAnswer, Trial, trial_id

WITH_MODEL = {"model": "hashing"}  # in the place of weights that would cost minutes and have their own tests
CONTRACT = freeze(sketch_of('{"label": "A", "items": []}' for _ in range(60)))
SETTINGS = {  # without what they learn they apply to nothing
    "contract_violation": {"contract": CONTRACT},
    "semantic_change": {"thresholds": bands_of([Distance(0.1, 40)] * 300).text},
    "style_shift": {"direction": direction_text(np.arange(HASHING_SIZE) - 200.0)},
}


def _light(dimension):
    has_model = any(field.name == "model" for field in dataclasses.fields(dimension.comparator))
    return (WITH_MODEL if has_model else {}) | SETTINGS.get(dimension.name, {})


CHANGES = {dimension.name: _light(dimension) for dimension in load_dimensions()}
DIMENSIONS = {dimension.name: dimension for dimension in load_dimensions(CHANGES)}

TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {"q": {}}}}}
SCHEMA = {"type": "object", "properties": {"label": {"enum": ["A", "B"]}}, "required": ["label"]}
REQUESTS = {
    "plain": Request({"messages": [{"role": "user", "content": "Is 7 a prime number? Answer yes or no."}]}),
    "json": Request({"messages": [], "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}),
    "tools": Request({"messages": [{"role": "user", "content": "Find it."}], "tools": [TOOL], "max_tokens": 10}),
    "odd": Request({"messages": "none", "tools": 7, "response_format": [], "max_tokens": "x"}),
}
TEXTS = {
    "empty": "",
    "spaces": " \n\t ",
    "yes": "Yes, 7 is a prime number. It has no divisors but 1 and itself.",
    "no": "[No]\n\nThe number 7 is not a prime number; it was 3.5 % on 2026-11-23, and cost $1,000.",
    "refusal": "I'm sorry, but I can't help with that request.",
    "json": '{"label": "A", "items": [{"price": 1}, {"price": 2.5}], "note": null}',
    "other json": '{"label": "C", "items": [], "extra": "x"}',
    "cut json": '{"label": "A", "items": [{"pri',
    "fenced": '```json\n{"label": "B"}\n```',
    "prose around": 'Here you are:\n{"label": "B"}\nAnything else?',
    "code": "def f(x):\n    return x + 1",
    "markdown": "# Title\n\n- **one**\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe answer is \\boxed{42}.",
    "french": "La réponse est non, et les clients ne sont pas dans la liste des commandes.",
    "right to left": "النص من هذا على في إلى أن التي 12.5",
    "chinese": "答案是七,不是八。",
    "emoji": "👩‍👩‍👧 done ✅ 🇫🇷",
    "nul": "a\x00b\x00\x1f",
    "lone surrogate": "half \ud83d of a pair, and \udc00",
    "surrogate json": '{"label": "\ud800"}',
    "escaped surrogate json": '{"label": "\\ud800"}',
    "written call": '[find(q="x")]',
    "names": 'He met Ann, then Bob, then Cy at 3 and 4 and 5, and said "so it is" and "so be it".',
    "many keys": '{"a": 1, "b": [1, 2], "c": {"d": null}, "e": true, "f": "A"}',
    "huge number": "1" * 5_000,
}


def answered(text, **more):
    return Answer("m", text=text, **more)


def whole_answer(text):
    return answered(
        text,
        tool_calls=(ToolCall("find", {"q": text[:20]}),),
        finish_reason="stop",
        usage=Usage(10, 20),
        latency_ms=812.0,
        time_to_first_token_ms=100.0,
        cost_usd=0.001,
    )


def trial(request, baseline, candidate, rerun=None):
    source = Source("c", "t", 0, 0)
    return Trial(
        trial_id("u", source, 0),
        "u",
        "p/m-1",
        source,
        0,
        "r",
        "f",
        request,
        baseline,
        (CandidateAnswer("candidate", "p/m-2", "0", candidate),),
        rerun,
    )


def scores_of(name, request, baseline, candidate, rerun=None):
    """Through scoring.py, as in production: what comes back is a score, a skip or `failed`."""
    rules = FeatureRules((DIMENSIONS[name],))
    (comparison,) = score_trials([trial(request, baseline, candidate, rerun)], lambda _: rules)
    return comparison.scores[0]


def pairs():
    texts = list(TEXTS.values())
    some = random.Random(4).sample(texts, k=len(texts))
    return [
        Pair(request, answered(baseline), answered(answer))
        for request in REQUESTS.values()
        for baseline, answer in zip(texts, some, strict=True)
    ]


@pytest.fixture(params=sorted(DIMENSIONS))
def name(request):
    return request.param


@pytest.fixture
def comparator(name):
    return DIMENSIONS[name].comparator


def test_identical_answers_have_not_drifted(name):
    for request in REQUESTS.values():
        for answer in (make(text) for text in TEXTS.values() for make in (answered, whole_answer)):
            score = scores_of(name, request, answer, answer, answer)
            assert score.candidate.status is not Status.FAILED, (score.candidate, answer)
            assert score.candidate == score.rerun, answer
            if score.kind is Kind.DISTANCE:
                assert score.candidate.value in (0.0, None), answer
            else:
                assert score.candidate == score.baseline, answer
            assert score.d in (0.0, None, -(DIMENSIONS[name].comparator.allowed_noise or 0.0)), answer


def test_whether_it_applies_is_decided_from_request_and_baseline(name, comparator):
    for request in REQUESTS.values():
        for baseline in TEXTS.values():
            skipped = set()
            for text in TEXTS.values():
                score = comparator.compare(Pair(request, whole_answer(baseline), whole_answer(text)))
                skipped.add(score.reason if score.value is None else "")
            assert len(skipped) == 1, f"{name} applies to some answers and not to others: {skipped}"


def test_an_amount_that_nobody_recorded_is_unknown_and_never_zero(name, comparator):
    if comparator.kind is not Kind.MEASURE:
        pytest.skip("no measure")
    unrecorded = [
        comparator.compare(Pair(REQUESTS["plain"], whole_answer("x"), answered(text))) for text in TEXTS.values()
    ]
    values = {score.value for score in unrecorded}
    assert values == {None} or len(values) > 2, "neither unknown nor an amount of the text itself"
    assert all(score.reason == "unknown" for score in unrecorded if score.value is None)


def test_scores_lie_between_0_and_1_and_have_a_reason_where_not_0(comparator):
    for pair in pairs():
        score = comparator.compare(pair)
        assert score.value is None or 0.0 <= score.value <= 1.0
        assert score.reason or score.value == 0.0, score
        assert len(score.reason) <= 120, score


def test_reasons_are_few_so_that_they_can_be_grouped(comparator):
    letters = random.Random(7)
    reasons = set()
    for _ in range(200):
        word = "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        number = letters.randrange(10**6, 10**7)
        told, other = (
            f"The name of {word} is Mr {word.title()} {number}.",
            f"It was {number + 1} {word[::-1]}, I think.",
        )
        reasons.add(comparator.compare(Pair(REQUESTS["plain"], answered(told), answered(other))).reason)
        told, other = f'{{"who": "{word}", "{number} x": 1}}', f'{{"who": {number}, "{number + 1} x": 1}}'
        reasons.add(comparator.compare(Pair(REQUESTS["plain"], answered(told), answered(other))).reason)
    assert len(reasons) <= 40, sorted(reasons)[:50]


def test_it_is_deterministic_and_many_are_scored_as_one_by_one(comparator):
    some = pairs()
    one_by_one = [comparator.compare(pair) for pair in some]
    assert comparator.compare_many(some) == one_by_one
    assert comparator.compare_many(some[::-1]) == one_by_one[::-1]
    assert comparator.compare_many([]) == []


def test_it_survives_pickling(comparator):
    copy = pickle.loads(pickle.dumps(comparator))
    assert copy == comparator
    assert hash(copy) == hash(comparator)
    some = pairs()[:20]
    assert copy.compare_many(some) == comparator.compare_many(some)


PROGRAM = """
import pickle, sys
comparators, pairs = pickle.load(sys.stdin.buffer)
pickle.dump({name: comparator.compare_many(pairs) for name, comparator in comparators.items()}, sys.stdout.buffer)
"""


@pytest.fixture(scope="module")
def elsewhere():
    """What all of them say in two other processes, in which strings hash otherwise and sets have another order."""
    given = pickle.dumps(({name: dimension.comparator for name, dimension in DIMENSIONS.items()}, pairs()))

    def run(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM]
        return pickle.loads(
            subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, env=environment).stdout
        )

    return [run(seed) for seed in ("1", "2")]


def test_it_says_the_same_in_every_process(name, comparator, elsewhere):
    here = comparator.compare_many(pairs())
    for there in elsewhere:
        assert there[name] == here


def test_its_settings_make_the_round_trip(name, comparator):
    settings_of_it = {field.name: getattr(comparator, field.name) for field in dataclasses.fields(comparator)}
    assert type(comparator)(**settings_of_it) == comparator
    in_toml = {key: list(value) if isinstance(value, tuple) else value for key, value in settings_of_it.items()}
    again = {dimension.name: dimension for dimension in load_dimensions({name: in_toml})}[name]
    assert again.comparator == comparator
    assert again.identity == DIMENSIONS[name].identity


def test_one_name_from_file_to_setting(name, comparator):
    entries = tomllib.loads(resources.files("comparators").joinpath("defaults.toml").read_text(encoding="utf-8"))
    assert entries[name]["comparator"].rpartition(".")[0].endswith(f".{name}")
    assert type(comparator).__name__ == "".join(part.title() for part in name.split("_"))
    assert comparator.version >= 1
    assert type(comparator).__dataclass_params__.frozen


def test_its_docstring_says_what_it_does_not_see_and_shows_an_example(comparator):
    text = type(comparator).__doc__
    assert "not see" in text or "hardly sees" in text, "say what it does not see"
    assert ">>> " in text or "Example" in text, "show an example"


def test_any_text_ends_in_a_score_of_each_arm(name):
    for request in REQUESTS.values():
        for text in TEXTS.values():
            for baseline, candidate in ((text, TEXTS["yes"]), (TEXTS["json"], text), (text, text[::-1])):
                score = scores_of(name, request, answered(baseline), answered(candidate), answered(text))
                for arm in (score.candidate, score.rerun):
                    assert arm.status in (Status.SCORED, Status.SKIPPED), (arm, text)


ODD_TEXT = st.text(st.characters(exclude_categories=()), max_size=60) | st.lists(
    st.sampled_from(["{", "}", "[", "]", '"', "'", "`", "```", "\n", " ", "a", "1", ",", ":", "**", "#", "|", "-", "\\",
                     "no ", "yes", "$", "%", "(", ")", "\ud800", "\x00", "é", "don't ", "http://", "@", "json"]),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(baseline=ODD_TEXT, candidate=ODD_TEXT)
def test_odd_texts_never_end_in_an_exception(name, baseline, candidate):
    for request in REQUESTS.values():
        score = scores_of(name, request, answered(baseline), answered(candidate), answered(baseline))
        assert score.candidate.status is not Status.FAILED, score.candidate
        if score.kind is Kind.DISTANCE:
            assert score.rerun.value in (0.0, None)


SIZE = 200_000
LONG = {
    "spaces": " ",
    "newlines": "\n",
    "one word": "a",
    "words": "word ",
    "sentences": "The price was not 12.50 USD on 3 May 2026, said Mr Smith. ",
    "no and not": "no not never don't ",
    "digits": "7",
    "thousands": "1,000,",
    "dots": ".",
    "open brackets": "[",
    "open braces": '{"a":',
    "closed": '{"a":1}',
    "quotes": '"',
    "escaped quotes": '\\"',
    "apostrophes": "'",
    "backticks": "`",
    "fences": "```\n",
    "stars": "*",
    "bold": "**a ",
    "hashes": "# a\n",
    "pipes": "|",
    "list": "- item\n",
    "list of numbers": "1. ",
    "boxed": "\\boxed{",
    "backslashes": "\\",
    "urls": "http://a.b/",
    "at signs": "a@",
    "dashes": "-",
    "calls": "find(q=",
    "tags": "<tool_call>",
    "surrogates": "\ud800",
    "nul": "\x00",
    "emoji": "👩‍👧 ",
    "arabic": "من على ",
    "chinese": "七八。",
    "capitals": "Ab Cd ",
    "yes": "yes ",
    "commas": ",",
    "hours": "12:30:",
}


def seconds(comparator, piece, size, attempt):
    """CPU seconds for a text of this size; each attempt has a text of its own, as comparators remember texts."""
    text = (piece * (size // len(piece) + 1))[:size]
    pair = Pair(REQUESTS["tools"], answered(f"{text}x{attempt}"), answered(f"y{attempt}{text}"))
    began = time.process_time()
    comparator.compare(pair)
    return time.process_time() - began


def grows_too_fast(comparator, piece, longest, attempt):
    """Why the time grows faster than the text, empty if it does not; small texts first, to stop what blows up early."""
    spent = []
    for size in (longest // 16, longest // 4, longest):
        spent.append(seconds(comparator, piece, size, attempt))
        if spent[-1] >= 0.25 + 5 * size / longest:
            return f"{spent[-1]:.1f} s for {size} characters"
    is_linear = spent[2] <= max(10 * spent[1], 0.2)
    return "" if is_linear else f"{spent[1]:.3f} s for a quarter, {spent[2]:.3f} s for all"


def test_time_grows_with_the_text_and_not_with_its_square(name, comparator):
    """Four times the text may take four times the time, with room for noise; sixteen times would be its square."""
    longest = SIZE // 10 if "model" in CHANGES[name] else SIZE  # a model is slow anyhow, so its square shows earlier
    for kind, piece in LONG.items():
        attempts = (grows_too_fast(comparator, piece, longest, attempt) for attempt in range(3))
        slow = list(takewhile(bool, attempts))  # a busy machine is slow once, a square each time
        assert len(slow) < 3, f"{kind}: {slow}"


def test_arms_with_errors_and_baselines_with_errors_are_told_apart(name):
    failed, fine = Answer("m", error="http_500"), answered("Yes.")
    score = scores_of(name, REQUESTS["plain"], fine, failed, fine)
    if DIMENSIONS[name].comparator.scores_errors:
        assert (score.candidate.value, score.candidate.reason, score.d) == (1.0, "http_500", 1.0)
    else:
        assert (score.candidate.status, score.candidate.reason, score.d) == (Status.SKIPPED, "no_answer", None)
        assert scores_of(name, REQUESTS["plain"], failed, fine).candidate.reason == "no_baseline"
