import pytest

from schemas.answers import Answer
from schemas.exchanges import Exchange, Request, Source
from schemas.outcomes import Outcome
from streams.tap.features import FeatureNames, feature_of
from streams.tap.scope import out_of_bounds

RULES = ("header:X-Feature", "$.metadata.feature")


def exchange(headers=None, fields=None, body=None, names=("gpt-x",)) -> Exchange:
    answer = Answer("gpt-x", "yes")
    return Exchange(Source("c", "t", 0, 0), 0, "r", Request(body or {}), answer, names, headers or {}, fields or {})


@pytest.mark.parametrize(
    ("tapped", "feature"),
    [
        (exchange({"x-feature": "billing"}, {"metadata": {"feature": "chat"}}), "billing"),
        (exchange({}, {"metadata": {"feature": "chat"}}, {"metadata": {"feature": "search"}}), "chat"),
        (exchange({}, {}, {"metadata": {"feature": "search"}}), "search"),
        (exchange({"x-feature": "  "}, {"feature": "own"}), "own"),
        (exchange({}, {"metadata": {"feature": 7}}), "7"),
        (exchange({}, {"metadata": {"feature": ["a"]}}), "default"),
        (exchange({"x-feature": "a\tb\ud800" + "c" * 200}), "ab" + "c" * 98),
        (exchange(), "default"),
    ],
)
def test_the_first_rule_that_hits_names_the_feature(tapped, feature):
    assert feature_of(tapped, RULES) == feature


def test_a_path_may_start_at_the_request():
    assert feature_of(exchange(body={"user": "team-a"}), ["$.request.user"]) == "team-a"


def test_undeclared_features_beyond_the_limit_are_other():
    names = FeatureNames(declared=["billing"], seen=["chat"], limit=3)
    assert [names.admit(name) for name in ("a", "b", "c", "a", "billing", "chat", "d")] == [
        *("a", "b", "other", "a", "billing", "chat", "other")
    ]
    assert names.seen == ("chat", "a", "b")


def test_our_own_replays_are_recognised_before_anything_else():
    own = exchange({"x-shadowtap-request": "1"}, names=("another",))
    assert out_of_bounds(own, {"gpt-x"}) is Outcome.OWN_TRAFFIC


@pytest.mark.parametrize(
    ("names", "match", "outcome"),
    [
        (("alias", "gpt-x"), {"gpt-x"}, None),
        (("gpt-y",), {"gpt-x"}, Outcome.OUT_OF_SCOPE),
        (("GPT-X",), {"gpt-x"}, Outcome.OUT_OF_SCOPE),
        ((), {"gpt-x"}, Outcome.OUT_OF_SCOPE),
        ((), {"*"}, None),
    ],
)
def test_an_exchange_is_in_scope_by_the_names_the_log_gives_its_model(names, match, outcome):
    assert out_of_bounds(exchange(names=names), match) is outcome
