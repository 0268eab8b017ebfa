"""How a deployment lays tables out: fills the templates of the migrations, for a single server or a cluster.

On a cluster every table `X_rows` of the migrations becomes two: `X_rows_local` holds the rows of a shard, replicated
within it, and `X_rows` is Distributed over all shards. Everybody reads and writes `X_rows`, so names, views and queries
are the same everywhere. Rows are sharded by upgrade: all of an upgrade lies on one shard, so FINAL, joins and
subqueries need no other, and `CLUSTER_SETTINGS` say so to ClickHouse.
"""

import re
from collections.abc import Mapping

from schemas.settings import ClickHouse
from schemas.values import immutable

CLUSTER_SETTINGS: Mapping[str, str | int] = {
    "distributed_product_mode": "local",  # what is joined lies on the same shard
    "distributed_foreground_insert": 1,  # an acknowledged row is a stored row
    "optimize_skip_unused_shards": 1,
}

_LOCAL = "_local"
_STORED_ONLY = re.compile(r"\bTTL\b|\b(?:ADD|DROP|MATERIALIZE) (?:INDEX|PROJECTION)\b|\bMODIFY (?:SETTING|ORDER BY)\b")
_TABLE = re.compile(r"\{db\}\.(\w+_rows)\b")
_COMMENT = re.compile(r"COMMENT '(?:[^']|'')*'\s*\Z")


@immutable
class Layout:
    """What the deployment decides: cluster (empty: a single server) and days that text and numbers are kept."""

    cluster: str = ""
    text_days: int = 30
    keep_days: int = 400

    @classmethod
    def of(cls, house: ClickHouse) -> "Layout":
        """The layout that `[clickhouse]` asks for."""
        return cls(house.cluster, house.text_days, house.keep_days)


def laid_out(template: str, database: str, layout: Layout) -> list[str]:
    """The statements that a statement of a migration stands for, all templates but `{folded:table}` filled."""
    return [_filled(part, database, layout) for part in (_spread(template) if layout.cluster else [template])]


def _spread(template: str) -> list[str]:
    """What one statement becomes on a cluster: for the shards' own tables, for the distributed ones, or for both."""
    local = _TABLE.sub(rf"{{db}}.\1{_LOCAL}", template)
    if template.startswith("CREATE TABLE") and local != template:
        return [local, _distributed(template)]
    if template.startswith("CREATE MATERIALIZED VIEW"):
        return [local]
    if template.startswith("ALTER TABLE"):
        return [local] if _STORED_ONLY.search(template) else [local, template]
    return [template]


def _distributed(template: str) -> str:
    table, comment = _TABLE.search(template), _COMMENT.search(template)
    if table is None or comment is None:
        raise ValueError(f"a table of a migration without name or COMMENT: {template[:80]!r}")
    return (
        f"CREATE TABLE IF NOT EXISTS {table[0]} {{cluster}} AS {table[0]}{_LOCAL} "
        f"ENGINE = Distributed({{cluster_name}}, {{db}}, {table[1]}{_LOCAL}, cityHash64(upgrade)) {comment[0]}"
    )


def _filled(template: str, database: str, layout: Layout) -> str:
    filled = re.sub(r"\{engine:(\w+)\}", lambda match: _engine(match[1], layout.cluster), template)
    return (
        filled.replace("{db}", database)
        .replace("{cluster}", f"ON CLUSTER {layout.cluster}" if layout.cluster else "")
        .replace("{cluster_name}", layout.cluster)
        .replace("{text_days}", str(layout.text_days))
        .replace("{keep_days}", str(layout.keep_days))
    )


def _engine(argument: str, cluster: str) -> str:
    kind, arguments = ("Aggregating", []) if argument == "aggregating" else ("Replacing", [argument])
    if cluster:  # {shard} and the like are macros of the server, not templates of ours
        kind = f"Replicated{kind}"
        # The ledger of migrations is one for all shards.
        path = ("all", "{shard}-{replica}") if argument == "applied_at" else ("{shard}", "{replica}")
        arguments = [f"'/clickhouse/tables/{path[0]}/{{database}}/{{table}}'", f"'{path[1]}'", *arguments]
    return f"{kind}MergeTree({', '.join(arguments)})"
