"""Real answers with their requests, from the data folder that is never part of the project."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from schemas.answers import Answer
from schemas.exchanges import Request

PROSE = (
    "arena/arena_hard_v01_gpt4_0314_to_0613.jsonl.gz",
    "xstest/llama2_sysprompt_removed.jsonl.gz",
    "stability/gpt4o_math_repeats.jsonl.gz",
    "llmdrift/prime.jsonl.gz",
    "llmdrift/happy.jsonl.gz",
)
CODE = ("llmdrift/leetcode.jsonl.gz",)
JSON = ("stability/strict_json_open.jsonl.gz",)
SHORTEST_PROSE = 80  # characters: below, an answer is a word or two


@dataclass(frozen=True)
class RealAnswer:
    """An answer as a model gave it, with the request and the file it comes from."""

    source: str
    request: Request
    text: str
    is_refusal: bool = False  # by people's labels, where the source has them


def real_pairs(data: Path, files: tuple[str, ...]) -> Iterator[tuple[Request, Answer, Answer]]:
    """(request, first answer, second answer) of each line: two versions, or the same model asked twice."""
    for line in _lines(data, files):
        first, second = _answers(line)[:2]
        yield Request(line["request"]), Answer("first", text=first), Answer("second", text=second)


def real_answers(data: Path, files: tuple[str, ...], *, seed: int, shortest: int = 1) -> list[RealAnswer]:
    """All distinct answers of these files, the files taking turns, each in a seeded order."""
    by_file = []
    for file in files:
        seen: dict[str, RealAnswer] = {}
        for line in _lines(data, (file,)):
            refused = any("refusal" in str(line.get("label", {}).get(key, "")) for key in ("human_a", "human_b"))
            for text in _answers(line)[:2]:
                if len(text.strip()) >= shortest:
                    seen.setdefault(text, RealAnswer(Path(file).parts[0], Request(line["request"]), text, refused))
        answers = list(seen.values())
        Random(f"{seed}:{file}").shuffle(answers)
        by_file.append(answers)
    longest = max(map(len, by_file))
    return [answers[turn] for turn in range(longest) for answers in by_file if turn < len(answers)]


_PROTECTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*[\\^_=][^$\n]*\$|\\\(.*?\\\)|\\\[.*?\\\]|https?://\S+|^\s*\|.*$",
    re.DOTALL | re.MULTILINE,
)


def prose_only(text: str) -> str:
    """The text at its length with everything that is no prose (code, formulas, links, tables) blanked by NUL."""
    return _PROTECTED.sub(lambda found: "\x00" * len(found[0]), text)


def _lines(data: Path, files: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for file in files:
        with gzip.open(data / file, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def _answers(line: dict[str, Any]) -> list[str]:
    if "responses" in line:
        return [response["content"] or "" for response in line["responses"]]
    return [line["response_a"]["content"] or "", line["response_b"]["content"] or ""]
