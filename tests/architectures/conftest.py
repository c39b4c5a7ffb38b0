from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", type=Path, help="folder in which each architecture's figures are kept")


@pytest.fixture
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where figures are kept."""
    folder: Path | None = request.config.getoption("--rows")
    return tmp_path if folder is None else folder
