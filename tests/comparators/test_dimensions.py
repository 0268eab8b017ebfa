"""The dimensions in force: defaults, the user's changes, and errors that say what to mend."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from comparators.comparator import Comparator, Kind, Pair, Score
from comparators.dimensions import MEASURE_CLIP, TOLERANCE, load_dimensions
from schemas.answers import Answer
from schemas.errors import ConfigError
from schemas.exchanges import Request
from schemas.verdicts import Effect


@dataclass(frozen=True)
class Shouting(Comparator):
    """A comparator of a user: 1 where the answer is in capitals."""

    version: ClassVar[int] = 1
    kind: ClassVar[Kind] = Kind.PROPERTY
    words: tuple[str, ...] = ("AND",)
    least: int = 3

    def __post_init__(self):
        if self.least < 0:
            raise ValueError("least must not be negative")

    def compare(self, pair):
        return Score(float(pair.answer.content.isupper()), "capitals" if pair.answer.content.isupper() else "")


NO_COMPARATOR = object()
PATH = f"{__name__}.Shouting"


def by_name(changes=None):
    return {dimension.name: dimension for dimension in load_dimensions(changes)}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())


def _this_module():
    import types

    module = types.ModuleType(__name__)
    module.Shouting, module.NO_COMPARATOR = Shouting, NO_COMPARATOR
    return module


OWN_TOLERANCE = {
    "semantic_change": 0.005,  # beyond an allowance that is a bound already; 0.03 would let 3 % catastrophes through
    "style_shift": 0.01,  # of a scale of its own: a friendly last line moves answers by 0.03
}


def test_defaults_have_the_effects_and_tolerances_of_the_design():
    dimensions = by_name()
    blocks = {"call_error", "invalid_json", "schema_violation", "structure_change", "answer_change", "truncation"}
    assert {name for name in blocks if dimensions[name].effect is Effect.BLOCK} == blocks
    assert dimensions["code_fence"].effect is Effect.REVIEW
    assert dimensions["latency"].effect is Effect.INFO
    for dimension in dimensions.values():
        assert dimension.tolerance == OWN_TOLERANCE.get(dimension.name, TOLERANCE[dimension.kind])
        assert dimension.clip == (MEASURE_CLIP if dimension.kind is Kind.MEASURE else dimension.comparator.clip)


def test_a_change_lies_over_the_defaults_and_leaves_the_others_alone():
    changed = by_name({"length_change": {"effect": "block", "tolerance": 0.2, "octaves": 5.0}})
    assert (changed["length_change"].effect, changed["length_change"].tolerance) == (Effect.BLOCK, 0.2)
    assert changed["length_change"].comparator.octaves == 5.0
    assert list(changed) == list(by_name())
    assert {name for name in changed if changed[name] != by_name()[name]} == {"length_change"}


def test_what_gives_evidence_its_meaning_changes_the_identity_and_the_effect_does_not():
    before = by_name()["length_change"].identity
    assert by_name({"length_change": {"octaves": 5.0}})["length_change"].identity != before
    assert by_name({"length_change": {"tolerance": 0.2}})["length_change"].identity != before
    assert by_name({"length_change": {"effect": "block"}})["length_change"].identity == before


def test_a_comparator_of_the_user_is_a_dotted_path():
    added = by_name({"shouting": {"comparator": PATH, "words": ["SO"], "effect": "review"}})["shouting"]
    assert added.comparator == Shouting(words=("SO",))
    loud = Answer("m", text="SO")
    assert added.comparator.compare(Pair(Request({}), loud, loud)).value == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"invalid_jsn": {"effect": "info"}},
            r"dimensions\.invalid_jsn: no such dimension; did you mean 'invalid_json'",
        ),
        ({"invalid_json": {"efect": "info"}}, r"dimensions\.invalid_json\.efect: no such setting; known are none"),
        (
            {"length_change": {"octave": 2}},
            r"dimensions\.length_change\.octave: no such setting; did you mean 'octaves'",
        ),
        ({"code_fence": {"effect": "alarm"}}, r"dimensions\.code_fence\.effect: 'alarm' is none of"),
        ({"code_fence": {"tolerance": 1.0}}, r"dimensions\.code_fence\.tolerance: must be a number"),
        ({"code_fence": {"tolerance": True}}, r"dimensions\.code_fence\.tolerance: must be a number"),
        ({"code_fence": {"tolerance": "0.1"}}, r"dimensions\.code_fence\.tolerance: must be a number"),
        ({"own": {"comparator": "nowhere.Nothing"}}, r"dimensions\.own\.comparator: cannot import 'nowhere\.Nothing'"),
        ({"own": {"comparator": "Nothing"}}, r"dimensions\.own\.comparator: cannot import 'Nothing'"),
        ({"own": {"comparator": f"{__name__}.NO_COMPARATOR"}}, r"is no comparator"),
        ({"own": {"comparator": PATH, "least": -1}}, r"dimensions\.own: least must not be negative"),
        ({"zzz": {"effect": "info"}}, r"dimensions\.zzz: no such dimension; known are"),
    ],
)
def test_what_cannot_be_is_refused_by_the_key_and_the_nearest_known_one(changes, message):
    with pytest.raises(ConfigError, match=message):
        load_dimensions(changes)


def test_a_score_outside_its_bounds_cannot_be_made():
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="score"):
            Score(value)
