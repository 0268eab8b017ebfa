"""Where the verdicts stand, as the judge last published them: what the replay role samples by.

Rates depend only on the past (verdicts published, exchanges that came before), never on the exchange at hand, so the
evidence stays valid: the coin that decides about an exchange knows nothing of its answers.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from comparators.drift.forecast import rerun_share, trials_to_pass
from schemas import json_text
from schemas.comparisons import Kind
from schemas.config import Config
from schemas.verdicts import Effect, Verdict
from streams.rules import Rules

log = logging.getLogger(__name__)

FLIPS = 0.02  # how often a model is taken to change its own answer where nothing is known yet
REMEMBERED_S = 3600.0  # how fast the past of a feature's traffic fades
SHORTEST_S = 60.0  # a rate is not read off less
_STANDS = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.REVIEW})
PAIRED = (Kind.PROPERTY_BOTH, Kind.DISTANCE)


@dataclass(slots=True)
class _Arrivals:
    """A fading count of exchanges; `per_hour` is honest from the first minute on."""

    since: float
    at: float
    count: float = 0.0

    def add(self, now: float) -> None:
        self.count = self.count * math.exp(-max(0.0, now - self.at) / REMEMBERED_S) + 1
        self.at = now

    def per_hour(self, now: float) -> float:
        seen_s = max(SHORTEST_S, now - self.since)
        faded = self.count * math.exp(-max(0.0, now - self.at) / REMEMBERED_S)
        return faded / (REMEMBERED_S * -math.expm1(-seen_s / REMEMBERED_S)) * 3600


@dataclass
class Rates:
    """The shares in force per feature and candidate. `clock` gives seconds."""

    config: Config
    clock: Callable[[], float] = time.monotonic
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)  # by candidate and feature
    _arrivals: dict[str, _Arrivals] = field(default_factory=dict)
    _needed: dict[str, int] = field(default_factory=dict)
    _rules: Rules = field(init=False)

    def __post_init__(self) -> None:
        self._rules = Rules(self.config)

    def stands(self, candidate: str, feature: str) -> bool:
        """Whether more evidence would not change what is known."""
        return self.verdicts.get((candidate, feature)) in _STANDS

    def is_known(self, feature: str) -> bool:
        """Whether some candidate's verdict on the feature stands, so that its noise has been measured."""
        return any(self.stands(candidate.name, feature) for candidate in self.config.candidates)

    def candidate_share(self, candidate: str, feature: str) -> float:
        """The share of a feature's exchanges that this candidate is asked."""
        rates = self.config.feature_sampling(feature)
        is_settled = rates.adapt and self.stands(candidate, feature)
        return min(rates.candidate, rates.settled) if is_settled else rates.candidate

    def rerun_share(self, feature: str, part: float = 1.0) -> float:
        """The share of what is asked that is rerun; `part` of the tapped partitions are this worker's."""
        rates = self.config.feature_sampling(feature)
        undecided = any(not self.stands(c.name, feature) for c in self.config.candidates)
        if not rates.adapt or rates.rerun == 0 or not undecided or feature not in self._arrivals:
            return rates.rerun
        per_hour = self._arrivals[feature].per_hour(self.clock()) * rates.candidate / max(part, 1e-9)
        return raised_rerun(self._trials(feature), self.config.verdict.min_hours, per_hour, rates.rerun)

    def saw(self, feature: str) -> None:
        """An exchange of this feature came."""
        now = self.clock()
        self._arrivals.setdefault(feature, _Arrivals(now, now)).add(now)

    def heed(self, records: Sequence[ConsumerRecord]) -> None:
        """Take in records of the verdicts topic: those of whole features count here."""
        for record in records:
            fields = _fields(record)
            if fields.get("upgrade") == self.config.upgrade.name and fields.get("feature") and not fields["dimension"]:
                self.verdicts[fields["candidate"], fields["feature"]] = Verdict(fields["verdict"])

    def _trials(self, feature: str) -> int:
        if feature not in self._needed:
            self._needed[feature] = paired_trials(self._rules, feature, self.config.verdict.alpha)
        return self._needed[feature]


def paired_trials(rules: Rules, feature: str, alpha: float) -> int:
    """Trials with a rerun until the strictest block dimension that needs them passes, before anything is seen."""
    blocking = [d for d in rules.of(feature).dimensions if d.effect is Effect.BLOCK and d.kind in PAIRED]
    return max((trials_to_pass(FLIPS, d.tolerance, alpha) or 0 for d in blocking), default=0)


def raised_rerun(trials: int, hours: float, per_hour: float, share: float) -> float:
    """The share of `per_hour` exchanges to rerun so that so many trials have one after `hours`; at least `share`."""
    if trials <= 0 or per_hour <= 0:
        return share
    return rerun_share(trials, max(hours, 1.0), per_hour, share) or 1.0


def _fields(record: ConsumerRecord) -> dict[str, str]:
    try:
        fields = json_text.loads(record.value) if record.value is not None else {}
    except ValueError:
        log.warning("verdict record at offset %d is no JSON", record.offset)
        return {}
    return fields if isinstance(fields, dict) else {}
