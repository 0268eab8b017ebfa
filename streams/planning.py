"""What an upgrade will take, before anything is spent: calls, dollars, hours to a verdict."""

from collections.abc import Iterator

from comparators.drift.forecast import forecast_pass, rerun_share
from schemas.comparisons import Kind
from schemas.config import Config
from schemas.values import immutable
from schemas.verdicts import Effect, Forecast
from streams.looking import FeatureSeen, Tapped
from streams.replay.arms import arms_of
from streams.replay.budget import Budget
from streams.replay.rates import FLIPS, PAIRED, paired_trials, raised_rerun
from streams.rules import Rules

RARE = 0.01  # how often an answer is taken to have what a PROPERTY looks for
DAY_H = 24.0


@immutable
class FeaturePlan:
    """A feature: exchanges a day, what is asked of them within the budget, and when a candidate without drift passes.

    `needs_rerun` is the share of reruns that brings the verdict within `max_hours`, None where none does.
    """

    feature: str
    per_day: float
    calls_per_day: float
    usd_per_day: float | None
    rerun: float
    passes: Forecast
    needs_rerun: float | None


@immutable
class Plan:
    """All features; `asked` is the part of what `sampling` wants that the budget allows.

    `usd_per_day` is None where a price is not known. `dearest_usd` is the most that the largest exchange may cost,
    `share_usd` what a partition may spend on a day.
    """

    features: tuple[FeaturePlan, ...]
    asked: float
    calls_per_day: float
    usd_per_day: float | None
    wanted_calls: float
    wanted_usd: float | None
    unpriced: tuple[str, ...]
    dearest_usd: float
    share_usd: float | None


def plan(config: Config, rules: Rules, tapped: Tapped) -> Plan:
    """The plan for traffic like that, while no verdict is there; a feature that has one costs `sampling.settled`."""
    reruns = {name: _rerun(config, rules, name, seen) for name, seen in tapped.features.items()}
    calls = sum(_calls(config, name, reruns[name]) * seen.per_hour * DAY_H for name, seen in tapped.features.items())
    costs = {name: _usd(config, name, seen, reruns[name]) for name, seen in tapped.features.items()}
    usd = None if None in costs.values() else sum(
        (cost or 0.0) * tapped.features[name].per_hour * DAY_H for name, cost in costs.items()
    )  # fmt: skip
    budget = Budget(config.budget, tapped.places, config.verdict.max_hours / DAY_H)
    asked = min(_parts(budget, calls, usd))
    features = tuple(
        _feature(config, rules, name, seen, reruns[name], costs[name], asked)
        for name, seen in sorted(tapped.features.items(), key=lambda pair: -pair[1].exchanges)
    )
    pins = {config.upgrade.current, *(candidate.pin for candidate in config.candidates)}
    return Plan(
        features,
        asked,
        calls * asked,
        None if usd is None else usd * asked,
        calls,
        usd,
        tuple(sorted(pin for pin in pins if config.price(pin) is None)),
        _dearest_usd(config, tapped),
        budget.usd_share(),
    )


def _parts(budget: Budget, calls: float, usd: float | None) -> Iterator[float]:
    """The part of the calls that each cap allows."""
    yield 1.0
    requests = [share for place in budget.places if (share := budget.requests_share(place)) is not None]
    if calls > 0 and requests:
        yield sum(requests) / calls
    of_each = budget.usd_share()
    if usd and of_each is not None:
        yield of_each * len(budget.places) / usd


def _rerun(config: Config, rules: Rules, feature: str, seen: FeatureSeen) -> float:
    """The share of reruns that the replay role will use for a feature like that."""
    rates = config.feature_sampling(feature)
    if not rates.adapt or rates.rerun == 0:
        return rates.rerun
    trials = paired_trials(rules, feature, config.verdict.alpha)
    return raised_rerun(trials, config.verdict.min_hours, seen.per_hour * rates.candidate, rates.rerun)


def _calls(config: Config, feature: str, rerun: float) -> float:
    """Calls that an exchange of the feature takes, on average."""
    return config.feature_sampling(feature).candidate * (len(config.candidates) + rerun)


def _usd(config: Config, feature: str, seen: FeatureSeen, rerun: float) -> float | None:
    asked = [(candidate.pin, 1.0) for candidate in config.candidates]
    asked += [(config.upgrade.current, rerun)] if rerun else []
    total = 0.0
    for pin, times in asked:
        price = config.price(pin)
        cost = price.cost(seen.usage) if price is not None else None
        if cost is None:
            return None
        total += config.feature_sampling(feature).candidate * times * cost
    return total


def _dearest_usd(config: Config, tapped: Tapped) -> float:
    names = [candidate.name for candidate in config.candidates]
    return sum(arm.most_usd for arm in arms_of(config, tapped.largest, names, rerun=True)) if tapped.largest else 0.0


def _feature(  # noqa: PLR0917 - a feature, what it costs, what part is asked
    config: Config, rules: Rules, name: str, seen: FeatureSeen, rerun: float, cost: float | None, asked: float
) -> FeaturePlan:
    rates, verdict = config.feature_sampling(name), config.verdict
    per_hour = seen.per_hour * rates.candidate * asked
    blocking = [d for d in rules.of(name).dimensions if d.effect is Effect.BLOCK]
    paired = min((d.tolerance for d in blocking if d.kind in PAIRED), default=None)
    plain = min((d.tolerance for d in blocking if d.kind is Kind.PROPERTY), default=None)
    common = verdict.alpha, verdict.min_trials, verdict.min_hours
    forecasts = []
    if paired is not None:
        forecasts.append(forecast_pass(FLIPS, paired, per_hour * rerun, *common))
    if plain is not None:
        forecasts.append(forecast_pass(RARE, plain, per_hour, *common))
    passes = max(forecasts, key=lambda told: float("inf") if told.hours is None else told.hours)
    needed = forecast_pass(FLIPS, paired, None, *common).trials if paired is not None else 0
    return FeaturePlan(
        name,
        seen.per_hour * DAY_H,
        _calls(config, name, rerun) * seen.per_hour * DAY_H * asked,
        None if cost is None else cost * seen.per_hour * DAY_H * asked,
        rerun,
        passes,
        rerun_share(needed or 0, verdict.max_hours, per_hour, rates.rerun) if needed is not None else None,
    )
