from __future__ import annotations

from pathlib import Path

import pytest
from numpy.typing import ArrayLike

from tests.peers.row import TOLERANCE, Finding, Row, difference, keep, version


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--figures", type=Path, help="folder in which each row of docs/peers.md is kept")


class Parity:
    """Keeps rows for the table, and fails where one is out of tolerance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        method: str,
        ours: ArrayLike,
        theirs: ArrayLike,
        *,
        peer: str,
        called: str,
        network: str,
        measure: str = "map",
        tolerance: float = TOLERANCE,
        note: str = "",
    ) -> None:
        """A row: the largest difference of two batches of maps (N, ...), kept whether or not it passes."""
        found = difference(ours, theirs)
        row = Row(method, peer, called, network, found, measure, version(peer), tolerance, note)
        keep(row, self.folder)
        assert found <= tolerance, f"{method} differs from {peer}'s {called} by {found:.1e}"

    def differs(self, method: str, *, peer: str, what: str, theirs: str, ours: str) -> None:
        """A finding, once a test has asserted both behaviours."""
        keep(Finding(method, peer, version(peer), what, theirs, ours), self.folder)


@pytest.fixture
def parity(request: pytest.FixtureRequest, tmp_path: Path) -> Parity:
    """`parity(method, ours, theirs, peer=..., called=..., network=...)` and `parity.differs(...)`."""
    folder: Path | None = request.config.getoption("--figures")
    return Parity(tmp_path if folder is None else folder)
