"""Verdicts: what the evidence says of a dimension, a feature, a candidate."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from functools import partial
from typing import Any

from schemas.acceptances import Acceptance
from schemas.values import immutable


class Effect(StrEnum):
    """What a failed dimension does."""

    BLOCK = "block"
    REVIEW = "review"
    INFO = "info"


class Verdict(StrEnum):
    """What the evidence says."""

    FAIL = "FAIL"
    PASS = "PASS"  # noqa: S105 - a verdict, no password
    CONTINUE = "CONTINUE"
    INCONCLUSIVE = "INCONCLUSIVE"
    NODATA = "NODATA"
    REVIEW = "REVIEW"  # features and candidates only: passed, but a review dimension failed


@immutable
class Forecast:
    """Further trials until a verdict, of those that count for it: the middle, and the range that holds 8 times in 10.

    `to` is FAIL or PASS, whichever is likelier to come first; None where neither is in sight. `latest` is None where it
    may never come; the hours, at the pace seen so far, are None where no pace is known.
    """

    to: Verdict | None
    trials: int | None = None
    earliest: int | None = None
    latest: int | None = None
    hours: float | None = None
    earliest_hours: float | None = None
    latest_hours: float | None = None


@immutable
class DimensionVerdict:
    """The verdict of one dimension with the evidence it rests on.

    `trials` and the means are those D uses; `reasons` counts all scored comparisons. `low` and `high` are a
    confidence sequence of the excess, None where there is none. `worse` and `better` count the trials where the
    candidate did worse or better than its reference (the discordant ones). `rate_in_traffic` and `excess_in_traffic`
    weigh each trial by the exchanges it stands for: estimates for all traffic, None where nothing was weighed.
    `log_e_replay` is the evidence that reruns differ from the recorded answers, in whichever direction has more.
    """

    dimension: str
    verdict: Verdict
    effect: Effect
    noise: str  # "measured", "assumed", or "none" for kinds that need no rerun
    trials: int
    baseline: float | None
    rerun: float | None
    candidate: float | None
    excess: float | None
    low: float | None
    high: float | None
    log_e: float
    log_e_pass: float
    tolerance: float
    epoch: int
    change: str  # worse, changed, better or same
    why: str = ""  # reason code of the verdict, e.g. replay_unfaithful, coverage, min_hours
    reasons: Mapping[str, int] = field(default_factory=dict)
    log_e_mcnemar: float | None = None  # against "no difference at all", for yes/no dimensions
    worse: int = 0
    better: int = 0
    rate_in_traffic: float | None = None
    excess_in_traffic: float | None = None
    log_e_replay: float | None = None
    forecast: Forecast | None = None  # while there is no verdict


@immutable
class FeatureVerdict:
    """The worst of its block dimensions, or REVIEW.

    While it has no verdict, `forecast` says when (in exchanges compared), and `rerun_share` which share of the
    exchanges would have to be rerun so that it comes within `max_hours`: None where no share would do, or none is
    needed. `calibrating` are the dimensions that still learn what is usual here, and so have no score yet.
    """

    feature: str
    verdict: Verdict
    compared: int
    paired: int
    dimensions: tuple[DimensionVerdict, ...]
    why: str = ""
    forecast: Forecast | None = None
    rerun_share: float | None = None
    calibrating: tuple[str, ...] = ()


@immutable
class CandidateVerdict:
    """The worst of its features."""

    candidate: str
    pin: str
    verdict: Verdict
    compared: int
    paired: int
    features: tuple[FeatureVerdict, ...]
    why: str = ""
    accepted: tuple[Acceptance, ...] = ()  # by people, and in force


@immutable
class Report:
    """Verdicts of all candidates of an upgrade: what `score`, `status` and `demo` print."""

    upgrade: str
    current: str
    coverage: Mapping[str, int]  # consumed, compared, and each outcome
    candidates: tuple[CandidateVerdict, ...]


@immutable
class Family:
    """A candidate's feature with its share of the candidate's alpha, given once: one row of `families`.

    `place` counts declared and undeclared features apart, each from 1 in order of appearance.
    """

    candidate: str
    feature: str
    declared: bool
    place: int
    share: float


@immutable
class Epoch:
    """An identity under which evidence of a dimension adds up: one row of `epochs`, never changed.

    `feature` is empty for all features without rows of their own. `epoch` numbers the identities of a candidate's
    dimension from 1, `rank` those of this feature: rank k has 1/2^k of the test's alpha. `identity` is the parts of
    the identity as JSON, `reason` says what differs from the one before.
    """

    candidate: str
    feature: str
    dimension: str
    epoch: int
    rank: int
    identity: str
    reason: str
    started_ms: int


def verdict_from(fields: Mapping[str, Any]) -> CandidateVerdict:
    """Read a candidate's verdict record; unknown fields are ignored.

    Raises:
        ValueError: no such record.
    """
    try:
        features = tuple(
            _read(FeatureVerdict, feature)(
                verdict=Verdict(feature["verdict"]),
                forecast=_forecast(feature),
                calibrating=tuple(feature.get("calibrating", ())),
                dimensions=tuple(
                    _read(DimensionVerdict, d)(
                        verdict=Verdict(d["verdict"]), effect=Effect(d["effect"]), forecast=_forecast(d)
                    )
                    for d in feature["dimensions"]
                ),
            )
            for feature in fields["features"]
        )
        accepted = tuple(_read(Acceptance, one)() for one in fields.get("accepted", ()))
        made: CandidateVerdict = _read(CandidateVerdict, fields)(
            verdict=Verdict(fields["verdict"]), features=features, accepted=accepted
        )
    except (KeyError, TypeError) as missing:
        raise ValueError(f"verdict record without {missing}") from missing
    return made


def _forecast(fields: Mapping[str, Any]) -> Forecast | None:
    told = fields.get("forecast")
    return None if told is None else _read(Forecast, told)(to=Verdict(told["to"]) if told.get("to") else None)


def _read(kind: Any, fields: Mapping[str, Any]) -> Any:
    """The constructor with every field that the record has; verdicts and effects are turned into enums over it."""
    return partial(kind, **{name: fields[name] for name in kind.__dataclass_fields__ if name in fields})
