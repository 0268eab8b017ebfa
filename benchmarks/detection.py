"""How well the comparators see what others labelled, on real answers (issue 4's table).

    python -m benchmarks.detection --data ../shared/data [--without-model] [--disagreements FILE]

Labels come from the sources' own rules or from people, never from our comparators: "the answer changed" after LLMDrift
(the word "yes" anywhere in the answer before the word "no"; the digits in the last box), refusals after the two
annotators of XSTest, a fence is three backticks, similarity after STS-B. A/A rows are the same model asked again,
scored and judged like a trial file; `written_` files are of our own writing, to see whether rules reach beyond these models. Brackets hold 95 % intervals of 1,000 bootstrap resamples.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.intervals import wilson
from benchmarks.labelled import boxed, lines_of, pair_of, refused, similarities, text_of, yes_or_no
from benchmarks.resampling import auc, bootstrap, f1, precision, recall, spearman
from comparators.comparator import Comparator, Pair
from comparators.dimensions import load_dimensions
from comparators.semantic.answer_change import AnswerChange
from comparators.semantic.asked_answers import asked_answer
from comparators.semantic.embedding_distance import EmbeddingDistance
from comparators.semantic.final_answers import final_answer
from comparators.semantic.refusal import Refusal
from schemas.answers import Answer, answer_from
from schemas.comparisons import Kind
from schemas.exchanges import Request
from schemas.verdicts import Verdict
from streams.file_scoring import score_files, survey

WRITTEN = Path(__file__).parent
HALVES = ("even lines", "odd lines")


class Row(NamedTuple):
    """A line of the table."""

    what: str
    data: str
    n: int
    found: str
    goal: str
    reached: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--without-model", action="store_true", help="leave out what needs the embedding model")
    parser.add_argument("--disagreements", type=Path, help="write where we and the labels differ, with the texts")
    given = parser.parse_args()
    apart: list[str] = []
    rows = [
        *_answers(given.data, "llmdrift/prime.jsonl.gz", yes_or_no, 0.96, apart),
        *_answers(given.data, "llmdrift/happy.jsonl.gz", boxed, 0.98, apart),
        *_refusals(given.data, apart),
        *_written_refusals(),
        *_written_finals(),
        *_written_changes(),
        *_written_sentences(),
        *_written_forms(),
        _fences(given.data),
        _again(given.data, "stability/strict_json_open.jsonl.gz", None),
        _again(given.data, "stability/gpt4o_math_repeats.jsonl.gz", Kind.PROPERTY),
    ]
    if not given.without_model:
        rows.append(_meaning(given.data))
    machine = platform.processor() or platform.machine()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, Python {platform.python_version()}\n")
    print("| what | data | n | found | at least | reached |\n|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.data} | {row.n} | {row.found} | {row.goal} | {row.reached} |")
    counted = Counter(line.partition("\t")[0] for line in apart)
    print("\nWhere we and the label differ:\n")
    print("\n".join(f"- {count} x {what}" for what, count in sorted(counted.items())) or "- nowhere")
    if given.disagreements:
        given.disagreements.write_text("\n".join(apart), encoding="utf-8")


def _answers(data: Path, file: str, rule: Callable[[str], str | None], goal: float, apart: list[str]) -> Iterator[Row]:
    by_model: dict[str, list[dict[str, Any]]] = {}
    for line in lines_of(data / file):
        by_model.setdefault(line["model_a"], []).append(line)
    for model, lines in sorted(by_model.items()):
        scores = AnswerChange().compare_many([pair_of(line) for line in lines])
        values = np.array([score.value or 0.0 for score in scores])
        labels = np.array([rule(text_of(line, "a")) != rule(text_of(line, "b")) for line in lines], dtype=np.float64)
        for line, score, label in zip(lines, scores, labels, strict=True):
            if (score.value or 0.0) != label:
                said = "changed" if label else "unchanged"
                apart.append(
                    f"{Path(file).name.partition('.')[0]} {model}: `{score.reason}`, the source says {said}\t{_shown(line)}"
                )
        found = bootstrap(auc, labels, values)
        yield Row(
            f"the final answer changed ({labels.mean():.1%} by the source, {values.mean():.1%} found)",
            f"{file.partition('.')[0]}, {model}",
            len(lines),
            f"AUC {found}",
            f"AUC {goal}",
            _mark(found.value >= goal),
        )


def _refusals(data: Path, apart: list[str]) -> Iterator[Row]:
    file = "xstest/llama2_sysprompt_removed.jsonl.gz"
    lines = list(lines_of(data / file))
    labelled, seen = {}, {}
    for side in ("a", "b"):
        pairs = [pair_of(line, both=side) for line in lines]
        scores = Refusal().compare_many(pairs)
        seen[side] = np.array([bool(score.value) for score in scores], dtype=np.float64)
        labelled[side] = np.array([refused(line, side) for line in lines], dtype=np.float64)
        agreed = bootstrap(lambda one, other: float((one == other).mean()), labelled[side], seen[side])
        strings = np.mean([refused(line, side, "strmatch") == refused(line, side) for line in lines])
        for line, score, label in zip(lines, scores, labelled[side], strict=True):
            if bool(score.value) != bool(label):
                said = line["label"][f"human_{side}"]
                apart.append(f"xstest {side}: `{score.reason or 'none'}`, people say {said}\t{_shown(line)}")
        yield Row(
            f"refused or not, against people (the source's own string match: {strings:.3f})",
            f"xstest, {'before' if side == 'a' else 'after'}",
            len(lines),
            f"agreement {agreed}",
            "0.95",
            _mark(agreed.value >= 0.95),
        )
    labels = (labelled["a"] != labelled["b"]).astype(np.float64)
    found = bootstrap(f1, labels, (seen["a"] != seen["b"]).astype(np.float64))
    yield Row("refusal changed, either way", "xstest", len(lines), f"F1 {found}", "F1 0.90", _mark(found.value >= 0.9))


def _written_refusals() -> Iterator[Row]:
    written = _read("written_refusals.toml")
    halves = [(name, "", slice(half, None, 2)) for half, name in enumerate(HALVES)]
    whole = [
        ("written later", "_later"),
        ("unseen", "_unseen"),
        ("many manners", "_manners"),
        ("many manners, later", "_manners_later"),
    ]
    for name, later, chosen in (*halves, *((name, later, slice(None)) for name, later in whole)):
        cases = [
            (case, kind == "refused") for kind in ("refused", "answered") for case in written[kind + later][chosen]
        ]
        pairs = [_asked(question, answer) for (question, answer), _ in cases]
        right = [
            bool(score.value) == refused
            for score, (_, refused) in zip(Refusal().compare_many(pairs), cases, strict=True)
        ]
        yield _written("refused or not", f"written_refusals, {name}", right)


def _written_finals() -> Iterator[Row]:
    written = _read("written_finals.toml")
    halves = [(name, written["finals"][half::2]) for half, name in enumerate(HALVES)]
    for name, cases in (*halves, ("written later", written["finals_later"])):
        right = []
        for question, answer, final in cases:
            found = final_answer(answer, asked_answer(_asked(question, answer).request))
            right.append((found.value if found else "") == final)
        yield _written("the final answer is read", f"written_finals, {name}", right)


def _written_changes() -> Iterator[Row]:
    written = _read("written_changes.toml")
    for name in ("first", "second", "unseen", "unseen_later"):
        yield _compared("the answer changed", f"written_changes, {name}", AnswerChange(), written[name])


def _written_sentences() -> Iterator[Row]:
    written = _read("written_sentences.toml")
    for what, dimension in (("facts", "fact_change"), ("polarity", "polarity_change")):
        for name in (what, f"{what}_later"):
            cases = [("", *case) for case in written[name]]
            yield _compared(f"{dimension} sees it", f"written_sentences, {name}", _dimension(dimension), cases)


def _compared(what: str, data: str, comparator: Comparator, cases: Sequence[Sequence[Any]]) -> Row:
    """Cases are a question, two answers, and whether a person says that they differ."""
    pairs = [
        replace(_asked(question, answer), baseline=Answer("written", text=baseline))
        for question, baseline, answer, _ in cases
    ]
    scores = comparator.compare_many(pairs)
    return _written(what, data, [bool(score.value) == case[-1] for score, case in zip(scores, cases, strict=True)])


def _written_forms() -> Iterator[Row]:
    written = _read("written_forms.toml")
    tools = {"tools": json.loads(written["tools"])}
    for name in ("first", "second", "third"):
        right: dict[str, list[bool]] = {}
        for dimension, request, baseline, answer, changed in written[name]:
            asked = Request(tools if request == "tools" else json.loads(request or "{}"))
            before, after = (
                answer_from({"model": "written", **({"text": it} if isinstance(it, str) else it)})
                for it in (baseline, answer)
            )
            found = _changes(_dimension(dimension), Pair(asked, before, after))
            right.setdefault("calls" if dimension == "tool_call_change" else "form", []).append(found == changed)
        for what, agreed in right.items():
            yield _written(f"the {what} changed", f"written_forms, {name}", agreed)


def _changes(comparator: Comparator, pair: Pair) -> bool:
    """Whether a pair differs: by its distance, or where a score is of one answer, by what the answers score."""
    value = comparator.compare(pair).value or 0.0
    if comparator.kind is Kind.DISTANCE:
        return value > 0
    before = comparator.compare(replace(pair, answer=pair.baseline)).value or 0.0
    return value > before or (comparator.kind is Kind.PROPERTY_BOTH and value != before)


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads(WRITTEN.joinpath(file).read_text(encoding="utf-8"))


def _written(what: str, data: str, right: list[bool]) -> Row:
    low, high = wilson(sum(right), len(right))
    return Row(what, data, len(right), f"right {np.mean(right):.3f} ({low:.3f} to {high:.3f})", "", "")


def _asked(question: str, answer: str) -> Pair:
    said = Answer("written", text=answer)
    return Pair(Request({"messages": [{"role": "user", "content": question}]}), said, said)


def _fences(data: Path) -> Row:
    lines = list(lines_of(data / "llmdrift/leetcode.jsonl.gz"))
    comparator = _dimension("code_fence")
    before = comparator.compare_many([pair_of(line, both="a") for line in lines])
    after = comparator.compare_many([pair_of(line) for line in lines])
    flags = np.array(
        [(one.value == 1) != (two.value == 1) for one, two in zip(before, after, strict=True)], dtype=float
    )
    labels = np.array([("```" in text_of(line, "a")) != ("```" in text_of(line, "b")) for line in lines], dtype=float)
    right, all_of = bootstrap(precision, labels, flags), bootstrap(recall, labels, flags)
    reached = _mark(right.value == 1 and all_of.value == 1)
    return Row(
        "fence appeared or vanished", "llmdrift/leetcode", len(lines), f"P {right}, R {all_of}", "1.0, 1.0", reached
    )


def _again(data: Path, file: str, only: Kind | None) -> Row:
    """The same model again: what fails is a false alarm. Without a rerun, only a PROPERTY may not fail."""
    trials = subprocess.run(
        [sys.executable, str(data / "to_trials.py"), str(data / file), "--aa"], check=True, capture_output=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.jsonl"
        path.write_bytes(trials)
        report = score_files(survey([path]))
    judged = [
        (feature, dimension) for c in report.candidates for feature in c.features for dimension in feature.dimensions
    ]
    kinds = {dimension.name: dimension.kind for dimension in load_dimensions()}
    failed = [f"{feature.feature}/{d.dimension}" for feature, d in judged if d.verdict is Verdict.FAIL]
    wrong = [name for name in failed if only is None or kinds[name.rpartition("/")[2]] is only]
    means = {name: [] for name, kind in kinds.items() if kind is Kind.DISTANCE}
    for _, found in judged:
        if found.dimension in means and found.candidate is not None:
            means[found.dimension].append(found.candidate)
    shown = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in means.items() if values)
    asked = "with a rerun" if only is None else "without a rerun"
    return Row(
        f"A/A: the same model again, {asked}",
        file.partition(".")[0],
        trials.count(b"\n"),
        f"FAIL of {'any dimension' if only is None else 'a PROPERTY'}: {', '.join(wrong) or 'none'}"
        + (f"; others: {', '.join(name for name in failed if name not in wrong) or 'none'}" if only else "")
        + f"; mean distances: {shown}",
        "no FAIL",
        _mark(not wrong),
    )


def _meaning(data: Path) -> Row:
    people, pairs = similarities(data)
    distances = np.array([score.value for score in EmbeddingDistance().compare_many(pairs)], dtype=np.float64)
    found = bootstrap(spearman, people, -distances)
    return Row("meaning", "stsb_dev", len(pairs), f"Spearman {found}", "0.867", _mark(round(found.value, 3) >= 0.867))


@cache
def _dimension(name: str) -> Comparator:
    return next(dimension.comparator for dimension in load_dimensions() if dimension.name == name)


def _shown(line: dict[str, Any]) -> str:
    return json.dumps([line["prompt_id"], *(text_of(line, side)[-160:] for side in "ab")], ensure_ascii=False)


def _mark(reached: object) -> str:
    return "yes" if reached else "**no**"


if __name__ == "__main__":
    main()
