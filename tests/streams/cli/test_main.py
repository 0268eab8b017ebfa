"""The command line as a whole: help, errors, exit codes."""

import subprocess
import sys
import time
from typing import get_args

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from schemas.config import Config, load_config
from schemas.errors import UnreachableError
from streams.cli import COMMANDS, Commands, main


def test_every_listed_command_loads_under_its_name():
    context = click.Context(main)
    listed = main.list_commands(context)
    assert {"init", "score"} <= set(listed) <= set(COMMANDS)
    for name in listed:
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_help_comes_at_once_and_imports_nothing_slow():
    script = "import sys; from streams.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    started = time.perf_counter()
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    took = time.perf_counter() - started
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert not loaded & {"faust", "torch", "aiokafka", "clickhouse_connect", "pydantic", "numpy", "rich"}
    assert "score" in ran.stdout
    assert took < 5  # 0.2 s on a machine that has nothing else to do


def test_an_unknown_command_or_option_is_a_usage_error():
    for arguments in (["nope"], ["score"], ["score", "--nope"], ["init", "--config"]):
        assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (UnreachableError("kafka.bootstrap: no broker at h:1"), 4, "kafka.bootstrap: no broker at h:1\n"),
        (KeyboardInterrupt(), 130, ""),
        (ValueError("odd"), 70, "internal error, ValueError: odd (--debug shows where)\n"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code_that_is_no_verdict(raised, code, told):
    @click.group(cls=Commands)
    @click.option("--debug", is_flag=True)
    def program(debug):
        raise raised

    program.add_command(click.Command("score"), "score")
    outcome = CliRunner().invoke(program, ["score"])
    assert (outcome.exit_code, outcome.stderr) == (code, told)
    debugged = CliRunner().invoke(program, ["--debug", "score"])
    assert debugged.exit_code == code
    assert debugged.stderr.endswith(told)
    assert ("Traceback" in debugged.stderr) == bool(told)


def test_a_pipe_that_closes_early_is_no_verdict(tmp_path):
    ran = subprocess.run(
        f"{sys.executable} -c 'from streams.cli import main; main()' score --help | true; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() in ("0", "141")
    assert "Traceback" not in ran.stderr


def test_init_writes_a_file_that_loads_and_never_over_one(tmp_path):
    path = tmp_path / "shadowtap.toml"
    assert CliRunner().invoke(main, ["init", "--config", str(path)]).exit_code == 0
    assert load_config(path).tap.topics == ("llm.gateway",)
    path.write_text("mine")
    again = CliRunner().invoke(main, ["init", "--config", str(path)])
    assert (again.exit_code, path.read_text()) == (2, "mine")
    assert again.stderr == f"{path}: is there already; remove it, or name another with --config\n"
    nowhere = CliRunner().invoke(main, ["init", "--config", str(tmp_path / "no/where.toml")])
    assert (nowhere.exit_code, nowhere.stderr.count("\n")) == (2, 1)


def test_the_file_that_init_writes_mentions_every_key(tmp_path):
    path = tmp_path / "shadowtap.toml"
    CliRunner().invoke(main, ["init", "--config", str(path)])
    text = path.read_text()

    def tables(annotation):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
            for field in annotation.model_fields.values():
                yield from tables(field.annotation)
        for inside in get_args(annotation):
            yield from tables(inside)

    missing = [key for model in tables(Config) for key in model.model_fields if key not in text]
    assert missing == []
