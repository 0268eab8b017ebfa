"""From scores to verdicts, all from mergeable sums: evidence, bets, faithful replay, epochs, the judge.

Imported by `streams`; imports `comparators.scoring` and `schemas`. Read `evidence.py` first (what is added up), then
`betting.py` (what a sum is worth), `alpha.py` (how the error is spent), `faithful.py`, and `judge.py`, which puts them
together. `epochs.py` says which evidence adds up; `report.py` is what the command line prints.
"""
