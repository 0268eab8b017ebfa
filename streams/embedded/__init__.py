"""Parts on this machine, each the real thing: a broker, a ClickHouse, and a simulated provider with its traffic.

`broker.py` is a Kafka broker in memory (Tansu), `clickhouse.py` a ClickHouse on disk (chDB) that ordinary clients reach
over HTTP, `provider.py` answers like a model, `support_desk*.py` and `tapped.py` make the traffic of the demo. Broker
and ClickHouse are child processes that end with the one who started them, however that one ends: `child.py`.
The first two need the extra `shadowtap[embedded]`. Imported by `streams.cli` and tests only.
"""
