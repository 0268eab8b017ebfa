"""The rules of an upgrade, made of its configuration: how each feature is scored and judged, and in which epochs."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import replace

from comparators.calibration import CalibratedComparator
from comparators.dimensions import CalibrationKey, Dimension, load_dimensions
from comparators.drift.epochs import Identity, Scope
from comparators.scoring import FeatureRules
from schemas.acceptances import Acceptance
from schemas.calibrations import CALIBRATING, Calibration, Learner
from schemas.config import Config, candidate_hash
from schemas.ids import content_hash
from schemas.settings import Candidate


class Rules:
    """What the configuration says of scoring and judging.

    Raises:
        ConfigError: a dimension or one of its settings does not exist.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.own: Mapping[str, FeatureRules] = {
            name: self._rules(name)
            for name, feature in config.features.items()
            if feature.dimensions or feature.rerun is not None
        }
        self.common = self._rules(None)
        self._configured = self.common, self.own
        self.calibrations: frozenset[Calibration] = frozenset()
        self.acceptances: frozenset[Acceptance] = frozenset()

    def accepting(self, found: Iterable[Acceptance]) -> "Rules":
        """The configured rules with what people accepted of these candidates, not calibrated."""
        hashes = {candidate.name: candidate_hash(candidate) for candidate in self.config.candidates}
        rules = copy(self)
        rules.acceptances = frozenset(one for one in found if hashes.get(one.candidate) == one.candidate_hash)
        common, declared = self._configured
        features = {*declared, *(one.feature for one in rules.acceptances if one.feature and one.signature)}
        rules.common = _accepting(common, "", rules.acceptances)
        rules.own = {
            feature: _accepting(declared.get(feature, common), feature, rules.acceptances)
            for feature in sorted(features)
        }
        rules.calibrations = frozenset()
        return rules

    def calibrated(self, found: Iterable[Calibration]) -> "Rules":
        """These rules with what was frozen for features; calibrations that other rules have learned are left out."""
        rules = copy(self)
        own = dict(self.own)
        used = set()
        for one in found:
            feature, name = one.learner.feature, one.learner.dimension
            base = own.get(feature, self.common)
            dimension = next((dimension for dimension in base.dimensions if dimension.name == name), None)
            for key in () if dimension is None else self._keys(feature, dimension, one.learner):
                base = own[feature] = replace(base, calibrations={**base.calibrations, key: one})
                used.add(one)
        rules.own, rules.calibrations = own, frozenset(used)
        return rules

    def learner(self, feature: str, dimension: Dimension, candidate_hash: str) -> Learner:
        """Who learns a calibration: it is of one current pin, one way to assign features, and one comparator."""
        return dimension.learner(feature, candidate_hash, self.config.upgrade.current, *self.config.tap.feature)

    def learns(self, feature: str, dimension: Dimension, learner: Learner) -> bool:
        """Whether it is this dimension that learns so, for some candidate."""
        return bool(self._keys(feature, dimension, learner))

    def _keys(self, feature: str, dimension: Dimension, learner: Learner) -> set[CalibrationKey]:
        hashes = map(candidate_hash, self.config.candidates)
        return {dimension.calibration_key(one) for one in hashes if self.learner(feature, dimension, one) == learner}

    def of(self, feature: str) -> FeatureRules:
        """How trials of this feature are scored and judged."""
        return self.own.get(feature, self.common)

    def only(self, names: Collection[str]) -> Callable[[str], FeatureRules]:
        """The same with these dimensions alone."""

        def of(feature: str) -> FeatureRules:
            rules = self.of(feature)
            return replace(rules, dimensions=tuple(d for d in rules.dimensions if d.name in names))

        return of

    @property
    def identities(self) -> dict[Scope, Identity]:
        """The identity under which evidence adds up, per candidate, feature ("" for all others) and dimension."""
        found = {}
        for candidate in self.config.candidates:
            for dimension in self.common.dimensions:
                common = self._identity(candidate, self.common, dimension)
                found[Scope(candidate.name, "", dimension.name)] = common
            for feature, rules in self.own.items():
                for dimension in rules.dimensions:
                    identity = self._identity(candidate, rules, dimension)
                    # What was frozen or accepted for a feature concerns one dimension: the others stay as everywhere.
                    everywhere = found.get(Scope(candidate.name, "", dimension.name))
                    if feature in self._configured[1] or identity != everywhere:
                        found[Scope(candidate.name, feature, dimension.name)] = identity
        return found

    def _identity(self, candidate: Candidate, rules: FeatureRules, dimension: Dimension) -> Identity:
        frozen = rules.calibrations.get(dimension.calibration_key(candidate_hash(candidate)))
        comparator = dimension.comparator
        is_waiting = isinstance(comparator, CalibratedComparator) and not comparator.is_calibrated
        return Identity(
            current=self.config.upgrade.current,
            candidate_hash=candidate_hash(candidate),
            dimension=dimension.identity,
            feature_rules=content_hash(*self.config.tap.feature),
            assumed_noise="" if rules.assumed_noise is None else str(rules.assumed_noise),
            calibration=frozen.identity if frozen is not None else CALIBRATING if is_waiting else "",
            accepted=", ".join(sorted(rules.accepted.get((candidate.name, dimension.name), ()))),
        )

    def _rules(self, feature: str | None) -> FeatureRules:
        return FeatureRules(
            load_dimensions(self.config.dimension_changes(feature)), self.config.assumed_noise(feature or "")
        )


def _accepting(rules: FeatureRules, feature: str, acceptances: Iterable[Acceptance]) -> FeatureRules:
    """With the signatures that are accepted for the feature; "" are the rules of all others."""
    signatures: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in acceptances:
        if one.signature and one.holds_for(feature):
            signatures[one.candidate, one.dimension].add(one.signature)
    return replace(rules, accepted={place: frozenset(found) for place, found in signatures.items()})


RulesOf = Callable[[str], FeatureRules]
