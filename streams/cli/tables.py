"""Tables that several commands print: the verdicts, and one trial with its answers side by side."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.verdicts import CandidateVerdict, DimensionVerdict, Effect, FeatureVerdict, Report, Verdict

STYLE = {
    Verdict.FAIL: "bold red",
    Verdict.PASS: "bold green",
    Verdict.REVIEW: "bold yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.CONTINUE: "cyan",
    Verdict.NODATA: "magenta",
}
REASONS = 3  # the commonest that a row names
_NOTHING = "-"


def verdict_table(report: Report) -> RenderableType:
    """Every candidate with its features and their dimensions, worst first, the noise floor beside the candidate."""
    parts: list[RenderableType] = [_title(report)]
    for candidate in report.candidates:
        parts += [Text(), _candidate_line(candidate), _candidate_table(candidate)]
    return Group(*parts)


def _title(report: Report) -> Text:
    return Text.assemble("upgrade ", (report.upgrade, "bold"), f", current {report.current}")


def _candidate_line(candidate: CandidateVerdict) -> Text:
    return Text.assemble(
        "candidate ",
        (candidate.candidate, "bold"),
        f" ({candidate.pin}): " if candidate.pin != candidate.candidate else ": ",
        (candidate.verdict, STYLE[candidate.verdict]),
        f", {candidate.compared} compared, {candidate.paired} with a rerun",
    )


def _candidate_table(candidate: CandidateVerdict) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("feature, dimension", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("effect")
    table.add_column("baseline", justify="right", no_wrap=True)
    table.add_column("noise floor", justify="right", no_wrap=True)
    table.add_column("candidate", justify="right", no_wrap=True)
    table.add_column("excess, 95 %", no_wrap=True)
    table.add_column("trials", justify="right")
    table.add_column("why, reasons", ratio=1)
    for feature in candidate.features:
        table.add_row(*_feature_row(feature))
        for dimension in feature.dimensions:
            if not _says_nothing(dimension):
                table.add_row(*_dimension_row(dimension))
        quiet = [dimension.dimension for dimension in feature.dimensions if _says_nothing(dimension)]
        if quiet:
            table.add_row(Text(f"  ({len(quiet)} without evidence)", "dim"), *[""] * 7, Text(", ".join(quiet), "dim"))
    return table


def _says_nothing(found: DimensionVerdict) -> bool:
    return found.trials == 0 and found.effect is Effect.INFO


def _feature_row(feature: FeatureVerdict) -> Sequence[Text]:
    empty = [Text()] * 5
    return [
        Text(feature.feature, "bold"),
        Text(feature.verdict, STYLE[feature.verdict]),
        *empty,
        Text(str(feature.compared), "bold"),
        Text(feature.why),
    ]


def _dimension_row(found: DimensionVerdict) -> Sequence[Text]:
    quiet = "dim" if found.effect is Effect.INFO else ""
    noise = "assumed" if found.noise == "assumed" else _percent(found.rerun)
    return [
        Text(f"  {found.dimension}", quiet),
        Text(found.verdict, STYLE[found.verdict] if not quiet else "dim"),
        Text(found.effect, quiet),
        Text(_percent(found.baseline), quiet),
        Text(noise, quiet),
        Text(_percent(found.candidate), quiet),
        Text(_excess(found), quiet),
        Text(str(found.trials), quiet),
        Text(", ".join(part for part in (found.why, commonest(found.reasons)) if part), quiet),
    ]


def commonest(reasons: Mapping[str, int], shown: int = REASONS) -> str:
    """The commonest reason codes with their counts, and how many others there are.

    >>> commonest({"a": 1, "b": 7, "c": 1, "d": 1})
    '7 b, 1 a, 1 c, 1 other'
    """
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count} {reason}" for reason, count in ordered[:shown]]
    rest = sum(count for _, count in ordered[shown:])
    return ", ".join([*named, f"{rest} other"] if rest else named)


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1%}"


def _excess(found: DimensionVerdict) -> str:
    if found.excess is None:
        return _NOTHING
    interval = "" if found.low is None or found.high is None else f" [{found.low:+.1%}, {found.high:+.1%}]"
    return f"{found.excess:+.1%}{interval}"
