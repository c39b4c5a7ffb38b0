"""Every file of the table, each in a process of its own; `python -m tests.zoo.table` writes docs/zoo.md of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.zoo.checks import Result
from tests.zoo.fetch import cache_folder, unpack
from tests.zoo.models import FILES, NAMED, RealFile

RESULTS = cache_folder() / "results"


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.name)
def test_a_real_file(entry: RealFile) -> None:
    path = RESULTS / f"{entry.name}.json"
    path.unlink(missing_ok=True)
    entry.locate()
    done = subprocess.run(
        [sys.executable, "-m", "tests.zoo.worker", entry.name, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = Result.load(path)
    failed = [f"{step.name}: {step.said}" for step in result.steps if not step.passed]
    assert result.passed, "; ".join(failed)


def test_no_file_of_the_named_packages_is_left_out() -> None:
    listed = {entry.locate() for entry in NAMED}
    for package in {entry.package for entry in NAMED if entry.package}:
        for path in unpack(package).rglob("*.onnx"):
            assert path in listed, f"{package}: {path.name}"
