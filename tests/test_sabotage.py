"""The proofs that the rows of `make chaos` can fail break lines of the product that are there."""

from pathlib import Path

import pytest

from benchmarks.chaos.sabotage import HERE, SABOTAGES


@pytest.mark.parametrize("name", SABOTAGES)
def test_the_line_that_a_sabotage_breaks_is_there_once(name):
    sabotage = SABOTAGES[name]
    assert Path(HERE, sabotage.path).read_text(encoding="utf-8").count(sabotage.old) == 1
