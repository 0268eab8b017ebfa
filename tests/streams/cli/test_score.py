"""`shadowtap score` on trial files, as a user calls it."""

import gzip
import json
import random
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main

DATA = Path(__file__).parents[4] / "shared/data"
CONFIG = """
[upgrade]
name = "sentiment"
current = "lab/m1"
pinned = true
[[candidates]]
name = "next"
pin = "lab/m2"
pinned = true
[tap]
topics = ["t"]
[kafka]
bootstrap = "h:1"
[dimensions.embedding_distance]  # no weights: these tests are about the command
model = "hashing"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("shadowtap.toml").write_text(CONFIG)
    return tmp_path


def run(*arguments: str, config: bool = True) -> Result:
    settings = ["--config", "shadowtap.toml"] if config else []
    return CliRunner().invoke(main, ["score", *arguments, *settings], env={"COLUMNS": "120"})


def trials(flipped: float, count: int = 700, *, rerun: bool = True, seed: int = 1) -> list[dict]:
    """Yes/no answers; the candidate flips a share of them, the rerun 0.5 %."""
    rng = random.Random(seed)

    def flip(answer: str, share: float) -> str:
        return {"Yes": "No", "No": "Yes"}[answer] if rng.random() < share else answer

    lines = []
    for number in range(count):
        said = rng.choice(["Yes", "No"])
        lines.append(
            {
                "request_id": f"r{number}",
                "feature": "sentiment",
                "ts": f"2026-11-01T{number % 24:02d}:00:00Z",
                "request": {
                    "messages": [{"role": "user", "content": f"Is review {number} positive? Answer Yes or No."}]
                },
                "baseline": {"model": "lab/m1", "text": said},
                "candidate": {"model": "lab/m2", "text": flip(said, flipped)},
                "label": "kept",
            }
        )
        if rerun:
            lines[-1]["rerun"] = {"model": "lab/m1", "text": flip(said, 0.005)}
    return lines


def write(lines: list[dict], name: str = "sentiment.jsonl") -> str:
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    Path(name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return name


def dimension(report: dict, name: str) -> dict:
    return next(d for d in report["candidates"][0]["features"][0]["dimensions"] if d["dimension"] == name)


def test_flipped_answers_fail_and_every_score_is_written(folder):
    outcome = run(write(trials(0.3), "sentiment.jsonl.gz"), "--format", "json", "--out", "scores.jsonl.gz")
    assert outcome.exit_code == 1
    report = json.loads(outcome.stdout)
    assert (report["upgrade"], report["current"], report["candidates"][0]["candidate"]) == (
        "sentiment",
        "lab/m1",
        "next",
    )
    assert report["coverage"] == {"consumed": 700, "replayed": 700, "compared": 700, "sampled_out": 0}
    found = dimension(report, "answer_change")
    assert (found["verdict"], found["noise"], found["trials"]) == ("FAIL", "measured", 700)
    assert found["rerun"] < 0.02
    assert 0.25 < found["candidate"] < 0.35
    lines = [json.loads(line) for line in gzip.decompress(Path("scores.jsonl.gz").read_bytes()).splitlines()]
    changed = [line for line in lines if (line["dimension"], line["arm"]) == ("answer_change", "candidate")]
    assert len(changed) == 700
    assert sum(line["value"] for line in changed) / 700 == pytest.approx(found["candidate"])
    assert set(changed[0]) == {"request_id", "feature", "candidate", "arm", "dimension", "value", "reason", "status"}


def test_the_same_answers_pass_and_min_hours_applies_only_when_given(folder):
    file = write(trials(0.0))
    assert run(file).exit_code == 0
    assert run(file, "--min-hours", "24").exit_code == 3


def test_the_table_shows_the_noise_floor_beside_the_candidate_and_reasons_by_count(folder):
    outcome = run(write(trials(0.3)))
    lines = outcome.stdout.splitlines()
    head = next(line for line in lines if "noise floor" in line)
    row = next(place for place, line in enumerate(lines) if line.split()[:2] == ["answer_change", "FAIL"])
    assert head.split("  ")[0] == "feature, dimension"
    assert "%" in lines[row][head.index("noise floor") : head.index("candidate")]
    assert "yes_no:no->yes" in lines[row + 1]
    assert all(len(line) <= 120 for line in lines)


def test_without_reruns_noise_is_assumed_and_said(folder):
    outcome = run(write(trials(0.0, rerun=False)), "--format", "json")
    assert outcome.exit_code == 3
    assert "note: no reruns in sentiment: a noise floor of 20% is assumed" in outcome.stderr
    assert dimension(json.loads(outcome.stdout), "answer_change")["noise"] == "assumed"


def test_several_candidates_are_judged_apart_and_one_can_decide_the_exit_code(folder):
    lines = trials(0.3)
    for line, good in zip(lines, trials(0.0), strict=True):
        line["candidates"] = {"bad": line.pop("candidate"), "good": good["candidate"]}
    Path("shadowtap.toml").write_text(
        CONFIG.replace('name = "next"', 'name = "bad"').replace(
            "[tap]", '[[candidates]]\nname = "good"\npin = "lab/m3"\npinned = true\n[tap]'
        )
    )
    file = write(lines)
    assert run(file).exit_code == 1
    assert run(file, "--candidate", "good").exit_code == 0
    unknown = run(file, "--candidate", "ugly")
    assert (unknown.exit_code, unknown.stderr) == (2, "--candidate: 'ugly' is not in the files; there are bad, good\n")


def test_a_repeated_trial_counts_once(folder):
    lines = trials(0.0, count=60)
    outcome = run(write(lines), write(lines, "again.jsonl"), "--format", "json")
    assert json.loads(outcome.stdout)["coverage"]["compared"] == 60
    assert "note: 60 lines repeat a request_id of their feature; the first one counts" in outcome.stderr


def test_one_trial_is_shown_with_its_answers_side_by_side(folder):
    lines = trials(0.0, count=3)
    lines[1]["candidate"] = {"model": "lab/m2", "error": "rejected:temperature"}
    lines[2]["candidate"] |= {
        "text": "No [red]doubt[/red] \ud800",
        "tool_calls": [{"name": "f", "arguments": {"a": 1}}],
    }
    lines[2]["baseline"]["text"] = "Yes"
    file = write(lines)
    shown = run(file, "--show", "r2")
    assert shown.exit_code == 0
    assert "Is review 2 positive?" in shown.stdout
    assert "No [red]doubt[/red] ?" in shown.stdout
    assert 'f({"a":1})' in shown.stdout
    assert "yes_no:yes->no" in shown.stdout
    assert "does not apply: " in shown.stdout
    assert "invalid_json (no_json_due)" in " ".join(shown.stdout.split())
    assert "error: rejected:temperature" in run(file, "--show", "r1").stdout
    as_json = json.loads(run(file, "--show", "r1", "--format", "json").stdout)
    assert ("call_error", "candidate", 1.0) in [(s["dimension"], s["arm"], s["value"]) for s in as_json["scores"]]
    absent = run(file, "--show", "r9")
    assert (absent.exit_code, absent.stderr.splitlines()[-1]) == (2, "--show: no trial has request_id 'r9'")


def test_the_tools_and_the_form_that_were_asked_for_are_shown(folder):
    offered = {"tools": [{"type": "function", "function": {"name": "f"}}], "response_format": {"type": "json_object"}}
    called = {"model": "m", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]}
    line = {"request_id": "r1", "request": offered, "baseline": called, "candidate": {"model": "n", "text": "No."}}
    shown = run(write([line]), "--show", "r1").stdout
    assert "tools: f" in shown
    assert "response_format: json_object" in shown
    assert "  missing_call: f" in shown


def test_the_documented_trial_line_is_read(folder):
    text = (Path(__file__).parents[3] / "docs/formats.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```jsonl\n(.*?)```", text, re.DOTALL)
    Path("documented.jsonl").write_text(line.replace("\n", ""), encoding="utf-8")
    outcome = run("documented.jsonl", "--show", "r1", "--format", "json")
    assert outcome.exit_code == 0
    assert json.loads(outcome.stdout)["candidates"][0]["answer"]["tool_calls"][0]["name"] == "f"


def test_a_bad_line_is_named_by_file_and_number_before_anything_is_scored(folder):
    good = [json.dumps(line) for line in trials(0.0, count=20)]
    for bad, what in [
        ("{", "no JSON (Expecting property name enclosed in double quotes at column 2)"),
        ("[]", "a trial line is a JSON object, not list"),
        (
            "{}",
            "'request_id' is missing; a trial line has request_id, request, baseline and candidate (docs/formats.md)",
        ),
        ('{"request_id": 1, "request": {}}', "'candidate' is missing (or 'candidates', an object of name to answer)"),
        (
            '{"request_id": 1, "request": {}, "candidate": {"model": "m"}, "baseline": {"model": "m", "text": "a"}}',
            "candidate 'candidate': an answer needs one of 'text', 'tool_calls' or 'error'",
        ),
        (
            (
                '{"request_id": 1, "request": {}, "candidates": {"x": {"model": "m", "text": ""}},'
                ' "baseline": {"model": "m", "text": "a"}}'
            ),
            "candidate 'x' is not configured; name it as one that is: next",
        ),
        ('{"request_id": 1, "request": {}, "candidate": {"model": "m", "text": "", "latency_ms": "1"}}', "baseline: "),
        ("[" * 100_000, "nested too deep"),
    ]:
        Path("bad.jsonl").write_text("\n".join([*good[:16], bad, *good[16:]]))
        outcome = run("bad.jsonl", "--out", "scores.jsonl")
        assert outcome.exit_code == 2
        assert outcome.stderr.startswith(f"bad.jsonl:17: {what}")
        assert outcome.stderr.count("\n") == 1
        assert not Path("scores.jsonl").exists()


def test_a_file_that_is_absent_empty_or_broken_says_so(folder):
    Path("broken.jsonl.gz").write_bytes(gzip.compress(json.dumps(trials(0, 1)[0]).encode() * 99)[:60])
    Path("no.jsonl.gz").write_text("no gzip")
    Path("empty.jsonl").write_text("\n \n")
    for name, told in [
        ("absent.jsonl", "absent.jsonl: cannot be read (No such file or directory)"),
        ("empty.jsonl", "empty.jsonl: no trial in it"),
        ("broken.jsonl.gz", "broken.jsonl.gz:1: the gzip file is broken"),
        ("no.jsonl.gz", "no.jsonl.gz:1: the gzip file is broken"),
    ]:
        outcome = run(name)
        assert (outcome.exit_code, outcome.stderr.count("\n")) == (2, 1)
        assert outcome.stderr.startswith(told)


def test_without_a_configuration_the_file_gives_the_names(folder):
    lines = trials(0.0, count=70)
    for line in lines[:10]:
        line["baseline"]["model"] = "lab/m1-other"
    outcome = run(write(lines, "own-name.v2.jsonl"), "--show", "r1", "--format", "json", config=False)
    assert outcome.exit_code == 0
    assert json.loads(outcome.stdout)["candidates"][0]["pin"] == "lab/m2"
    assert "note: baselines of 2 models are judged as one: lab/m1 (60), lab/m1-other (10)" in outcome.stderr


@pytest.mark.skipif(not DATA.exists(), reason="no ../shared/data beside the checkout")
def test_gpt_4_lost_its_answers_between_march_and_june(folder):
    lines = []
    for number, text in enumerate(gzip.decompress((DATA / "llmdrift/prime.jsonl.gz").read_bytes()).splitlines()):
        pair = json.loads(text)
        if pair["model_a"] == "gpt-4-0314":
            arms = {
                arm: {"model": pair[f"model_{x}"], "text": pair[f"response_{x}"]["content"]}
                for arm, x in (("baseline", "a"), ("candidate", "b"))
            }
            lines.append({"request_id": number, "feature": "prime", "request": pair["request"], **arms})
    outcome = run(write(lines), "--format", "json")
    assert outcome.exit_code == 1
    report = json.loads(outcome.stdout)
    assert dimension(report, "answer_change")["candidate"] == pytest.approx(0.626, abs=0.01)
    assert dimension(report, "length_change")["verdict"] == "FAIL"


@pytest.mark.parametrize(
    "call",
    [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
        {"name": "f", "args": {"a": 1}},
    ],
)
def test_tool_calls_are_read_in_the_shape_the_provider_gave_them(folder, call):
    line = {
        "request_id": "r1",
        "request": {},
        "baseline": {"model": "m", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
        "candidate": {"model": "n", "tool_calls": [call]},
        "rerun": {"model": "m", "tool_calls": [json.loads(json.dumps(call).replace("1", "2"))]},
    }
    Path("calls.jsonl").write_text(json.dumps(line))
    shown = json.loads(run("calls.jsonl", "--show", "r1", "--format", "json").stdout)
    found = {score["arm"]: score["value"] for score in shown["scores"] if score["dimension"] == "tool_call_change"}
    assert found == {"candidate": 0.0, "rerun": 1.0}
