"""From scores to verdicts, all from mergeable sums: evidence, bets, faithful replay, epochs, the judge.

Imported by `streams`; imports `comparators.scoring` and `schemas`. Read `evidence.py` first (what is added up), then
`fold.py` and `betting.py` (how, and what a sum is worth), `alpha.py` (how the error is spent), `faithful.py`, and
`judge.py`, which puts them together by `dimension_judge.py` and what `judge_rules.py` tells it. `epochs.py` says which
evidence adds up, `report.py` is what the command line prints; `forecast.py` and `feature_forecast.py` say when there
will be a verdict, `allowance.py` whether a calibration still holds.
"""
