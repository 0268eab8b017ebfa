"""The verdict table that `score`, `status` and `demo` print.

Laid out by hand rather than by rich's table, because a row has two parts: figures in columns, which are dropped from
the least telling on where the terminal is narrow, and reasons on a line of their own, which may be long.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.text import Text

from comparators.drift.betting import e_value
from schemas.values import immutable
from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Forecast, Report, Verdict

STYLE = {
    Verdict.FAIL: "bold red",
    Verdict.PASS: "bold green",
    Verdict.REVIEW: "bold yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.CONTINUE: "cyan",
    Verdict.NODATA: "magenta",
}
COLUMNS = (
    "dimension", "verdict", "effect", "baseline", "noise floor", "candidate", "excess", "95 %", "trials",
    "forecast", "why",
)  # fmt: skip
_LEFT = frozenset({"dimension", "verdict", "effect", "forecast", "why"})
_DROPPED_FIRST = ("why", "95 %", "effect", "baseline", "forecast")
_GAP = "  "
_REASONS = 4  # the commonest that a line names
_CHANGED = re.compile(r"field:|.*(->|:(changed|missing|added)$)")
_AMOUNT = re.compile(r"1e-?\d+|along|against|level")  # where an answer stands on a scale, which tells no difference
_REASONS_OF_SAME = frozenset({"answer_change"})  # dimensions that give unchanged answers a reason, too


def verdict_table(report: Report, *, whole: bool = False) -> RenderableType:
    """Every candidate with its features and their dimensions, worst first, the noise floor beside the candidate.

    Dimensions that tell of no difference are only named, unless the `whole` table is wanted.
    """
    return _Verdicts(report, whole)


@immutable
class _Row:
    cells: Mapping[str, Text]
    beneath: str = ""


@immutable
class _Verdicts:
    report: Report
    whole: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        report = self.report
        yield Text.assemble("upgrade ", (report.upgrade, "bold"), f", current {report.current}")
        for candidate in report.candidates:
            yield Text()
            yield _candidate_line(candidate)
            for accepted in candidate.accepted:
                yield Text(f"accepted by {accepted.by}: {accepted.what} ({accepted.reason})", "dim")
            yield from _lines(list(_rows(candidate, whole=self.whole)), options.max_width)


def _candidate_line(candidate: CandidateVerdict) -> Text:
    return Text.assemble(
        "candidate ",
        (candidate.candidate, "bold"),
        f" ({candidate.pin}): " if candidate.pin != candidate.candidate else ": ",
        (candidate.verdict, STYLE[candidate.verdict]),
        f", {candidate.compared} compared, {candidate.paired} with a rerun",
    )


def _rows(candidate: CandidateVerdict, *, whole: bool) -> Iterator[_Row]:
    for feature in candidate.features:
        yield _feature_row(feature)
        named: dict[str, list[str]] = {"within tolerance": [], "without evidence": []}
        for found in feature.dimensions:
            if _says_nothing(found):
                named["without evidence"].append(found.dimension)
            elif _is_quiet(found) and not whole:
                named["within tolerance"].append(found.dimension)
            else:
                yield _dimension_row(found)
        if count := sum(map(len, named.values())):
            said = "; ".join(f"{what}: {', '.join(names)}" for what, names in named.items() if names)
            yield _Row({"dimension": Text(f"  ({count} more)", "dim")}, said)


def _feature_row(feature: FeatureVerdict) -> _Row:
    return _Row(
        {
            "dimension": Text(feature.feature, "bold"),
            "verdict": Text(feature.verdict, STYLE[feature.verdict]),
            "trials": Text(str(feature.compared), "bold"),
            "why": Text(feature.why),
        },
        "; ".join(part for part in (_when(feature), _learning(feature)) if part),
    )


def _learning(feature: FeatureVerdict) -> str:
    names = ", ".join(feature.calibrating)
    return f"still learning what is usual here: {names}" if names and feature.compared else ""


def _when(feature: FeatureVerdict) -> str:
    """The feature's forecast in a sentence, empty where it has its verdict."""
    told = feature.forecast
    if told is None:
        return ""
    if told.to is None or told.trials is None:
        return "no verdict in sight yet"
    spread = f"{told.earliest:,} to {told.latest:,}" if told.latest is not None else f"{told.earliest:,} or more"
    hours = ""
    if told.hours is not None and told.earliest_hours is not None:
        until = f" to {told.latest_hours:.0f}" if told.latest_hours is not None else " or more"
        hours = f", in {told.hours:.0f} h ({told.earliest_hours:.0f}{until})"
    share = f"; to be in time, rerun {feature.rerun_share:.0%}" if feature.rerun_share is not None else ""
    return f"{told.to} after {told.trials:,} more exchanges ({spread}, 8 times in 10){hours}{share}"


def _dimension_row(found: DimensionVerdict) -> _Row:
    style = "dim" if found.effect is Effect.INFO else ""
    interval = "" if found.low is None or found.high is None else f"[{found.low:+.1%}, {found.high:+.1%}]"
    cells = {
        "dimension": f"  {found.dimension}",
        "effect": found.effect.value,
        "baseline": _percent(found.baseline),
        "noise floor": "assumed" if found.noise == "assumed" else _percent(found.rerun),
        "candidate": _percent(found.candidate),
        "excess": "-" if found.excess is None else f"{found.excess:+.1%}",
        "95 %": interval,
        "trials": str(found.trials),
        "forecast": _forecast(found.forecast),
        "why": found.why,
    }
    texts = {name: Text(cell, style) for name, cell in cells.items()}
    return _Row(texts | {"verdict": Text(found.verdict, style or STYLE[found.verdict])}, _beneath(found))


def _forecast(told: Forecast | None) -> str:
    """Trials to go: `PASS in 238 (100-900)`."""
    if told is None or told.to is None:
        return ""
    if told.earliest == told.latest:
        return f"{told.to} in {told.trials:,}"
    return f"{told.to} in {told.trials:,} ({told.earliest:,}-{'' if told.latest is None else f'{told.latest:,}'})"


def _beneath(found: DimensionVerdict) -> str:
    parts = [_reasons(found)]
    if found.log_e_mcnemar is not None and found.effect is not Effect.INFO and found.worse + found.better:
        parts.append(f"{found.worse} worse and {found.better} better (McNemar e {e_value(found.log_e_mcnemar)})")
    if found.rate_in_traffic is not None and _percent(found.rate_in_traffic) != _percent(found.candidate):
        parts.append(f"{_percent(found.rate_in_traffic)} in all traffic")
    return "; ".join(part for part in parts if part)


def _reasons(found: DimensionVerdict) -> str:
    told = {reason: count for reason, count in found.reasons.items() if _tells(found.dimension, reason)}
    return commonest(told)


def _tells(dimension: str, reason: str) -> bool:
    if dimension in _REASONS_OF_SAME:
        return _CHANGED.match(reason) is not None
    return not tells_no_difference(reason)


def tells_no_difference(reason: str) -> bool:
    """Whether a reason says where an answer stands on a scale (`1e3`), rather than what is wrong with it."""
    return _AMOUNT.fullmatch(reason) is not None


def commonest(reasons: Mapping[str, int], shown: int = _REASONS) -> str:
    """The commonest reason codes with their counts, and how many others there are.

    >>> commonest({"a": 1, "b": 7, "c": 1, "d": 1}, shown=3)
    '7 b, 1 a, 1 c, 1 other'
    """
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count} {reason}" for reason, count in ordered[:shown]]
    rest = sum(count for _, count in ordered[shown:])
    return ", ".join([*named, f"{rest} other"] if rest else named)


def _says_nothing(found: DimensionVerdict) -> bool:
    return found.trials == 0 and found.effect is Effect.INFO


def _is_quiet(found: DimensionVerdict) -> bool:
    """Whether it neither differs, nor may come to, nor holds a PASS back; of what blocks noise is worth a look, too."""
    heads_for_fail = found.forecast is not None and found.forecast.to is Verdict.FAIL
    if found.verdict is Verdict.FAIL or heads_for_fail or (found.excess or 0.0) > found.tolerance:
        return False
    if found.effect is Effect.INFO:
        return True
    is_noisy = found.effect is Effect.BLOCK and (found.candidate or found.rerun)
    return found.verdict in (Verdict.PASS, Verdict.CONTINUE) and not is_noisy


def _lines(rows: Sequence[_Row], width: int) -> Iterator[RenderableType]:
    widths = {
        name: max(len(name), *(row.cells[name].cell_len for row in rows if name in row.cells)) if rows else len(name)
        for name in COLUMNS
    }
    kept = list(COLUMNS)
    for name in _DROPPED_FIRST:
        if sum(widths[column] + len(_GAP) for column in kept) - len(_GAP) > width:
            kept.remove(name)
    heads = {name: Text(name if name != "dimension" else "feature, dimension", "dim") for name in COLUMNS}
    widths["dimension"] = max(widths["dimension"], heads["dimension"].cell_len)
    for row in (_Row(heads), *rows):
        yield _line(row, kept, widths)
        if row.beneath:
            yield Padding(Text(row.beneath, "dim"), (0, 0, 0, 4), expand=False)


def _line(row: _Row, kept: Sequence[str], widths: Mapping[str, int]) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for name in kept:
        cell = row.cells.get(name, Text())
        space = " " * (widths[name] - cell.cell_len)
        line.append_text(cell + space if name in _LEFT else Text(space) + cell)
        line.append(_GAP)
    line.rstrip()
    return line


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
