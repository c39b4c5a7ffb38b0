from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspector.explain import METHODS

PAGE = (Path(__file__).parents[3] / "docs" / "methods.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z0-9+-]+)` \|(.*)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_definition_a_source_and_a_use(name: str) -> None:
    cells = [cell.strip() for cell in ROWS[name].strip(" |").split(" | ")]
    assert len(cells) == 3
    assert all(cells)


@pytest.mark.parametrize("name", METHODS)
def test_every_option_is_written_down(name: str) -> None:
    # of a loop, of segments and of augmentation: said once for all
    for option in METHODS[name].options:
        assert f"`{option}`" in PAGE or f"`{option}=" in PAGE, option


def test_nothing_else_is_listed() -> None:
    assert set(ROWS) == set(METHODS)
