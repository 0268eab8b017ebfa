"""What other tools see of the same labelled pairs: the table beside that of benchmarks/detection.py.

    python -m benchmarks.detection_peers --data ../shared/data PYTHON ... [--tools minilm ...]

Each PYTHON is an interpreter that has other tools (benchmarks/peers.py says how to make one).
A tool that gives a distance is read as is where only ranks count (AUC, Spearman). Where flags count it is cut at the
threshold that is best for it on these very pairs, which no user could know. A tool with verdicts of its own keeps them.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled import boxed, lines_of, pair_of, refused, similarities, text_of, yes_or_no
from benchmarks.peer_runs import TOOLS, run_raw
from benchmarks.resampling import auc, bootstrap, f1, precision, recall, spearman
from comparators.comparator import Pair

Floats = NDArray[np.float64]


class _Task(NamedTuple):
    what: str
    pairs: Sequence[Pair]
    labels: Floats
    figure: Callable[[Floats, Floats, bool], str]  # labels, what a tool said, whether that are flags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interpreters", nargs="+", metavar="PYTHON")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tools", nargs="*", default=TOOLS, help="only these")
    given = parser.parse_args()
    print(peers_table(given.data, given.interpreters, given.tools))


def peers_table(data: Path, interpreters: Sequence[str], tools: Sequence[str]) -> str:
    """One line a tool, one column a task of the detection table, as Markdown with the settings below."""
    tasks = list(_tasks(data))
    pairs = [(pair.request, pair.baseline, pair.answer) for task in tasks for pair in task.pairs]
    said = run_raw(interpreters, pairs, tools)
    lines = [
        "\nOther tools on the same pairs (what each was asked to do, below):\n",
        "| tool | " + " | ".join(task.what for task in tasks) + " |",
        "|---|" + "---|" * len(tasks),
        *(f"| {tool['name']} | " + " | ".join(_figures(tasks, tool)) + " |" for tool in said),
        "",
        *(f"- {tool['name']}: {tool['settings']}" for tool in said),
    ]
    return "\n".join(lines)


def _figures(tasks: Sequence[_Task], tool: Mapping[str, Any]) -> list[str]:
    values, figures, start = np.array(tool["values"], dtype=np.float64), [], 0
    for task in tasks:
        figures.append(task.figure(task.labels, values[start : start + len(task.pairs)], tool["verdicts"]))
        start += len(task.pairs)
    return figures


def _tasks(data: Path) -> list[_Task]:
    tasks = []
    for name, rule in (("prime", yes_or_no), ("happy", boxed)):
        by_model: dict[str, list[dict[str, Any]]] = {}
        for line in lines_of(data / f"llmdrift/{name}.jsonl.gz"):
            by_model.setdefault(line["model_a"], []).append(line)
        for model, lines in sorted(by_model.items()):
            labels = _floats(rule(text_of(line, "a")) != rule(text_of(line, "b")) for line in lines)
            tasks.append(_Task(f"answer changed, {name} {model}: AUC", [*map(pair_of, lines)], labels, _auc))
    lines = list(lines_of(data / "xstest/llama2_sysprompt_removed.jsonl.gz"))
    labels = _floats(refused(line, "a") != refused(line, "b") for line in lines)
    tasks.append(_Task("refusal changed, xstest: F1", [*map(pair_of, lines)], labels, _f1))
    lines = list(lines_of(data / "llmdrift/leetcode.jsonl.gz"))
    labels = _floats(("```" in text_of(line, "a")) != ("```" in text_of(line, "b")) for line in lines)
    tasks.append(_Task("fence, leetcode: P, R", [*map(pair_of, lines)], labels, _precision_recall))
    again = [_again(line) for line in lines_of(data / "stability/strict_json_open.jsonl.gz")]
    tasks.append(_Task("A/A, strict_json_open: flagged", again, np.zeros(len(again)), _flagged))
    people, pairs = similarities(data)
    tasks.append(_Task("meaning, stsb_dev: Spearman", pairs, people, _spearman))
    return tasks


def _floats(labels: Any) -> Floats:
    return np.array(list(labels), dtype=np.float64)


def _again(line: dict[str, Any]) -> Pair:
    first, second = (response["content"] or "" for response in line["responses"][:2])
    return pair_of({**line, "response_a": {"content": first}, "response_b": {"content": second}})


def _auc(labels: Floats, values: Floats, _: bool) -> str:
    return str(bootstrap(auc, labels, values))


def _spearman(labels: Floats, values: Floats, _: bool) -> str:
    return str(bootstrap(spearman, labels, -values))


def _f1(labels: Floats, values: Floats, verdicts: bool) -> str:
    return str(bootstrap(f1, labels, values if verdicts else _best_flags(labels, values)))


def _precision_recall(labels: Floats, values: Floats, verdicts: bool) -> str:
    flags = values if verdicts else _best_flags(labels, values)
    return f"{precision(labels, flags):.2f}, {recall(labels, flags):.2f}"


def _flagged(_: Floats, values: Floats, verdicts: bool) -> str:
    return f"{(values > 0).mean():.0%}" + ("" if verdicts else " (> 0)")


def _best_flags(labels: Floats, values: Floats) -> Floats:
    cuts = np.unique(values)
    best = max(cuts, key=lambda cut: f1(labels, (values >= cut).astype(np.float64)))
    return (values >= best).astype(np.float64)


if __name__ == "__main__":
    main()
