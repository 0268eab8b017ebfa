"""Faults against the whole pipeline on real parts; `python -m benchmarks.chaos` runs the table, `make test` a short form.

`stage.py` holds the parts and the counts, `proxy.py` breaks ClickHouse, `rows.py` is the table. Read `rows.py` first.
"""
