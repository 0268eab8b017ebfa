"""The command line, `shadowtap`: a file per command, loaded when it is asked for.

A command lives in `streams/cli/<name>.py` as a click command called `<name>` and imports what is slow (Faust, models,
rich) inside its functions, so that help and errors come at once. `tables.py` draws what several commands print.
Whatever goes wrong ends as one line on stderr and the exit code of design.md section 8; `--debug` adds the traceback.
"""

import os
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

import click

from schemas.errors import ShadowtapError

COMMANDS: Mapping[str, str] = {
    "demo": "See the main job work on this machine, with known drift.",
    "init": "Write a commented shadowtap.toml.",
    "check": "Reach every part and say what to mend.",
    "migrate": "Create or upgrade the tables and create the topics.",
    "worker": "Run the agents.",
    "score": "Score recorded trials without Kafka.",
    "status": "Show the verdicts, coverage and spend.",
    "query": "Run SQL, or a shipped query, on the configured ClickHouse.",
    "clickhouse": "Serve an embedded store for other tools.",
    "accept": "Accept a difference by name, with a reason.",
    "review": "Judge pairs of answers, not knowing which is which.",
    "pause": "Stop all provider calls; the tap goes on.",
    "resume": "Let provider calls go on.",
    "backfill": "Run a candidate over a past window of the topic.",
    "rescore": "Compute new comparators over stored answers.",
}
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h: a fault of ours must not look like a FAIL
INTERRUPTED = 130  # as shells count Ctrl-C
BROKEN_PIPE = 141  # as shells count a reader that left


class Commands(click.Group):
    """Finds commands by name, and turns errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Commands that this installation has, in the order a newcomer meets them."""
        return [name for name in COMMANDS if find_spec(f"{__name__}.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; see the module's docstring for what becomes of errors."""
        try:
            return super().invoke(ctx)
        except ShadowtapError as error:
            self._tell(ctx, str(error))
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            # What is still buffered goes nowhere, instead of raising again while Python shuts down.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(BROKEN_PIPE)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost catch: an uncaught error would exit 1, which is FAIL
            self._tell(ctx, f"internal error, {type(error).__name__}: {error} (--debug shows where)")
            ctx.exit(INTERNAL_ERROR)

    @staticmethod
    def _tell(ctx: click.Context, line: str) -> None:
        if ctx.params.get("debug"):
            traceback.print_exc()
        click.echo(line, err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="shadowtap", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:  # noqa: FBT001 - read from the context where an error is told
    """Shadow-test the next LLM model version on the traffic that is already on your Kafka topics."""
