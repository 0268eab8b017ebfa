"""The page of comparators is made from their docstrings and current."""

from pathlib import Path

from comparators.dimensions import load_dimensions
from comparators.reference import reference

PAGE = Path(__file__).parents[2] / "docs/comparators.md"


def test_the_committed_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m comparators.reference > docs/comparators.md"


def test_every_dimension_has_a_row_and_a_section():
    page = reference()
    for dimension in load_dimensions():
        assert f"| [`{dimension.name}`](#{dimension.name}) |" in page
        assert f"\n## {dimension.name}\n" in page
