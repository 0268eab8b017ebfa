"""How many known edits the comparators see, and how many harmless ones they flag.

    python -m benchmarks.mutations --data ../shared/data [--each 300] [--seed 1] [--peers PYTHON ...] [--misses FILE]

A pair is flagged by a dimension where its evidence D (design, section 5; no rerun, no assumed noise) is above 0.
Counted are dimensions whose effect is `block` or `review`, but not the graded ones (`GRADED`): these are above 0 for
any edit at all and are judged by their mean against the rerun's, so a single pair says nothing. A harmful edit is
recalled where a dimension of its row in `RIGHT` flags it with a reason code that fits.

`--peers` runs the tools people use today (benchmarks/peers.py) in the given interpreters on the same pairs.
"""

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks.intervals import wilson
from benchmarks.mutation_pairs import Mutation, mutations
from benchmarks.peer_runs import Peer, run_peers
from comparators.dimensions import Dimension, load_dimensions
from comparators.scoring import FeatureRules, score_trials
from schemas.comparisons import Comparison, Kind, Status
from schemas.exchanges import Source
from schemas.trials import CandidateAnswer, Trial
from schemas.verdicts import Effect

GRADED = {
    "embedding_distance",
    "semantic_change",
    "style_shift",
    "lexical_distance",
    "length_change",
    "markdown_change",
}
HARMLESS_SHARE = 0.05  # of harmless pairs, macro average over classes, that a peer's threshold may flag

# Leading white space is harmless to a reader, and code_fence is asked to see it (issue 4): shown, not in the mean.
_ASKED_FOR = "leading white space"

# Class of harmful edit: the dimensions that count for it, each with the reason codes that fit.
RIGHT: dict[str, dict[str, str]] = {
    "negation dropped": {"polarity_change": "negat", "answer_change": ".", "refusal": "."},
    "negation added": {"polarity_change": "negat", "answer_change": ".", "refusal": "."},
    "number changed": {"fact_change": "number|percent|money|currency|date|time|unit|quantit", "answer_change": "."},
    "unit changed": {"fact_change": "unit|number|quantit|measure|time|duration"},
    "date changed": {"fact_change": "date|time|year"},
    "currency changed": {"fact_change": "currenc|money|amount"},
    "name swapped": {"fact_change": "name|entit"},
    "comparative flipped": {"polarity_change": "compar|antonym|oppos", "answer_change": "."},
    "truncated": {"truncation": ".", "answer_change": "missing$|->none$"},  # cut off before its final answer
    "truncated, as the provider reports": {"truncation": "."},
    "first sentence in another language": {"language_change": "."},
    "refusal put in front": {"refusal": "."},
    "fence added": {"code_fence": "fence"},
    "key renamed": {"structure_change": "missing|extra|renamed", "schema_violation": "."},
    "type changed": {"structure_change": "type|retyped|null|missing|extra", "schema_violation": "."},
    "enum changed": {"structure_change": "enum", "answer_change": ".", "schema_violation": "enum"},
    "tool argument changed": {"tool_call_change": "^argument:"},
    "tool call dropped": {"tool_call_change": "^missing_call$"},
}


@dataclass(frozen=True)
class Flags:
    """What was said about one pair: dimension to reason code, of the dimensions with D above 0."""

    mutation: Mutation
    by: dict[str, str]
    failed: tuple[str, ...]

    def is_recalled(self) -> bool:
        """Whether the right dimension says so for the right reason."""
        right = RIGHT[self.mutation.name]
        return any(dimension in right and re.search(right[dimension], reason) for dimension, reason in self.by.items())


def flagged(pairs: Sequence[Mutation], dimensions: Sequence[Dimension]) -> list[Flags]:
    """Score every pair by the product's own scoring."""
    rules = FeatureRules(tuple(dimensions), assumed_noise=0.0)
    comparisons = score_trials([_trial(place, pair) for place, pair in enumerate(pairs)], lambda _: rules)
    return [_flags(pair, comparison) for pair, comparison in zip(pairs, comparisons, strict=True)]


def counted(dimensions: Iterable[Dimension]) -> list[Dimension]:
    """The dimensions of which one flag counts: they decide, and any excess in them means something."""
    return [
        d for d in dimensions if d.effect is not Effect.INFO and d.kind is not Kind.MEASURE and d.name not in GRADED
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=300, help="pairs of each class")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", nargs="*", default=[], metavar="PYTHON", help="interpreters that have other tools")
    parser.add_argument("--kept", type=Path, help="file in which the other tools' answers are kept between runs")
    parser.add_argument("--misses", type=Path, help="write examples of what was not seen, or flagged in vain")
    given = parser.parse_args()
    pairs = list(mutations(given.data, each=given.each, seed=given.seed))
    every = load_dimensions()
    dimensions = counted(every)
    flags = flagged(pairs, dimensions)
    info = [d for d in every if d not in dimensions and d.kind is not Kind.MEASURE and d.name not in GRADED]
    print(f"{len(pairs)} pairs, seed {given.seed}. Counted: {', '.join(d.name for d in dimensions)}.")
    print(f"Not counted: graded {', '.join(d.name for d in every if d.name in GRADED)}; info {_names(info)}.\n")
    peers = run_peers(given.peers, pairs, harmless_share=HARMLESS_SHARE, kept=given.kept)
    print(_harmful_table(flags, peers), "\n")
    print(_harmless_table(flags, peers), "\n")
    for peer in peers:
        print(f"- {peer.name}: {peer.settings}")
    failed = Counter(name for one in flags for name in one.failed)
    print(f"\nFailed scores: {dict(failed) or 'none'}.")
    if given.misses:
        given.misses.write_text(misses(flags), encoding="utf-8")


def _harmful_table(flags: Sequence[Flags], peers: Sequence[Peer]) -> str:
    head = "| harmful edit | n | recall, right reason | 95 % | any flag | dimensions |"
    rows = [_head(head, peers)]
    sums: list[list[float]] = []
    for name, ones in _classes(flags, harmful=True).items():
        n, hits, any_flag = len(ones), sum(one.is_recalled() for one in ones), sum(bool(one.by) for one in ones)
        low, high = wilson(hits, n)
        shares = [sum(peer.flags[one.mutation] for one in ones) / n for peer in peers]
        sums.append([hits / n, any_flag / n, *shares])
        rows.append(
            f"| {name} ({_sources(ones)}) | {n} | {hits / n:.3f} | {low:.2f}-{high:.2f} | {any_flag / n:.3f} | "
            f"{', '.join(f'`{d}`' for d in RIGHT[name])} |" + "".join(f" {share:.3f} |" for share in shares)
        )
    mean = [sum(column) / len(sums) for column in zip(*sums, strict=True)]
    rows.append(f"| **mean of classes** | | **{mean[0]:.3f}** | | {mean[1]:.3f} | |" + _cells(mean[2:]))
    return "\n".join(rows)


def _harmless_table(flags: Sequence[Flags], peers: Sequence[Peer]) -> str:
    rows = [_head("| harmless edit | n | flagged | 95 % | by |", peers)]
    sums: list[list[float]] = []
    for name, ones in _classes(flags, harmful=False).items():
        n, hits = len(ones), sum(bool(one.by) for one in ones)
        low, high = wilson(hits, n)
        by = Counter(dimension for one in ones for dimension in one.by)
        shares = [sum(peer.flags[one.mutation] for one in ones) / n for peer in peers]
        if not name.startswith(_ASKED_FOR):
            sums.append([hits / n, *shares])
        said = ", ".join(f"`{dimension}` {count}" for dimension, count in by.most_common())
        rows.append(
            f"| {name} ({_sources(ones)}) | {n} | {hits / n:.3f} | {low:.2f}-{high:.2f} | {said} |" + _cells(shares)
        )
    mean = [sum(column) / len(sums) for column in zip(*sums, strict=True)]
    rows.append(f"| **mean of classes, without leading white space** | | **{mean[0]:.3f}** | | |" + _cells(mean[1:]))
    return "\n".join(rows)


def misses(flags: Sequence[Flags], examples: int = 3) -> str:
    """Examples of harmful pairs not recalled and harmless ones flagged, in classes that miss their goal."""
    out = []
    for harmful in (True, False):
        for name, ones in _classes(flags, harmful=harmful).items():
            wrong = [one for one in ones if (not one.is_recalled() if harmful else bool(one.by))]
            if not wrong or len(wrong) / len(ones) <= HARMLESS_SHARE:
                continue
            out.append(f"## {'missed' if harmful else 'flagged in vain'}: {name}, {len(wrong)} of {len(ones)}\n")
            said = Counter(f"{d}={reason}" for one in wrong for d, reason in one.by.items())
            out.append(f"said instead: {dict(said.most_common(6))}\n" if said else "said instead: nothing\n")
            out += [_example(one) for one in wrong[:: max(1, len(wrong) // examples)][:examples]]
    return "\n".join(out) or "Every class reaches its goal.\n"


def _example(one: Flags) -> str:
    before, after = (_shown(answer) for answer in (one.mutation.baseline, one.mutation.answer))
    start = next(
        (at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    near = slice(max(0, start - 70), start + 90)
    return f"- {one.mutation.source} {one.by or ''}\n  - baseline: `{before[near]!r}`\n  - answer:   `{after[near]!r}`"


def _shown(answer: object) -> str:
    return getattr(answer, "text", None) or repr(getattr(answer, "tool_calls", ""))


def _flags(pair: Mutation, comparison: Comparison) -> Flags:
    by, failed = {}, []
    for score in comparison.scores:
        arms = (score.candidate, score.baseline)
        if any(arm is not None and arm.status is Status.FAILED for arm in arms):
            failed.append(score.dimension)
        if score.d is not None and score.d > 0:
            by[score.dimension] = score.candidate.reason or (score.baseline.reason if score.baseline else "")
    return Flags(pair, by, tuple(failed))


def _trial(place: int, pair: Mutation) -> Trial:
    candidate = CandidateAnswer("edited", "edited", "0", pair.answer)
    source = Source("benchmark", "mutations", 0, place)
    return Trial(
        UUID(int=place),
        "mutations",
        "first",
        source,
        0,
        str(place),
        pair.name,
        pair.request,
        pair.baseline,
        (candidate,),
    )


def _classes(flags: Sequence[Flags], *, harmful: bool) -> dict[str, list[Flags]]:
    grouped: defaultdict[str, list[Flags]] = defaultdict(list)
    for one in flags:
        if one.mutation.harmful is harmful:
            grouped[one.mutation.name].append(one)
    return grouped


def _sources(ones: Sequence[Flags]) -> str:
    made = sum(one.mutation.source in ("carried", "generated") for one in ones)
    return "real" if made == 0 else "generated" if made == len(ones) else f"{made / len(ones):.0%} generated"


def _head(head: str, peers: Sequence[Peer]) -> str:
    head += "".join(f" {peer.name} |" for peer in peers)
    return f"{head}\n|{'---|' * (head.count('|') - 1)}"


def _cells(shares: Sequence[float]) -> str:
    return "".join(f" {share:.3f} |" for share in shares)


def _names(dimensions: Iterable[Dimension]) -> str:
    return ", ".join(dimension.name for dimension in dimensions) or "none"


if __name__ == "__main__":
    main()
