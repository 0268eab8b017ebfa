"""The analysts' queries of `schemas/queries/`: each with the question it answers and the parameters it asks for."""

import re
from collections.abc import Mapping
from importlib import resources

from schemas.config_problems import nearest
from schemas.errors import UsageError
from schemas.values import immutable

_PARAMETER = re.compile(r"\{(\w+):([^}]+)\}")


@immutable
class ShippedQuery:
    """A file of `schemas/queries/`; `parameters` maps the names it asks for to ClickHouse types, in order."""

    name: str
    sql: str

    @property
    def question(self) -> str:
        """The question it answers: its first line."""
        return self.sql.partition("\n")[0].removeprefix("-- ")

    @property
    def parameters(self) -> Mapping[str, str]:
        """Names to ClickHouse types, in the order in which they are asked for."""
        return dict(_PARAMETER.findall(self.sql))


def shipped_queries() -> dict[str, ShippedQuery]:
    """All of them, by name."""
    files = (file for file in (resources.files("schemas") / "queries").iterdir() if file.name.endswith(".sql"))
    named = {file.name.removesuffix(".sql"): file for file in files}
    return {name: ShippedQuery(name, named[name].read_text("utf-8")) for name in sorted(named)}


def shipped_query(name: str) -> ShippedQuery:
    """The one of this name.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    known = shipped_queries()
    if name not in known:
        raise UsageError(f"no shipped query is called {name!r} ({nearest(name, known)}); --list shows all")
    return known[name]
