"""Names of our own topics, consumer groups and record headers. Others depend on them."""

TRIALS = "shadowtap.trials.v1"  # trials and ledger records; as many partitions as the largest tapped topic
TOUCHED = "shadowtap.touched.v1"  # which (candidate, feature, hour) got scores; one partition: one judge
VERDICTS = "shadowtap.verdicts.v1"  # compacted; keys upgrade/candidate/feature/dimension
DEAD_LETTERS = "shadowtap.dead-letters.v1"  # position and error only
CONTROL = "shadowtap.control.v1"  # pause, resume, accept

ROLES = ("replay", "score", "judge", "alert")

UPGRADE_HEADER = "upgrade"
KIND_HEADER = "kind"  # `trial` or `ledger`
SOURCE_HEADER = "src"  # topic/partition/offset/item of the tapped exchange
SPEND_HEADER = "spend"  # of trials and ledger records: what their tapped partition has spent so far, as JSON
RUN_HEADER = "run"  # of what a backfill produced: its name; the live run's records have none

REQUEST_HEADER = "x-shadowtap-request"  # on every HTTP request of ours: by it our own traffic is recognised
ARM_HEADER = "x-shadowtap-arm"


def consumer_group(upgrade: str, role: str) -> str:
    """The consumer group of a role: its id holds the upgrade's name, so upgrades never disturb each other."""
    return f"shadowtap.{upgrade}.{role}"


def verdict_key(upgrade: str, candidate: str, feature: str = "", dimension: str = "") -> str:
    """Key of a verdict record; the dimension is empty for a feature's verdict, the feature too for a candidate's."""
    return f"{upgrade}/{candidate}/{feature}/{dimension}"
