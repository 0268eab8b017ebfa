"""Labelled pairs: an answer, and the same answer with one edit that we made and therefore know.

Where a real answer has no place for an edit (few speak of currencies), a sentence that has one is appended to both
sides; how many pairs are of which source is counted in the table.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from benchmarks import harmful_edits, harmless_edits
from benchmarks import structured_edits as structured
from benchmarks.edit_places import WORDS, Edit
from benchmarks.real_answers import CODE, JSON, PROSE, SHORTEST_PROSE, RealAnswer, real_answers
from schemas.answers import Answer, ToolCall
from schemas.exchanges import Request


@dataclass(frozen=True)
class Mutation:
    """One labelled pair; `source` is the folder of the real answer, `carried` or `generated`."""

    name: str
    harmful: bool
    form: str  # `prose`, `json` (read by a program) or `tools`
    source: str
    request: Request
    baseline: Answer
    answer: Answer


_LARGEST_SHARE = 0.4  # of a class, from one source
_CARRIERS: dict[str, tuple[str, ...]] = {
    "unit changed": ("The package weighs {n} kg.", "Allow {n} minutes for that to take effect.", "It is {n} km away."),
    "date changed": (
        "Your order of {d} March 2025 is on its way.", "The contract ends on April {d}, 2026.", "Due: 2026-05-{d}.",
    ),
    "currency changed": ("The repair costs ${n}.", "We have refunded €{n} to your card.", "That is {n} USD in total."),
    "number formatting": ("The archive holds {k} records.", "About {n} % of the parcels arrive a day early."),
    "date formatting": ("Your order of {d} March 2025 is on its way.", "The contract ends on April {d}, 2026."),
    "independent sentences reordered": ("{s}",),
    "bullet style": ("- The shop in Graz opens at nine.\n- Returns are free of charge.",),
}  # fmt: skip


def mutations(data: Path, *, each: int, seed: int) -> Iterator[Mutation]:
    """Up to `each` pairs of every class, real answers before carried ones, from all sources in turn."""
    prose = real_answers(data, PROSE, seed=seed, shortest=SHORTEST_PROSE)
    for name, edit in {**harmful_edits.PROSE, **harmless_edits.PROSE}.items():
        harmful = name in harmful_edits.PROSE
        answers = [one for one in prose if not (name == "refusal put in front" and one.is_refusal)]
        yield from _of_prose(name, edit, answers, harmful=harmful, each=each, seed=seed)
    truncated = _of_prose("truncated", harmful_edits.truncated, prose, harmful=True, each=each, seed=seed + 1)
    for one in truncated:
        reported = replace(one.answer, finish_reason="length")
        baseline = replace(one.baseline, finish_reason="stop")
        yield replace(one, name="truncated, as the provider reports", baseline=baseline, answer=reported)
    yield from _fenced(data, each=each, seed=seed)
    yield from _of_json(each=each, seed=seed)
    yield from _of_tools(each=each, seed=seed)


def _of_prose(
    name: str, edit: Edit, answers: list[RealAnswer], *, harmful: bool, each: int, seed: int
) -> Iterator[Mutation]:
    rng = Random(f"{seed}:{name}")
    found: Counter[str] = Counter()
    without = []
    for answer in answers:
        if found.total() == each:
            return
        if found[answer.source] >= each * _LARGEST_SHARE:
            continue
        done = edit(answer.text, rng)
        if done is None:
            without.append(answer)
        elif done != answer.text:
            found[answer.source] += 1
            yield _texts(name, answer.source, answer.request, answer.text, done, harmful=harmful)
    carriers = _CARRIERS.get(name, ())
    for answer in without[: each - found.total()] if carriers else ():
        line = rng.choice(carriers).format(
            n=rng.randint(12, 89),
            d=rng.randint(10, 27),
            k=rng.randint(2_100, 98_000),
            s=" ".join(rng.sample(WORDS["independent"], 3)),
        )
        text = f"{answer.text.rstrip()}\n\n{line}"
        done = edit(text, rng)
        if done is not None and done != text:
            yield _texts(name, "carried", answer.request, text, done, harmful=harmful)


def _fenced(data: Path, *, each: int, seed: int) -> Iterator[Mutation]:
    """A fence around JSON or code that stood bare: real answers, half of the class generated JSON."""
    rng = Random(f"{seed}:fence")
    code = [one for one in real_answers(data, CODE, seed=seed) if "```" not in one.text]
    bare = [*code[: each // 4], *real_answers(data, JSON, seed=seed)[: each // 4]]
    for one in bare:
        fenced = f"```{'python' if one in code else 'json'}\n{one.text.strip()}\n```"
        yield _texts("fence added", one.source, one.request, one.text, fenced, harmful=True, form="json")
    for _ in range(each - len(bare)):
        request, value = structured.json_answer(rng)
        text = json.dumps(value)
        fenced = rng.choice(
            (f"```json\n{text}\n```", f"```\n{text}\n```", f"Here is the ticket:\n\n```json\n{text}\n```")
        )
        yield _texts("fence added", "generated", request, text, fenced, harmful=True, form="json")


def _of_json(*, each: int, seed: int) -> Iterator[Mutation]:
    for name, edit in structured.JSON_HARMFUL.items():
        rng = Random(f"{seed}:{name}")
        for _ in range(each):
            request, value = structured.json_answer(rng)
            text = json.dumps(value)
            done = json.dumps(edit(json.loads(text), rng))
            yield _texts(name, "generated", request, text, done, harmful=True, form="json")
    harmless: dict[str, Callable[[structured.Value, Random], str | None]] = {
        "key order": lambda value, rng: json.dumps(structured.keys_reordered(value, rng)),
        "white space (JSON)": structured.json_white_space,
        "leading white space (JSON)": structured.json_leading_white_space,
        "number formatting (JSON)": structured.number_form,
    }
    for name, write in harmless.items():
        rng = Random(f"{seed}:{name}")
        for _ in range(each):
            request, value = structured.json_answer(rng)
            text = json.dumps(value)
            done = write(json.loads(text), rng)
            if done is not None and done != text:
                yield _texts(name, "generated", request, text, done, harmful=False, form="json")


def _of_tools(*, each: int, seed: int) -> Iterator[Mutation]:
    edits: dict[str, tuple[Callable[[list[ToolCall], Random], list[ToolCall]], bool]] = {
        "tool argument changed": (structured.argument_changed, True),
        "tool call dropped": (structured.call_dropped, True),
        "tool calls rewritten": (structured.calls_rewritten, False),
    }
    for name, (edit, harmful) in edits.items():
        rng = Random(f"{seed}:{name}")
        for _ in range(each):
            request, calls, as_text = structured.tool_answer(rng)
            edited = edit(calls, rng)
            if not as_text:
                before = Answer("first", tool_calls=tuple(calls))
                after = Answer("second", text=None if edited else "I will look into it.", tool_calls=tuple(edited))
            else:
                form = rng.choice((structured.as_json, structured.as_python))
                before, after = Answer("first", text=form(calls)), Answer("second", text=form(edited))
            yield Mutation(name, harmful, "tools", "generated", request, before, after)


def _texts(
    name: str, source: str, request: Request, before: str, after: str, *, harmful: bool, form: str = "prose"
) -> Mutation:
    return Mutation(name, harmful, form, source, request, Answer("first", text=before), Answer("second", text=after))
