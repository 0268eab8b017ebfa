"""The edge: Faust agents, formats, the replay client, ClickHouse, Slack, embedded parts, the command line.

Imports everything, imported by nobody. Read `topology.py` first: the four agents in the order of an event.
`tap/` reads what others wrote, `replay/` asks models, `store/` speaks ClickHouse, `embedded/` is a broker, a
ClickHouse and a provider on this machine, `cli/` has a file per command.
"""
