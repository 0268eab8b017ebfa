"""How `shadowtap check` shows what it found."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from schemas.config import Config
from schemas.verdicts import Forecast
from streams.checking import Finding
from streams.looking import REPLAYABLE, Tapped
from streams.planning import DAY_H, Plan
from streams.replay.rates import FLIPS

SHOWN = 12
LEGIBLE = 14  # characters of a feature's name, also on a narrow terminal
_MEANS = {
    REPLAYABLE: "",
    "out_of_scope": "names no model of tap.match",
    "own_traffic": "replays of ours, recognised",
    "unreplayable: no_request": "the request was not logged",
    "unreplayable: no_answer": "no answer, and no error",
    "unreplayable: no_messages": "no chat messages in the request",
    "unreplayable: redacted": "the log has no texts",
    "dead_letter: not_json": "no JSON",
    "dead_letter: unknown_format": "no request and answer where they are looked for; see tap.mapping",
    "dead_letter: confluent_framed": "Avro or Protobuf, which is not read",
}


def show(found: Finding | Tapped | Plan, config: Config) -> RenderableType:
    """One thing that was found."""
    if isinstance(found, Finding):
        word = Text("  mend  ", "bold red") if found.trouble else Text("    ok  ", "green")
        line = Table.grid()
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(word, Text.assemble((found.what, "bold"), ": ", found.trouble or found.said))
        return line
    return Group(*(_tapped(found) if isinstance(found, Tapped) else _plan(found, config)))


def _tapped(found: Tapped) -> Iterator[RenderableType]:
    age = "" if found.age_s is None else f", the newest {_ago(found.age_s)} ago"
    yield Text()
    yield Text(f"The last {found.records:,} records of {len(found.places)} partitions: {found.hours:.1f} hours{age}")
    told = sum(found.outcomes.values())
    if not found.outcomes["own_traffic"]:
        yield Text(
            "  replays of ours are not among them: not logged by your gateway, or nothing was replayed yet", "dim"
        )
    yield _counts(
        "what becomes of them", ((name, count, _MEANS.get(name, "")) for name, count in _most(found.outcomes)), told
    )
    yield _counts("models named", ((name, count, "") for name, count in _most(found.models)), told)


def _plan(made: Plan, config: Config) -> Iterator[RenderableType]:
    max_hours = config.verdict.max_hours
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("\nfeature", overflow="fold", min_width=LEGIBLE)
    days = ("exchanges\na day", "calls\na day", "USD\na day")
    for name in (*days, "\nrerun", "hours\nto PASS", f"rerun for\n{max_hours:g} h"):
        table.add_column(name, justify="right", no_wrap=True)
    for feature in made.features[:SHOWN]:
        table.add_row(
            feature.feature,
            f"{feature.per_day:,.0f}",
            f"{feature.calls_per_day:,.0f}",
            _usd(feature.usd_per_day),
            f"{feature.rerun:.0%}",
            _hours(feature.passes, max_hours),
            ">100%" if feature.needs_rerun is None else f"{feature.needs_rerun:.0%}",
        )
    yield Text()
    yield Text("What it will take, by traffic like that")
    yield Padding(table, (0, 0, 0, 2))
    if len(made.features) > SHOWN:
        yield Text(f"  and {len(made.features) - SHOWN} features more", "dim")
    yield Text(f"  a day: {made.calls_per_day:,.0f} calls, {_usd(made.usd_per_day)} USD; {_capped(made)}")
    yield Text(f"  the dearest exchange reserves {made.dearest_usd:.4f} USD until its answers are there")
    if made.unpriced:
        yield Text(f"  no price is known for {', '.join(made.unpriced)}", "yellow")
    dates = sorted({price.as_of for c in config.candidates if (price := config.price(c.pin)) and price.as_of})
    if dates:
        yield Text(f"  list prices of {dates[0]}; your own go under [prices]", "dim")
    yield Text(
        f"  hours: if the candidate does not drift and the current pin changes {FLIPS:.0%} of its answers by itself;"
        " in brackets: 8 times in 10",
        "dim",
    )


def _capped(made: Plan) -> str:
    if made.asked >= 1:
        return "within the budget"
    wanted = f"{made.wanted_calls:,.0f} calls" + (f", {_usd(made.wanted_usd)} USD" if made.wanted_usd else "")
    return f"the budget allows {made.asked:.1%} of what sampling wants ({wanted})"


def _hours(told: Forecast, max_hours: float) -> Text:
    if told.hours is None:
        return Text("never", "red")
    spread = ""
    if told.earliest_hours is not None and told.latest_hours is not None and told.latest_hours > told.earliest_hours:
        spread = f" ({told.earliest_hours:.0f}-{told.latest_hours:.0f})"
    return Text(f"{told.hours:,.0f}{spread}", "yellow" if told.hours > max_hours else "")


def _counts(title: str, rows: Iterable[tuple[str, int, str]], total: int) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(title, overflow="ellipsis")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", style="dim")
    for name, count, means in rows:
        table.add_row(name, f"{count:,}", _share(count / max(1, total)), means)
    return Padding(table, (0, 0, 0, 2))


def _most(counted: "dict[str, int]") -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda pair: -pair[1])[:SHOWN]


def _share(part: float) -> str:
    return "<1%" if 0 < part < 0.005 else f"{part:.0%}"  # noqa: PLR2004 - what would be rounded to 0


def _usd(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:,.2f}"


def _ago(seconds: float) -> str:
    for unit, length in (("days", DAY_H * 3600), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
