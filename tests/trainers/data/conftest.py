from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainers.data.idx_files import checksums, four_files
from trainers.data import mnist


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four tiny files that stand for MNIST while the test runs."""
    tiny = four_files()
    monkeypatch.setattr(mnist, "SHA256", checksums(tiny))
    return tiny


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, moved to a place of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return mnist.cache_folder()
