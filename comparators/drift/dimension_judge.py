"""The verdict of one dimension from its evidence (design, section 5)."""

import math

from comparators.comparator import Kind
from comparators.dimensions import Dimension
from comparators.drift import betting
from comparators.drift.allowance import reruns_keep_to_it
from comparators.drift.evidence import Evidence
from comparators.drift.forecast import NOT_IN_SIGHT, forecast
from comparators.drift.judge_rules import JudgeRules
from schemas.values import immutable
from schemas.verdicts import DimensionVerdict, Forecast, Verdict

WARM_UP = 60  # reruns a feature needs before anything but call_error may FAIL: until then nobody knows the replay
RARE = 0.05  # a dimension that applies to less than this share of trials holds no PASS back
HOUR_MS = 3_600_000
CALL_ERROR = "call_error"

_TIME_ALONE_HELPS_NOT = frozenset({"noise_assumed", "comparator_failed", "coverage"})
NEEDS_RERUN = (Kind.PROPERTY_BOTH, Kind.DISTANCE, Kind.MEASURE)


@immutable
class Circumstances:
    """What a dimension shares with the others of its feature.

    `compared` trials, `paired` of them with a rerun that answered; `assumed`: reruns are off; `unfaithful` is the
    dimension in which the replay is, or None; `over`: no more time for a verdict; `silent`: nothing arrives any more;
    `coverage` of the candidate, 0 to 1.
    """

    compared: int
    paired: int
    assumed: bool
    unfaithful: str | None
    over: bool
    silent: bool
    coverage: float


@immutable
class Spent:
    """Where a dimension stands: its epoch, the log e-value that fails it, and whether it has failed already."""

    epoch: int
    threshold: float
    latched: bool


def is_rare(found: Evidence) -> bool:
    """Whether the dimension applies to too few trials to hold a PASS back: of those in its own epoch, not of all."""
    return found.scored + found.failed < RARE * found.comparisons


def judge_dimension(
    dimension: Dimension, found: Evidence, spent: Spent, around: Circumstances, rules: JudgeRules
) -> DimensionVerdict:
    """The verdict with everything it rests on; `why` is empty for a FAIL or PASS on the evidence alone."""
    against, mirrored = betting.log_e(found.fail_bets), betting.log_e(found.pass_bets)
    verdict, why = _verdict(dimension, found, spent, around, rules)
    interval = betting.confidence_sequence(found.n, found.d_sum, found.d_squares)
    yes_no = found.n > 0 and found.d_squares == found.worse + found.better  # only values of -1, 0 and 1
    return DimensionVerdict(
        dimension=dimension.name,
        verdict=verdict,
        effect=dimension.effect,
        noise="none" if dimension.kind is Kind.PROPERTY else "assumed" if around.assumed else "measured",
        trials=found.n,
        baseline=found.baseline_sum / found.baseline_n if found.baseline_n else None,
        rerun=found.rerun_sum / found.rerun_n if found.rerun_n else None,
        candidate=found.candidate_sum / found.n if found.n else None,
        excess=found.excess,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        log_e=against,
        log_e_pass=mirrored,
        tolerance=dimension.tolerance,
        epoch=spent.epoch,
        change=_change(dimension, interval, verdict),
        why=why,
        reasons=found.reasons,
        log_e_mcnemar=betting.mcnemar_log_e(found.worse, found.better) if yes_no else None,
        worse=found.worse,
        better=found.better,
        rate_in_traffic=found.weighted_candidate / found.weight if found.weight else None,
        excess_in_traffic=found.weighted_d / found.weight if found.weight else None,
        log_e_replay=max(map(betting.log_e, (found.replay_up_bets, found.replay_down_bets)))
        if found.replay_n
        else None,
        forecast=_forecast(dimension, found, spent, rules, why) if verdict is Verdict.CONTINUE else None,
    )


def _forecast(dimension: Dimension, found: Evidence, spent: Spent, rules: JudgeRules, why: str) -> Forecast:
    told = forecast(
        found,
        dimension.tolerance,
        dimension.clip,
        fail_at=spent.threshold,
        pass_at=-math.log(rules.alpha),
        min_trials=rules.min_trials,
        min_hours=rules.min_hours,
    )
    return NOT_IN_SIGHT if told.to is Verdict.PASS and why in _TIME_ALONE_HELPS_NOT else told


def _verdict(
    dimension: Dimension, found: Evidence, spent: Spent, around: Circumstances, rules: JudgeRules
) -> tuple[Verdict, str]:
    # Before the latch: all trials speak for a FAIL of a PROPERTY, only the reruns against the tap, so a tap that loses
    # a little is found out after it has failed somebody. The latch stays where it is stored.
    if around.unfaithful:
        return Verdict.INCONCLUSIVE, "replay_unfaithful"
    if spent.latched:
        return Verdict.FAIL, "latched"
    # Where reruns themselves go beyond what their calibration allows, it is nobody's drift.
    if dimension.comparator.allows_noise and not reruns_keep_to_it(found):
        return Verdict.INCONCLUSIVE, "calibration_stale"
    fails = betting.log_e(found.fail_bets) >= spent.threshold
    warm = around.assumed or around.paired >= WARM_UP or dimension.name == CALL_ERROR
    if fails and warm:
        return Verdict.FAIL, ""
    missing = "warm_up" if fails else _missing_for_pass(dimension, found, around, rules)
    if missing and is_rare(found):
        missing = "rare"
    return _without_fail(missing, around)


def _without_fail(missing: str, around: Circumstances) -> tuple[Verdict, str]:
    if not missing:
        return Verdict.PASS, ""
    if around.over:
        return Verdict.INCONCLUSIVE, missing
    return (Verdict.NODATA, "silent") if around.silent else (Verdict.CONTINUE, missing)


def _missing_for_pass(dimension: Dimension, found: Evidence, around: Circumstances, rules: JudgeRules) -> str:
    """What a PASS lacks, the most telling first; empty where nothing."""
    hours = (found.last_ms - found.first_ms) / HOUR_MS
    lacks = {
        "noise_assumed": around.assumed and dimension.kind in NEEDS_RERUN,
        "comparator_failed": found.scored < rules.coverage_floor * (found.scored + found.failed),
        "no_rerun": found.n == 0 and dimension.kind in NEEDS_RERUN,
        "min_trials": found.n < rules.min_trials,
        "evidence": betting.log_e(found.pass_bets) < -math.log(rules.alpha),
        "min_hours": rules.min_hours is not None and hours < rules.min_hours,
        "coverage": around.coverage < rules.coverage_floor,
    }
    return next((reason for reason, missing in lacks.items() if missing), "")


def _change(dimension: Dimension, interval: betting.Interval | None, verdict: Verdict) -> str:
    """Where the direction means something, worse or better; a distance can only have changed."""
    directed = dimension.kind in (Kind.PROPERTY, Kind.MEASURE) and dimension.comparator.directed
    if verdict is Verdict.FAIL or (interval is not None and interval.low > dimension.tolerance):
        return "worse" if directed else "changed"
    return "better" if directed and interval is not None and interval.high < 0 else "same"
