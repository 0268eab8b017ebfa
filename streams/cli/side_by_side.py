"""One trial: the request, every arm's answer side by side, and what each comparator said of them."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from comparators.tools.offered_tools import offered_tools
from schemas import json_text
from schemas.answers import Answer
from schemas.comparisons import ArmScore, Comparison, DimensionScore, Status
from schemas.exchanges import Request
from schemas.trials import Trial
from streams.cli.tables import tells_no_difference

LONGEST = 4000  # characters of a text that are shown
_NOTHING = "-"


def trial_side_by_side(
    trial: Trial, comparisons: Sequence[Comparison], assumed_noise: float | None = None
) -> RenderableType:
    """Everything about a trial that a person needs to say who is right."""
    head = Text.assemble(
        "trial ", (trial.request_id, "bold"), ", feature ", (trial.feature, "bold"), f", {trial.source.topic}"
    )
    request = Group(*(message(role, text) for role, text in trial.request.messages), *_asked_for(trial.request))
    parts: list[RenderableType] = [head, Panel(request, title="request", title_align="left"), _answers(trial)]
    for comparison in comparisons:
        parts += [Text(), _scores(comparison, assumed_noise)]
        if skipped := ", ".join(
            f"{it.dimension} ({it.candidate.reason})" for it in comparison.scores if _is_skipped(it)
        ):
            parts.append(Text(f"does not apply: {skipped}", "dim"))
    return Group(*parts)


def _asked_for(request: Request) -> Iterator[Text]:
    """What a request asks beside its messages: the tools it offers and the form of the answer."""
    if tools := offered_tools(request):
        yield Text.assemble(("tools: ", "dim"), ", ".join(tools))
    if form := request.response_format.get("type"):
        yield Text.assemble(("response_format: ", "dim"), str(form))


def message(role: str, text: str) -> Text:
    """A message of a request."""
    return Text.assemble((f"{role}: ", "dim"), _cut(text))


def _answers(trial: Trial) -> Table:
    arms = [("baseline", trial.baseline)]
    if trial.rerun is not None:
        arms.append(("rerun", trial.rerun))
    arms += [(candidate.name, candidate.answer) for candidate in trial.candidates]
    table = Table(expand=True, show_lines=True)
    for name, answer in arms:
        table.add_column(Text.assemble(name, (f"\n{answer.model}", "dim")), ratio=1, overflow="fold")
    table.add_row(*(said(answer) for _, answer in arms))
    table.add_row(*(_facts(answer) for _, answer in arms))
    return table


def said(answer: Answer) -> Text:
    """What an arm said: its text and tool calls, or its error."""
    if answer.error is not None:
        return Text(f"error: {answer.error}", "red")
    calls = [f"{call.name}({json_text.dumps(call.arguments).decode()})" for call in answer.tool_calls]
    return Text("\n".join([_cut(answer.content), *calls] if answer.content else calls))


def _facts(answer: Answer) -> Text:
    facts = [
        answer.finish_reason,
        None if answer.latency_ms is None else f"{answer.latency_ms:.0f} ms",
        None if answer.usage.output_tokens is None else f"{answer.usage.output_tokens} tokens",
        None if answer.cost_usd is None else f"${answer.cost_usd:.6f}",
    ]
    return Text(", ".join(fact for fact in facts if fact) or _NOTHING, "dim")


def _scores(comparison: Comparison, assumed_noise: float | None) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", title_justify="left")
    table.title = Text.assemble("candidate ", (comparison.candidate, "bold"))
    if assumed_noise is not None:
        table.title.append(f", excess over an assumed noise of {assumed_noise:.0%}")
    for name in ("dimension", "baseline", "rerun", "candidate", "excess", "reason"):
        table.add_column(name, justify="left" if name in ("dimension", "reason") else "right")
    for score in sorted((score for score in comparison.scores if not _is_skipped(score)), key=_telling):
        telling = score.candidate.status is Status.FAILED or bool(score.candidate.value)
        table.add_row(
            Text(score.dimension),
            *(Text(_value(arm)) for arm in (score.baseline, score.rerun, score.candidate)),
            Text(_NOTHING if score.d is None else f"{score.d:+.3f}"),
            Text(_why(score.candidate)),
            style="" if telling else "dim",
        )
    return table


def _is_skipped(score: DimensionScore) -> bool:
    arms = (score.baseline, score.rerun, score.candidate)
    return all(arm is None or arm.status is Status.SKIPPED for arm in arms)


def _why(arm: ArmScore) -> str:
    reason = "" if tells_no_difference(arm.reason) else arm.reason
    if reason and arm.detail.startswith(reason):  # which then names others as well
        return arm.detail
    return ": ".join(part for part in (reason, arm.detail) if part)


def _telling(score: DimensionScore) -> tuple[bool, float, float]:
    """Largest excess first, then largest score; what does not apply last."""
    value = score.candidate.value
    return value is None, -(score.d if score.d is not None else -1.0), -(value or 0.0)


def _value(arm: ArmScore | None) -> str:
    if arm is None:
        return ""
    return arm.status.value if arm.value is None else f"{arm.value:.3f}"


def _cut(text: str) -> str:
    text = json_text.valid_text(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
