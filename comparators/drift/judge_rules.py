"""What the judge is told besides the evidence."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from comparators.drift.epochs import EpochsInForce
from comparators.drift.evidence import EvidenceKey
from comparators.scoring import FeatureRules


@dataclass(frozen=True)
class JudgeRules:
    """What a verdict takes. Hours are of event time; None means that the limit does not apply.

    `rules` maps features to the rules that scored their trials, "" standing for all without rules of their own.
    `declared` are the features that the configuration names. `ended` is the end of a file: what has no verdict then
    never gets one. `silent_after_hours` is how long an undecided feature may be silent before that is NODATA.
    """

    rules: Mapping[str, FeatureRules]
    declared: Collection[str] = ()
    alpha: float = 0.05
    min_trials: int = 300
    min_hours: float | None = 24
    max_hours: float | None = 48
    coverage_floor: float = 0.8
    ended: bool = False
    silent_after_hours: float = 6

    def of(self, feature: str) -> FeatureRules:
        """The rules of a feature."""
        return self.rules.get(feature, self.rules[""])


@dataclass(frozen=True)
class Known:
    """What stands outside the evidence.

    `pins` names the candidates with their pins, `coverage` is theirs (0 to 1; 1 where none is given). `shares` is each
    (candidate, feature)'s share of alpha: a feature without one cannot FAIL yet. `latched` are the FAILs that stand.
    `epochs` is None where nothing ever changed (files). `accepted` are (candidate, feature, dimension) that somebody
    accepted by name. `heard_ms` is when something of a (candidate, feature) last arrived, by the clock of `now_ms`
    (event times may lie anywhere, so they cannot tell silence); no entry means nobody keeps watch.
    """

    pins: Mapping[str, str]
    coverage: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    epochs: EpochsInForce | None = None
    latched: Collection[EvidenceKey] = ()
    accepted: Collection[tuple[str, str, str]] = ()
    now_ms: int | None = None
    heard_ms: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def epoch(self, candidate: str, feature: str, dimension: str) -> int:
        """The number of the epoch in force."""
        return self.epochs.epoch_of(candidate, feature, dimension) if self.epochs is not None else 1

    def rank(self, candidate: str, feature: str, dimension: str) -> int:
        """How many epochs the feature has had in this dimension."""
        return self.epochs.row(candidate, feature, dimension).rank if self.epochs is not None else 1
