"""ClickHouse: what is written, and what is read back to judge. One async client, whether embedded or a server.

Imported by the agents and the command line. Read `store.py` first; it names every operation. Table definitions stand
in `schemas/migrations/`, applied by `migrations.py`; `connection.py` is the only module that knows the client.
"""

from streams.store.store import Store

__all__ = ["Store"]
