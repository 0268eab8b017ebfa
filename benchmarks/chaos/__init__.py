"""Faults against the whole pipeline on real parts; `python -m benchmarks.chaos` runs the table, `make test` a short form.

A row is a function of `dying.py`, `outages.py`, `sick_provider.py` or `tapping.py`, with its sizes as arguments, so that
the short form is the same code. `stage.py` holds the parts they share, `proxy.py` breaks ClickHouse, and what every row
checks at its end stands in `upgrades.py`: nothing lost, nothing double, the ledger adds up, nothing paid twice. Read
`dying.py` first.
"""
