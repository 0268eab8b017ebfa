"""The dimensions in force: comparators with their effect and tolerance, from `defaults.toml` and the user's changes."""

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import Any

from comparators.calibration import CalibratedComparator
from comparators.comparator import Comparator, Kind
from schemas.calibrations import Learner
from schemas.errors import ConfigError
from schemas.ids import content_hash
from schemas.verdicts import Effect

CalibrationKey = tuple[str, str]
"""Dimension, and hash of the candidate whose calibration it is; empty where it is that of all candidates."""

TOLERANCE = {Kind.PROPERTY: 0.01, Kind.PROPERTY_BOTH: 0.03, Kind.DISTANCE: 0.03, Kind.MEASURE: 0.05}
MEASURE_CLIP = 0.25
_NO_SETTING = frozenset({"comparator", "effect", "tolerance", "settings_of"})


@dataclass(frozen=True)
class Dimension:
    """A comparator in force under its name, with what a failure does and how much excess is tolerated (0 to 1)."""

    name: str
    comparator: Comparator
    effect: Effect
    tolerance: float

    @property
    def kind(self) -> Kind:
        """The comparator's kind."""
        return self.comparator.kind

    @property
    def clip(self) -> float:
        """Evidence for FAIL is clipped at plus or minus this."""
        return MEASURE_CLIP if self.kind is Kind.MEASURE else self.comparator.clip

    @property
    def identity(self) -> str:
        """Hash of everything that gives its evidence a meaning; a change starts a new epoch."""
        return content_hash(self.name, self.comparator.version, repr(self.comparator), self.tolerance, self.clip)

    def calibration_key(self, candidate_hash: str) -> CalibrationKey:
        """Whose calibration applies to a candidate's trials: its own, or the one of all candidates."""
        of_candidate = isinstance(self.comparator, CalibratedComparator) and self.comparator.of_candidate
        return self.name, candidate_hash if of_candidate else ""

    def learner(self, feature: str, candidate_hash: str, *meaning: str) -> Learner:
        """Who learns a calibration for a feature; `meaning` is whatever else gives its observations a meaning."""
        _, of = self.calibration_key(candidate_hash)
        meaning = (*meaning, f"candidate {of}") if of else meaning
        rules = content_hash(self.name, self.comparator.version, repr(self.comparator), *meaning)
        return Learner(feature, self.name, rules)


def load_dimensions(changes: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Dimension, ...]:
    """All dimensions of `defaults.toml`, in its order, with `changes` (dimension to keys) laid over them.

    A change holds `effect`, `tolerance`, settings of the comparator, or, for a new dimension, `comparator` (a dotted
    path to a class of yours). An entry with `settings_of` has the settings of another one wherever it has none itself.

    Raises:
        ConfigError: unknown dimension, setting, effect or class; the message names the nearest known one.
    """
    entries = {name: dict(entry) for name, entry in _defaults().items()}
    for name, change in (changes or {}).items():
        if name not in entries and "comparator" not in change:
            raise ConfigError(f"dimensions.{name}: no such dimension{_nearest(name, entries)}")
        entries.setdefault(name, {}).update(change)
    return tuple(_dimension(name, _completed(entry, entries)) for name, entry in entries.items())


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("comparators").joinpath("defaults.toml").read_text(encoding="utf-8"))


def _completed(entry: dict[str, Any], entries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    own = {key: value for key, value in entry.items() if key != "settings_of"}
    other = entries.get(entry.get("settings_of", ""), {})
    return {key: value for key, value in other.items() if key not in _NO_SETTING} | own


def _dimension(name: str, entry: dict[str, Any]) -> Dimension:
    settings = dict(entry)
    path = str(settings.pop("comparator"))
    effect = settings.pop("effect", Effect.INFO)
    tolerance = settings.pop("tolerance", None)
    if effect not in list(Effect):
        raise ConfigError(f"dimensions.{name}.effect: {effect!r} is none of {', '.join(Effect)}")
    comparator = _comparator(name, path, settings)
    if tolerance is None:
        tolerance = TOLERANCE[comparator.kind]
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < 1:
        raise ConfigError(f"dimensions.{name}.tolerance: must be a number from 0 up to 1, not {tolerance!r}")
    return Dimension(name, comparator, Effect(effect), float(tolerance))


def _comparator(name: str, path: str, settings: dict[str, Any]) -> Comparator:
    module, _, attribute = path.rpartition(".")
    try:
        made = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as missing:
        raise ConfigError(f"dimensions.{name}.comparator: cannot import {path!r} ({missing})") from missing
    if not (isinstance(made, type) and issubclass(made, Comparator) and dataclasses.is_dataclass(made)):
        raise ConfigError(
            f"dimensions.{name}.comparator: {path!r} is no comparator (a dataclass derived from Comparator)"
        )
    known = {field.name for field in dataclasses.fields(made)}
    for key in settings:
        if key not in known:
            raise ConfigError(f"dimensions.{name}.{key}: no such setting{_nearest(key, known)}")
    frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    try:
        return made(**frozen)
    except (TypeError, ValueError) as wrong:
        raise ConfigError(f"dimensions.{name}: {wrong}") from wrong


def _nearest(name: str, known: Mapping[str, Any] | set[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known)) or 'none'}"
