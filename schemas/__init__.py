"""Values and tables that everything else speaks in: no behaviour beyond reading, writing and checking them.

Imported by everybody; imports only the standard library, orjson and pydantic. Read `trials.py` first, then
`comparisons.py` and `verdicts.py`: they are the way of an event. `migrations/` holds the ClickHouse tables.
"""
