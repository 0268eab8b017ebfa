"""The rules of an upgrade, made of its configuration: how each feature is scored and judged, and in which epochs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cached_property

from comparators.dimensions import load_dimensions
from comparators.drift.epochs import Identity, Scope
from comparators.scoring import FeatureRules
from schemas.config import Config, candidate_hash
from schemas.ids import content_hash


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

    def of(self, feature: str) -> FeatureRules:
        """How trials of this feature are scored and judged."""
        return self.own.get(feature, self.common)

    def only(self, names: Collection[str]) -> Callable[[str], FeatureRules]:
        """The same with these dimensions alone."""

        def of(feature: str) -> FeatureRules:
            rules = self.of(feature)
            return replace(rules, dimensions=tuple(d for d in rules.dimensions if d.name in names))

        return of

    @cached_property
    def identities(self) -> dict[Scope, Identity]:
        """The identity under which evidence adds up, per candidate, feature ("" for all others) and dimension."""
        config = self.config
        feature_rules = content_hash(*config.tap.feature)
        return {
            Scope(candidate.name, feature, dimension.name): Identity(
                current=config.upgrade.current,
                candidate_hash=candidate_hash(candidate),
                dimension=dimension.identity,
                feature_rules=feature_rules,
                assumed_noise="" if rules.assumed_noise is None else str(rules.assumed_noise),
            )
            for candidate in config.candidates
            for feature, rules in {"": self.common, **self.own}.items()
            for dimension in rules.dimensions
        }

    def _rules(self, feature: str | None) -> FeatureRules:
        return FeatureRules(
            load_dimensions(self.config.dimension_changes(feature)), self.config.assumed_noise(feature or "")
        )


RulesOf = Callable[[str], FeatureRules]
