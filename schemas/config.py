"""`shadowtap.toml`: the settings of an upgrade, checked. Attribute names are the keys of the file.

A value of type `Config` is whole and consistent: pins are exact versions, names are unique, paths parse, the prompts
of candidates are read. Secrets never stand in it, only the names of the environment variables that hold them; whoever
needs one asks `secret`. The settings under `dimensions` are checked by `comparators.dimensions.load_dimensions`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, Strict, model_validator

from schemas import json_text
from schemas.config_problems import nearest, problem, validated
from schemas.errors import ConfigError
from schemas.ids import content_hash
from schemas.pins import split_pin
from schemas.prices import Price, price_of
from schemas.settings import (
    Budget,
    Candidate,
    ClickHouse,
    DimensionChanges,
    Feature,
    Kafka,
    OwnPrice,
    Provider,
    Sampling,
    Slack,
    Table,
    Tap,
    Upgrade,
    VerdictRules,
    WorkerRules,
)

CONFIG_FILE = "shadowtap.toml"


class Config(Table):
    """All of `shadowtap.toml`."""

    upgrade: Upgrade
    candidates: Annotated[tuple[Candidate, ...], Strict(strict=False), Field(min_length=1)]
    tap: Tap
    kafka: Kafka
    sampling: Sampling = Sampling()
    budget: Budget = Budget()
    prices: dict[str, OwnPrice] = Field(default_factory=dict)
    providers: dict[str, Provider] = Field(default_factory=dict)
    clickhouse: ClickHouse = ClickHouse()
    dimensions: DimensionChanges = Field(default_factory=dict)
    features: dict[str, Feature] = Field(default_factory=dict)
    verdict: VerdictRules = VerdictRules()
    slack: Slack = Slack()
    worker: WorkerRules = WorkerRules()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names: set[str] = set()
        for place, candidate in enumerate(self.candidates):
            if candidate.name in names:
                raise problem(f"candidates[{place}].name", f"{candidate.name!r} is there already; give it another name")
            names.add(candidate.name)
        return self

    @property
    def match_names(self) -> frozenset[str]:
        """Names under which the current pin appears in the tapped log."""
        pin = self.upgrade.current
        return frozenset(self.tap.match or (pin, split_pin(pin).model))

    @property
    def tapped_kafka(self) -> Kafka:
        """The cluster of the tapped topics."""
        return self.tap.kafka or self.kafka

    def feature_sampling(self, feature: str) -> Sampling:
        """The shares for a feature."""
        own = self.features.get(feature)
        if own is None:
            return self.sampling
        return Sampling(
            candidate=self.sampling.candidate if own.candidate is None else own.candidate,
            rerun=self.sampling.rerun if own.rerun is None else own.rerun,
            settled=self.sampling.settled,
            adapt=self.sampling.adapt,
        )

    def price(self, pin: str) -> Price | None:
        """What a pin costs: by the file, else by the price table; None is unknown."""
        return price_of(pin, {key: own.price for key, own in self.prices.items()})

    def assumed_noise(self, feature: str) -> float | None:
        """The noise floor assumed for a feature whose reruns are off, None where reruns measure it."""
        return self.verdict.assumed_noise if self.feature_sampling(feature).rerun == 0 else None

    def dimension_changes(self, feature: str | None = None) -> DimensionChanges:
        """Changes to the default dimensions, for `load_dimensions`: everybody's, under those of the feature."""
        changes = {name: dict(keys) for name, keys in self.dimensions.items()}
        for name, keys in self.features.get(feature, Feature()).dimensions.items() if feature is not None else ():
            changes[name] = {**changes.get(name, {}), **keys}
        return changes

    def provider(self, pin: str) -> Provider:
        """Where a pin is asked.

        Raises:
            ConfigError: the file has no such provider.
        """
        name = split_pin(pin).provider
        if name not in self.providers:
            raise ConfigError(
                f"{CONFIG_FILE}: providers.{name}: is missing and {pin!r} needs it; add the table with its base_url"
                + (f" ({nearest(name, self.providers)})" if self.providers else "")
            )
        return self.providers[name]


def candidate_hash(candidate: Candidate) -> str:
    """What a candidate is apart from its name: hash of pin, changes and prompt."""
    return content_hash(
        candidate.pin,
        json_text.canonical(candidate.set).decode(),
        json_text.canonical(sorted(set(candidate.drop))).decode(),
        "none" if candidate.system_prompt is None else f"text:{candidate.system_prompt}",
    )


def load_config(path: Path | str = CONFIG_FILE) -> Config:
    """Read and check a file; prompts of candidates are read relative to it.

    Raises:
        ConfigError: a line for each problem: file, key, what is wrong and what to do.
    """
    path = Path(path)
    try:
        fields = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; 'shadowtap init' writes one, --config names another") from None
    except OSError as wrong:
        raise ConfigError(f"{path}: cannot be read ({wrong.strerror})") from wrong
    except UnicodeDecodeError as wrong:
        raise ConfigError(f"{path}: is not UTF-8 (byte {wrong.start}); save it as UTF-8") from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(f"{path}: is no TOML: {wrong}") from wrong
    return config_from(_with_prompts(fields, path), label=str(path))


def config_from(fields: dict[str, Any], *, label: str = CONFIG_FILE) -> Config:
    """Check settings that are parsed already; `system_prompt` is the text itself here.

    Raises:
        ConfigError: a line for each problem, beginning with `label`.
    """
    return validated(Config, fields, label)


def secret(variable: str, key: str, environment: Mapping[str, str] = os.environ) -> str:
    """The secret in an environment variable that the key of the file names.

    Raises:
        ConfigError: the variable is not set or empty.
    """
    value = environment.get(variable, "")
    if not value:
        raise ConfigError(
            f"{CONFIG_FILE}: {key}: environment variable {variable} is not set; export it and start again"
        )
    return value


def _with_prompts(fields: dict[str, Any], path: Path) -> dict[str, Any]:
    candidates = fields.get("candidates")
    if not isinstance(candidates, list):
        return fields
    read = []
    for place, candidate in enumerate(candidates):
        name = candidate.get("system_prompt") if isinstance(candidate, dict) else None
        if isinstance(name, str):
            try:
                text = (path.parent / name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as wrong:
                reason = wrong.strerror if isinstance(wrong, OSError) else "not UTF-8"
                raise ConfigError(
                    f"{path}: candidates[{place}].system_prompt: cannot read {name!r} ({reason});"
                    " the path starts where this file is"
                ) from wrong
            candidate = {**candidate, "system_prompt": text}  # noqa: PLW2901 - the table as parsed stays as it is
        read.append(candidate)
    return {**fields, "candidates": read}
