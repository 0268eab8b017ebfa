"""Metrics: named as Prometheus wants it, each explained to users."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from streams import metrics

DOCS = Path(__file__).parents[2] / "docs" / "operating.md"
UNITS_THAT_ARE_NO_BASE = ("milliseconds", "ms", "minutes", "hours", "days", "kb", "mb", "kilobytes", "percent")
KINDS = ("counter", "gauge", "histogram", "summary")


def ours():
    return [family for family in metrics.REGISTRY.collect() if family.name.startswith("shadowtap_")]


def test_names_follow_the_conventions_that_promtool_checks():
    for family in ours():
        exposed = family.name + ("_total" if family.type == "counter" else "")
        words = exposed.split("_")
        assert re.fullmatch(r"shadowtap_[a-z]+(_[a-z]+)*", exposed), exposed
        assert not set(words) & {*UNITS_THAT_ARE_NO_BASE, *KINDS}, exposed
        assert (words[-1] == "total") == (family.type == "counter"), exposed
        assert words[-1] not in {"count", "sum", "bucket", "info"}, exposed
        assert family.type != "untyped"
        assert family.documentation.endswith("."), exposed
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert all(re.fullmatch(r"[a-z_]+", label) for label in labels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")
def test_promtool_has_nothing_to_say():
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(metrics.REGISTRY), capture_output=True, check=False
    )
    complaints = [line for line in checked.stderr.decode().splitlines() if line.startswith("shadowtap_")]
    assert complaints == []


def test_the_docs_explain_every_metric_and_no_other():
    rows = re.findall(r"^\| `(shadowtap_\w+)` \| (\w+) \|[^|]*\| (.*) \|$", DOCS.read_text(), re.MULTILINE)
    said = {name: (kind, text) for name, kind, text in rows}
    exposed = {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, family.documentation)
        for family in ours()
    }
    assert said == exposed
