"""Runs benchmarks/peers.py in interpreters that have other tools, and sets each tool's threshold fairly."""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mutation_pairs import Mutation
from schemas import json_text
from schemas.answers import Answer
from schemas.exchanges import Request
from schemas.ids import content_hash

TOOLS = ("llmshift", "autoevals", "rapidfuzz", "minilm")
FORMS = ("prose", "json", "tools")
PROGRAM = Path(__file__).with_name("peers.py")


@dataclass(frozen=True)
class Peer:
    """A tool, how it was called, and whether it flags each pair (keyed by the pair itself, by identity)."""

    name: str
    settings: str
    flags: "PairFlags"


class PairFlags:
    """Pair to flag."""

    def __init__(self, pairs: Sequence[Mutation], flags: Sequence[bool]) -> None:
        self._flags = {id(pair): flag for pair, flag in zip(pairs, flags, strict=True)}

    def __getitem__(self, pair: Mutation) -> bool:
        return self._flags[id(pair)]


def run_peers(
    interpreters: Sequence[str], pairs: Sequence[Mutation], *, harmless_share: float, kept: Path | None = None
) -> list[Peer]:
    """Every tool that any of the interpreters has; what they said is kept in a file, for the same pairs once more.

    A tool that gives a distance is cut where it flags at most `harmless_share` of the harmless pairs (mean over
    classes), for prose, JSON and tool calls apart: the thresholds that are best for it on these very
    pairs. A tool with verdicts of its own keeps them.
    """
    lines = b"\n".join(
        json_text.dumps(_line(place, pair.request, pair.baseline, pair.answer)) for place, pair in enumerate(pairs)
    )
    peers = []
    for interpreter in interpreters:
        for spoken in _kept(kept, interpreter, lines):
            settings, values = spoken["settings"], spoken["values"]
            if spoken["verdicts"]:
                flags = [bool(value) for value in values]
            else:
                cuts = {form: threshold(form, pairs, values, harmless_share) for form in FORMS}
                flags = [value > cuts[pair.form] for pair, value in zip(pairs, values, strict=True)]
                cut = ", ".join(f"{cut:.3g} ({form})" for form, cut in cuts.items())
                settings += f"; flagged above {cut}, where it flags {harmless_share:.0%} of harmless pairs"
            peers.append(Peer(spoken["name"], settings, PairFlags(pairs, flags)))
    return peers


def run_timed(interpreters: Sequence[str], pairs: Sequence[tuple[Request, Answer, Answer]]) -> list[dict[str, Any]]:
    """Every tool that any of the interpreters has, with the seconds it took on these pairs, one core."""
    lines = b"\n".join(json_text.dumps(_line(place, *pair)) for place, pair in enumerate(pairs))
    return [said for interpreter in interpreters for said in _said(interpreter, lines)]


def run_raw(
    interpreters: Sequence[str], pairs: Sequence[tuple[Request, Answer, Answer]], tools: Sequence[str]
) -> list[dict[str, Any]]:
    """What those tools that any of the interpreters has say of these pairs: `name, settings, verdicts, values`."""
    lines = b"\n".join(json_text.dumps(_line(place, *pair)) for place, pair in enumerate(pairs))
    return [said for interpreter in interpreters for said in _said(interpreter, lines, *tools)]


def _kept(kept: Path | None, interpreter: str, lines: bytes) -> list[dict[str, Any]]:
    """What the tools of an interpreter said of these very pairs, from the file if it is there."""
    known = json.loads(kept.read_bytes()) if kept and kept.exists() else {}
    key = content_hash(interpreter, lines, PROGRAM.read_text(encoding="utf-8"))
    if key not in known:
        known[key] = _said(interpreter, lines, *TOOLS)
        if kept:
            kept.write_text(json.dumps(known), encoding="utf-8")
    said: list[dict[str, Any]] = known[key]
    return said


def _said(interpreter: str, lines: bytes, *tools: str) -> list[dict[str, Any]]:
    one_core = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [interpreter, "-I", str(PROGRAM), *tools]  # -I: no module of this folder may stand in for theirs
    done = subprocess.run(command, input=lines, capture_output=True, check=False, env=one_core)
    if done.returncode:
        raise SystemExit(f"{interpreter} {PROGRAM.name} failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def threshold(form: str, pairs: Sequence[Mutation], values: Sequence[float], share: float) -> float:
    """The smallest cut above which the mean over harmless classes of a form of the share flagged is at most `share`."""
    classes: defaultdict[str, list[float]] = defaultdict(list)
    for pair, value in zip(pairs, values, strict=True):
        if not pair.harmful and pair.form == form:
            classes[pair.name].append(value)
    weighted = sorted(
        ((value, 1 / len(ones) / len(classes)) for ones in classes.values() for value in ones), reverse=True
    )
    spent = 0.0
    for value, weight in weighted:
        spent += weight
        if spent > share:
            return value
    return 0.0


def _line(place: int, request: Request, baseline: Answer, answer: Answer) -> dict[str, Any]:
    return {"id": place, "request": request.body, "baseline": _answer(baseline), "answer": _answer(answer)}


def _answer(answer: Answer) -> dict[str, Any]:
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return {"text": answer.content, "tool_calls": calls, "finish_reason": answer.finish_reason}
