"""From a tapped record to a trial: what to ask, whether to pay for it, asking, and never asking twice.

Read `replayer.py` first. `arms.py` and `payload.py` make the requests; `sampling.py` decides, by the verdicts
(`rates.py`), the pace of the day (`pacing.py`) and what is left (`budget.py`, with `costs.py` and `purse.py`);
`ledger_book.py` counts outcomes, `look_back.py` finds what an earlier worker has done.

`client.py` asks one provider. Requests wait in `turnstile.py`, which `breaker.py`, `concurrency.py` and `allowance.py`
(fed by `headroom.py`) open and close; `patience.py` says for how long. `chat_api.py` and `messages_api.py` are the
providers' formats, `reading.py` sends and reads, `responses.py` says what a response amounts to, by `outages.py` and
`provider_errors.py`. `stragglers.py` keeps a provider in trouble from holding up the others.
"""
