"""From a tapped record to a trial: what to ask, whether to pay for it, asking, and never asking twice.

Read `replayer.py` first. `payload.py` makes the request, `client.py` asks, `sampling.py` and `budget.py` decide,
`ledger_book.py` counts outcomes, `look_back.py` finds what an earlier worker has done.
"""
