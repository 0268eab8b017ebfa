"""When a feature gets its verdict, and how many reruns that takes: from the forecasts of its dimensions."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from comparators.drift.forecast import NOT_IN_SIGHT, rerun_share
from schemas.values import immutable
from schemas.verdicts import Forecast, Verdict


@immutable
class Waited:
    """A dimension that the feature's verdict waits for: `trials` that count for it so far, and when it will be there.

    Its FAIL is the feature's; so is its missing PASS where it `holds_back`, as those do that are not rare.
    """

    told: Forecast
    trials: int
    needs_rerun: bool
    holds_back: bool


@immutable
class Pace:
    """Of the feature so far: exchanges compared, those of them with a rerun, hours of event time, and hours left."""

    compared: int
    paired: int
    hours: float
    hours_left: float | None


def feature_forecast(waited: Iterable[Waited], pace: Pace) -> tuple[Forecast, float | None]:
    """The feature's forecast, in exchanges to be compared, and the share to rerun that would bring it in time.

    The first dimension to FAIL decides; else the last one to PASS. The share is None where no rerun is missing, or
    no share would do.
    """
    undecided = list(waited)
    fails = [one for one in undecided if one.told.to is Verdict.FAIL]
    if fails:
        return min((_in_exchanges(one, pace) for one in fails), key=lambda told: told.trials or 0), None
    passes = [one for one in undecided if one.holds_back]
    if not passes or any(one.told.to is None for one in passes):
        return NOT_IN_SIGHT, None
    last = _last_of([_in_exchanges(one, pace) for one in passes])
    missing = max((one.told.trials or 0 for one in passes if one.needs_rerun), default=0)
    if not missing or pace.hours_left is None or last.hours is None or last.hours <= pace.hours_left:
        return last, None
    return last, rerun_share(missing, pace.hours_left, pace.compared / pace.hours, pace.paired / pace.compared)


def _in_exchanges(one: Waited, pace: Pace) -> Forecast:
    per_trial = pace.compared / one.trials
    told = one.told
    many = [None if n is None else round(n * per_trial) for n in (told.trials, told.earliest, told.latest)]
    return replace(told, trials=many[0], earliest=many[1], latest=many[2])


def _last_of(told: Sequence[Forecast]) -> Forecast:
    """When all of them are there; what is open or unknown for one is so for all."""
    parts: list[Any] = []
    for part in fields(Forecast)[1:]:
        values = [getattr(one, part.name) for one in told]
        parts.append(None if None in values else max(values))
    return Forecast(told[0].to, *parts)
