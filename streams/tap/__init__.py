"""Reads what others wrote to the tapped topics: pure functions from a record's bytes to exchanges.

Imported by the replay role, `check` and `init --from`; nothing here reaches a network or a clock. Read `decode.py`
first; `chat.py` knows OpenAI's bodies and streams, `envelope.py` and `mapping.py` the records around them,
`features.py` and `scope.py` say what an exchange is to us. docs/formats.md describes the formats for users.
"""
