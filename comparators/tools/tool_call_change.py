"""Whether an answer calls the same tools with the same arguments as the baseline."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from comparators.comparator import FINE, Comparator, Kind, Pair, Score, inapplicable
from comparators.tools.canonical_arguments import canonical_arguments, differing_paths
from comparators.tools.offered_tools import Schema, offered_tools
from comparators.tools.written_calls import are_unmistakable, written_calls
from schemas import json_text
from schemas.answers import Answer, ToolCall

_ASKS_FOR_CALLS = re.compile(r"\b(?:functions?|tools?|call(?:s|ing)?|apis?|actions?)\b", re.IGNORECASE)
_MOST_PAIRED = 32  # calls of one name paired by likeness; more are paired in their order


@dataclass(frozen=True)
class ToolCallChange(Comparator):
    """Another tool, another argument, a call too many or too few; calls written as text count like real ones.

    **Applies** where the request offers tools (`tools`, `functions`, or described in the prompt with name and
    parameters), where the baseline calls one, or where the baseline is a call list in text that can be nothing else
    (marked by a chat template, `[f(a=1)]`, or JSON with name and arguments) or whose names stand in a prompt that
    speaks of functions, tools or calls. Without any call on either side the score is 0.

    **Sees**: calls as a multiset (parallel calls in another order are the same); arguments in one form: order of
    keys, 1 and 1.0, white space around strings; and by the tool's own schema "1" for a number, the default value (also
    one that only the argument's description tells) for an argument left out. Text is read in the forms of the common
    chat templates (`written_calls.py`). A baseline that calls through the API and an answer that merely writes the call
    in its text differ (`missing_call`, as its text never runs), and vice versa.

    **Does not see** whether two different arguments mean the same ("NYC", "New York"): the rerun shows how often the
    current pin varies them by itself. List an argument in `ignored` if it differs by design.

    **Score**: the mean over the larger number of calls, where a call missing, added or to another tool counts 1 and a
    call of the same tool 0.5 + half the share of its argument leaves that differ; 0 is the same, 1 nothing in common.

    **Reasons**, the gravest: `missing_call`, `extra_call`, `other_tool`, `argument:<path>` such as
    `argument:$.items[].price`; `detail` lists all of them with the tools. Example: for `get_weather(city="Oslo")`
    the answer `get_weather(city="Bergen")` scores 1 with `argument:$.city`.

    Settings:
        ignored: argument paths that are not compared, e.g. `$.request_id`, for all tools.
    """

    ignored: tuple[str, ...] = ()

    version: ClassVar[int] = 3
    kind: ClassVar[Kind] = Kind.DISTANCE

    def compare(self, pair: Pair) -> Score:
        """0 same calls, 1 nothing in common, None where no tool is in play."""
        tools = offered_tools(pair.request)
        baseline = pair.baseline.tool_calls or written_calls(pair.baseline.content, tools)
        if not tools and not pair.baseline.tool_calls and not _asked_for(baseline, pair):
            return inapplicable("no_tools")
        known = {**{call.name: {} for call in baseline}, **tools}
        calls, other_form = _in_form_of(pair.baseline, baseline, pair.answer, known)
        return self._score(_Changes(), baseline, calls, tools, other_form=other_form)

    def _score(
        self,
        changes: "_Changes",
        baseline: Iterable[ToolCall],
        calls: Iterable[ToolCall],
        tools: Mapping[str, Schema],
        *,
        other_form: bool,
    ) -> Score:
        wanted, given = _by_name(baseline, tools), _by_name(calls, tools)
        total = max(_count(wanted), _count(given))
        if total == 0:
            return FINE
        lacking: list[str] = []
        beyond: list[str] = []
        for name in sorted({*wanted, *given}):
            ours, theirs = _without_equal(wanted.get(name, []), given.get(name, []))
            for one, other in _paired(ours, theirs):
                changes.argument(name, self._paths(one, other))
            lacking += [name] * (len(ours) - len(theirs))
            beyond += [name] * (len(theirs) - len(ours))
        swapped = min(len(lacking), len(beyond))
        changes.note("other_tool", [f"{a} -> {b}" for a, b in zip(lacking, beyond, strict=False)])
        changes.note("missing_call", lacking[swapped:])
        changes.note("extra_call", beyond[swapped:])
        return changes.score(total, " (written as text on one side only)" if other_form else "")

    def _paths(self, one: Any, other: Any) -> list[tuple[str, bool]]:
        return [(path, differs) for path, differs in differing_paths(one, other) if path not in self.ignored]


class _Changes:
    """What differs, in the order of gravity, with its cost in calls."""

    _GRAVITY = ("missing_call", "extra_call", "other_tool")

    def __init__(self) -> None:
        self._cost = 0.0
        self._found: dict[str, list[str]] = {}

    def note(self, reason: str, what: list[str]) -> None:
        if what:
            self._cost += len(what)
            self._found.setdefault(reason, []).extend(what)

    def argument(self, tool: str, leaves: list[tuple[str, bool]]) -> None:
        differing = sorted({path for path, differs in leaves if differs})
        if differing:
            self._cost += 0.5 + 0.5 * sum(differs for _, differs in leaves) / len(leaves)
            for path in differing:
                self._found.setdefault(f"argument:{path}", []).append(tool)

    def score(self, calls: int, remark: str) -> Score:
        if not self._found:
            return FINE
        arguments = sorted((r for r in self._found if r not in self._GRAVITY), key=lambda r: (-len(self._found[r]), r))
        reasons = [reason for reason in self._GRAVITY if reason in self._found] + arguments
        detail = "; ".join(f"{reason}: {', '.join(self._found[reason])}" for reason in reasons) + remark
        return Score(min(1.0, self._cost / calls), reasons[0], detail[:300])


def answers_in_calls(pair: Pair) -> bool:
    """Whether the baseline's text is a list of tool calls, by which this dimension applies."""
    tools = offered_tools(pair.request)
    calls = written_calls(pair.baseline.content, tools)
    return bool(calls) if tools else _asked_for(calls, pair)


def _asked_for(calls: Sequence[ToolCall], pair: Pair) -> bool:
    """Whether calls in the baseline's text can be nothing else, or the prompt names them all and speaks of calling."""
    if not calls:
        return False
    if are_unmistakable(pair.baseline.content):
        return True
    prompt = f"{pair.request.system_text}\n{pair.request.user_text}"
    return all(call.name in prompt for call in calls) and _ASKS_FOR_CALLS.search(prompt) is not None


def _in_form_of(
    baseline: Answer, wanted: tuple[ToolCall, ...], answer: Answer, known: Mapping[str, Schema]
) -> tuple[tuple[ToolCall, ...], bool]:
    """The answer's calls in the form the product reads, which is the baseline's; and whether it has the other form."""
    written = () if answer.tool_calls else written_calls(answer.content, known)
    if baseline.tool_calls:
        return answer.tool_calls, bool(written)
    if wanted:
        return written, bool(answer.tool_calls)
    return answer.tool_calls or written, False


def _by_name(calls: Iterable[ToolCall], tools: Mapping[str, Schema]) -> dict[str, list[Any]]:
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for call in calls:
        grouped[call.name.strip()].append(canonical_arguments(call.arguments, tools.get(call.name, {})))
    return dict(grouped)


def _count(grouped: Mapping[str, list[Any]]) -> int:
    return sum(map(len, grouped.values()))


def _without_equal(ours: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Both lists without the arguments that stand in both, as often as they do."""
    our_keys, their_keys = [list(map(json_text.canonical, side)) for side in (ours, theirs)]
    common = Counter(our_keys) & Counter(their_keys)
    return _left_over(ours, our_keys, Counter(common)), _left_over(theirs, their_keys, Counter(common))


def _left_over(arguments: list[Any], keys: list[bytes], common: Counter[bytes]) -> list[Any]:
    left = []
    for one, key in zip(arguments, keys, strict=True):
        if common[key] > 0:
            common[key] -= 1
        else:
            left.append(one)
    return left


def _paired(ours: list[Any], theirs: list[Any]) -> list[tuple[Any, Any]]:
    """Calls of one tool side by side, the likest first, so that one argument changed is one argument changed."""
    if len(ours) > _MOST_PAIRED or len(theirs) > _MOST_PAIRED or len(ours) == len(theirs) == 1:
        return list(zip(ours, theirs, strict=False))
    nearest = sorted(
        (sum(differs for _, differs in differing_paths(one, other)), i, j)
        for i, one in enumerate(ours)
        for j, other in enumerate(theirs)
    )
    taken: list[tuple[int, int]] = []
    for _, i, j in nearest:
        if all(i != a and j != b for a, b in taken):
            taken.append((i, j))
    return [(ours[i], theirs[j]) for i, j in taken]
