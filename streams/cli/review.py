"""`shadowtap review`: a person judges pairs of answers, not knowing which is which."""

import asyncio
import getpass
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemas import json_text
from schemas.config import CONFIG_FILE, load_config
from schemas.config_problems import nearest
from schemas.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from schemas.config import Config
    from schemas.opinions import Judgement
    from streams.reviewing import Pair
    from streams.store import Store

LETTERS = ("A", "B")
ASKED = "Which is better? [a], [b], [s]ame: both fine, [n]either is fine, [l]ater, [q]uit: "


@click.command("review")
@click.argument("candidate")
@click.option(
    "--by", default=getpass.getuser, show_default="who you are here", help="Your name, kept with each opinion."
)
@click.option("--feature", default="", help="Only pairs of this feature.")
@click.option("--pairs", "count", type=click.IntRange(1, 1000), default=30, show_default=True)
@click.option("--config", "path", type=click.Path(path_type=Path), default=CONFIG_FILE, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def review(candidate: str, by: str, feature: str, count: int, path: Path, form: str) -> None:  # noqa: PLR0917 - click's signature
    """Judge the most telling pairs of answers, side by side and blind; then see which was which.

    Each answer is stored at once in table `opinions`, so that one may stop and go on later. At the end stands how
    far the dimensions agree with what people found.
    """
    from rich.console import Console  # noqa: PLC0415 - only where something is drawn

    from streams.reviewing import pairs  # noqa: PLC0415 - slow to import
    from streams.store.configured import open_store  # noqa: PLC0415 - the same

    config = load_config(path)
    names = [known.name for known in config.candidates]
    if candidate not in names:
        raise UsageError(f"review: no candidate is called {candidate!r} ({nearest(candidate, names)})")
    console = Console(stderr=form == "json")

    async def main() -> None:
        async with open_store(config) as store:
            await store.require_schema()
            found = await pairs(store, config, candidate, feature, count)
            said = await _judge(store, config, candidate, by, found, console)
            console.print()
            if said:
                console.print(_revealed(found, said, by))
            await _agreement(store, config, candidate, console, form)

    asyncio.run(main())


async def _judge(  # noqa: PLR0917 - six things of six types
    store: "Store", config: "Config", candidate: str, by: str, found: Sequence["Pair"], console: "Console"
) -> dict[Any, "Judgement"]:
    """Ask about each pair that this person has not judged yet; what was answered now, by comparison."""
    from schemas.opinions import Opinion  # noqa: PLC0415 - with its neighbours

    upgrade = config.upgrade.name
    judged = await store.judged_by(upgrade, candidate, by)
    left = [pair for pair in found if pair.comparison_id not in judged]
    if len(left) < len(found):
        console.print(f"{len(found) - len(left)} of {len(found)} pairs you have judged already.")
    said: dict[Any, Judgement] = {}
    for number, pair in enumerate(left, start=1):
        console.print(_shown(pair, by, f"pair {number} of {len(left)}"))
        answer = _answer(console)
        if answer == "q":
            break
        if answer == "l":
            continue
        letter = pair.candidate_letter(by)
        opinion = _meant(answer, letter)
        now_ms = int(time.time() * 1000)
        await store.put_opinion(
            upgrade, candidate, Opinion(pair.comparison_id, pair.hour, pair.feature, by, opinion, letter, now_ms)
        )
        said[pair.comparison_id] = opinion
    return said


def _answer(console: "Console") -> str:
    """The letter that was typed; the end of the input is `q`."""
    while True:
        console.print(ASKED, end="", markup=False, highlight=False)
        line = sys.stdin.readline()
        if not line:
            return "q"
        typed = line.strip().lower()[:1]
        if typed and typed in "absnlq":
            return typed


def _meant(answer: str, candidate_letter: str) -> "Judgement":
    from schemas.opinions import Judgement  # noqa: PLC0415 - with its neighbours

    if answer in "sn":
        return Judgement.SAME if answer == "s" else Judgement.BOTH_BAD
    return Judgement.BETTER if answer.upper() == candidate_letter else Judgement.WORSE


def _shown(pair: "Pair", by: str, place: str) -> "RenderableType":
    from rich.console import Group  # noqa: PLC0415 - only where something is drawn
    from rich.panel import Panel  # noqa: PLC0415 - the same
    from rich.rule import Rule  # noqa: PLC0415 - the same
    from rich.table import Table  # noqa: PLC0415 - the same

    from streams.cli.side_by_side import message, said  # noqa: PLC0415 - the same

    table = Table(expand=True)
    for letter in LETTERS:
        table.add_column(letter, ratio=1, overflow="fold")
    table.add_row(*(said(answer) for answer in pair.answers(by)))
    asked = Group(*(message(role, text) for role, text in pair.request.messages))
    return Group(Rule(f"{place}, {pair.feature}"), Panel(asked, title="request", title_align="left"), table)


def _revealed(found: Sequence["Pair"], said: dict[Any, "Judgement"], by: str) -> "RenderableType":
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(
        "request", "feature", "the candidate was", "you found it", title="Which was which", title_justify="left"
    )
    for pair in found:
        if pair.comparison_id in said:
            opinion = said[pair.comparison_id].replace("_", " ")
            table.add_row(Text(pair.request_id), Text(pair.feature), pair.candidate_letter(by), opinion)
    return table


async def _agreement(store: "Store", config: "Config", candidate: str, console: "Console", form: str) -> None:
    """How far the dimensions agree with all opinions on this candidate."""
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    from streams.reviewing import AGREES_FROM  # noqa: PLC0415 - slow to import
    from streams.store.shipped_queries import shipped_query  # noqa: PLC0415 - with its neighbours

    parameters = {"upgrade": config.upgrade.name, "candidate": candidate, "threshold": AGREES_FROM}
    names, rows = await store.connection.named_rows(shipped_query("agreement_with_people").sql, parameters)
    told = [dict(zip(names, row, strict=True)) for row in rows]
    if form == "json":
        click.echo(
            json_text.dumps({"upgrade": config.upgrade.name, "candidate": candidate, "dimensions": told}).decode()
        )
        return
    if not told:
        console.print("Nobody has judged a pair of this candidate yet.")
        return
    table = Table(
        "dimension", "flagged", "of those worse", "not flagged", "of those worse", "agreement",
        title=f"What all who judged found, beside the dimensions (flagged: an excess from {AGREES_FROM})",
        title_justify="left",
    )  # fmt: skip
    flagging = [one for one in told if one["flagged"]]
    for one in flagging:
        figures = (one[name] for name in ("flagged", "flagged_worse", "passed", "passed_worse"))
        table.add_row(one["dimension"], *(str(figure) for figure in figures), f"{one['agreement']:.0%}")
    console.print(table)
    if len(flagging) < len(told):
        console.print(f"{len(told) - len(flagging)} other dimensions flag none of these pairs.")
