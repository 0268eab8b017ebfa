"""Pure: score one trial, fold scores into evidence, judge evidence. No network, no clock, no Faust.

Imported by `streams`; imports `schemas`, numpy and, lazily, sentence-transformers. Read `comparator.py` first (the
contract), then `scoring.py`, and `calibration.py` for comparators that learn first; `drift/` turns scores into
verdicts. One comparator is one file, one test and one entry in `defaults.toml`.
"""
