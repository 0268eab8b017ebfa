"""The tools an answer calls: which, how often, with which arguments.

Read `tool_call_change.py` first; `offered_tools.py` reads what the request offers, `written_calls.py` finds calls
written as text, `canonical_arguments.py` says when arguments mean the same. Imported by way of `defaults.toml`.
"""
