"""The page of comparators is made from their docstrings and current."""

import dataclasses
import inspect
import re
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


def test_every_docstring_says_what_it_sees_and_does_not_names_its_settings_and_gives_an_example():
    for dimension in load_dimensions():
        text = inspect.getdoc(type(dimension.comparator)) or ""
        assert re.search(r"\bsees?\b", text, re.IGNORECASE), dimension.name
        assert re.search(r"\bnot\W{0,3} see\b", text, re.IGNORECASE), dimension.name
        assert ">>> " in text or "Example:" in text, dimension.name
        for field in dataclasses.fields(dimension.comparator):
            assert re.search(rf"\b{field.name}\b", text), f"{dimension.name}: {field.name}"
