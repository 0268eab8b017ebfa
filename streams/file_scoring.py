"""Score and judge trial files without Kafka.

Files are read twice: `survey` looks at every line before anything slow begins, so that a bad line is told at once, and
learns what has to be known beforehand (features, candidates, whether reruns measure the noise); `score_files` then
scores in batches, so that memory does not grow with the file.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from comparators.dimensions import load_dimensions
from comparators.drift.alpha import families
from comparators.drift.fold import fold_comparisons, merge
from comparators.drift.judge import JudgeRules, Known, judge
from comparators.learning import Learning
from comparators.scoring import FeatureRules, calibrating, score_trials
from schemas.comparisons import Comparison
from schemas.config import Config, candidate_hash
from schemas.errors import TrialLineError, UsageError
from schemas.exchanges import Source
from schemas.ids import content_hash, stable_id
from schemas.outcomes import Outcome
from schemas.settings import VerdictRules
from schemas.trials import CandidateAnswer, Trial, TrialLine, trial_id
from schemas.values import immutable
from schemas.verdicts import Report
from streams.rules import RulesOf
from streams.trial_files import numbered_trial_lines

if TYPE_CHECKING:
    from comparators.drift.evidence import Evidence, EvidenceKey

BATCH = 256  # trials scored together: enough for an embedding model to be busy, little enough to stay small
CLUSTER = "file"  # stands where a tapped exchange has its cluster
_ONLY = "candidate"  # the name a line gives its candidate where it has one


@immutable
class NamedPin:
    """A candidate as the verdict names it."""

    name: str
    pin: str
    hash: str


@dataclass
class Survey:
    """What the files hold: counts of trials by feature and by candidate, and what a user should be told."""

    paths: Sequence[Path]
    config: Config | None
    upgrade: str
    current: str = ""
    features: Counter[str] = field(default_factory=Counter)
    reruns: Counter[str] = field(default_factory=Counter)
    candidates: dict[str, NamedPin] = field(default_factory=dict)  # by the name in the lines
    compared: Counter[str] = field(default_factory=Counter)  # by the candidate's name in the verdict
    repeated: int = 0
    currents: Counter[str] = field(default_factory=Counter)

    @property
    def trials(self) -> int:
        """How many trials there are, repeated ones left out."""
        return self.features.total()

    @property
    def notes(self) -> list[str]:
        """Lines a user should read beside the verdict."""
        notes = []
        if self.repeated:
            notes.append(f"{self.repeated} lines repeat a request_id of their feature; the first one counts")
        if len(self.currents) > 1:
            models = ", ".join(f"{model} ({count})" for model, count in self.currents.most_common(4))
            notes.append(f"baselines of {len(self.currents)} models are judged as one: {models}")
        unmeasured = [feature for feature in self.features if not self.reruns[feature]]
        if unmeasured:
            assumed = self.verdict.assumed_noise
            notes.append(
                f"no reruns in {', '.join(sorted(unmeasured)[:5])}{' and others' if len(unmeasured) > 5 else ''}:"  # noqa: PLR2004 - a line's worth
                f" a noise floor of {assumed:.0%} is assumed, so that nothing can PASS there"
            )
        return notes

    @property
    def verdict(self) -> VerdictRules:
        """The verdict settings in force."""
        return self.config.verdict if self.config is not None else VerdictRules()


def survey(paths: Sequence[Path], config: Config | None = None) -> Survey:
    """Read every line once.

    Raises:
        TrialLineError: a line cannot be read, or names a candidate that the configuration does not know.
        UsageError: a file cannot be read, or there is no trial in any.
    """
    names = "+".join(path.name.split(".")[0] for path in paths)
    found = Survey(paths, config, config.upgrade.name if config is not None else names)
    for path, number, line in _unique_lines(found, count=True):
        found.features[line.feature] += 1
        found.reruns[line.feature] += line.rerun is not None
        found.currents[line.baseline.model] += 1
        for name, answer in line.candidates.items():
            if name not in found.candidates:
                found.candidates[name] = _named(name, answer.model, config, f"{path}:{number}")
            found.compared[found.candidates[name].name] += 1
    if not found.trials:
        raise UsageError(f"{', '.join(str(path) for path in paths)}: no trial in it")
    found.current = config.upgrade.current if config is not None else found.currents.most_common(1)[0][0]
    return found


def score_files(
    found: Survey,
    *,
    min_hours: float | None = None,
    on_scored: Callable[[Sequence[Comparison]], None] = lambda _: None,
) -> Report:
    """Score and judge the trials of surveyed files; what has no verdict at their end is INCONCLUSIVE.

    Args:
        found: what `survey` gave.
        min_hours: event time a PASS needs from first to last trial; None asks for none, since files often have no
            times worth the name.
        on_scored: is given each batch of comparisons.
    """
    rules = feature_rules(found)
    evidence: Mapping[EvidenceKey, Evidence] = {}
    learning = Learning(rules.__getitem__)
    for batch in _batches(trials_of(found)):
        comparisons = score_trials(batch, learning.of)
        on_scored(comparisons)
        evidence = merge(evidence, fold_comparisons(comparisons, rules.__getitem__, lambda *_: 1))
        learning.learn(comparisons)
    settings = found.verdict
    # A file is there before its scores are: where nobody declared features, all of them share alike.
    declared = list((found.config.features if found.config is not None else ()) or found.features)
    candidates = {candidate.name: candidate for candidate in found.candidates.values()}
    return judge(
        found.upgrade,
        found.current,
        evidence,
        JudgeRules(
            rules={**{feature: learning.of(feature) for feature in rules}, "": next(iter(rules.values()))},
            declared=[feature for feature in declared if feature in found.features],
            alpha=settings.alpha,
            min_trials=settings.min_trials,
            min_hours=min_hours,
            max_hours=None,
            coverage_floor=settings.coverage_floor,
            ended=True,
        ),
        Known(
            pins={name: candidate.pin for name, candidate in candidates.items()},
            coverage={name: found.compared[name] / found.trials for name in candidates},
            shares={
                (name, family.feature): family.share
                for name in candidates
                for family in families(name, declared, found.features)
            },
        ),
        {
            "consumed": found.trials,
            Outcome.REPLAYED.value: found.trials,
            "compared": found.trials,
            Outcome.SAMPLED_OUT.value: 0,
        },
    )


def trial_and_rules(found: Survey, request_id: str) -> tuple[Trial, RulesOf] | None:
    """A trial of surveyed files and the rules it is scored with, calibrated as `score_files` does it; None: no such."""
    learning = Learning(feature_rules(found).__getitem__)

    def only_learning(feature: str) -> FeatureRules:
        rules = learning.of(feature)
        return replace(rules, dimensions=calibrating(rules.dimensions))

    for batch in _batches(trials_of(found)):
        trial = next((trial for trial in batch if trial.request_id == request_id), None)
        if trial is not None:
            return trial, learning.of
        learning.learn(score_trials(batch, only_learning))
    return None


def trials_of(found: Survey) -> Iterator[Trial]:
    """The trials of surveyed files, as if they had been tapped from a topic with the file's name."""
    for path, number, line in _unique_lines(found):
        source = Source(CLUSTER, path.name, 0, number)
        yield Trial(
            trial_id=trial_id(found.upgrade, source, line.ts_ms),
            upgrade=found.upgrade,
            current=found.current,
            source=source,
            ts_ms=line.ts_ms,
            request_id=line.request_id,
            feature=line.feature,
            request=line.request,
            baseline=line.baseline,
            candidates=tuple(
                CandidateAnswer(known.name, known.pin, known.hash, answer)
                for name, answer in line.candidates.items()
                if (known := found.candidates[name])
            ),
            rerun=line.rerun,
        )


def feature_rules(found: Survey) -> dict[str, FeatureRules]:
    """How each feature of the files is scored; where no line of a feature has a rerun, its noise is assumed.

    Raises:
        ConfigError: a dimension or one of its settings does not exist.
    """
    common = load_dimensions(found.config.dimension_changes() if found.config is not None else None)
    rules = {}
    for feature in found.features:
        own = found.config.features.get(feature) if found.config is not None else None
        dimensions = common
        if found.config is not None and own is not None and own.dimensions:
            dimensions = load_dimensions(found.config.dimension_changes(feature))
        noise = None if found.reruns[feature] else found.verdict.assumed_noise
        rules[feature] = FeatureRules(dimensions, noise)
    return rules


def _unique_lines(found: Survey, *, count: bool = False) -> Iterator[tuple[Path, int, TrialLine]]:
    seen = set()
    for path in found.paths:
        for number, line in numbered_trial_lines(path):
            identity = stable_id(line.feature, line.request_id)
            if identity in seen:
                found.repeated += count
                continue
            seen.add(identity)
            yield path, number, line


def _named(name: str, model: str, config: Config | None, place: str) -> NamedPin:
    if config is None:
        return NamedPin(name, model, content_hash(name))
    known = {candidate.name: candidate for candidate in config.candidates}
    candidate = known.get(name)
    if candidate is None and name == _ONLY and len(known) == 1:
        candidate = config.candidates[0]
    if candidate is None:
        raise TrialLineError(
            f"{place}: candidate {name!r} is not configured; name it as one that is: {', '.join(known)}"
        )
    return NamedPin(candidate.name, candidate.pin, candidate_hash(candidate))


def _batches(trials: Iterator[Trial]) -> Iterator[list[Trial]]:
    while batch := list(islice(trials, BATCH)):
        yield batch
