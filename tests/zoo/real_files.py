"""Every file of the table, each in a process of its own; afterwards `python -m tests.zoo.table` writes docs/zoo.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.zoo.checks import Result
from tests.zoo.fetch import cache_folder, unpack
from tests.zoo.file import RealFile
from tests.zoo.models import FILES
from tests.zoo.named import NAMED

RESULTS = cache_folder() / "results"
LONGEST = 3600
"""Seconds after which a file is given up."""


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.name)
def test_a_real_file(entry: RealFile) -> None:
    path = RESULTS / f"{entry.name}.json"
    path.unlink(missing_ok=True)
    failure = _examine(entry, path)
    result = Result.load(path) if path.exists() else Result.without_steps(entry)
    if failure:
        result.failure = failure
        result.save(path)
    failed = [f"{step.name}: {step.said}" for step in result.steps if not step.passed]
    assert result.passed, "; ".join([*failed, failure])


def _examine(entry: RealFile, path: Path) -> str:
    """Do everything with a file, in a process of its own; returns why that did not get to the end, if it did not."""
    try:
        entry.locate()
    except Exception as error:  # of a network, a registry, an archive: the table says it
        return f"not fetched: {error}"
    command = [sys.executable, "-m", "tests.zoo.worker", entry.name, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return f"given up after {LONGEST} s"
    return "" if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr.strip()}"


def test_no_file_of_the_named_packages_is_left_out() -> None:
    listed = {entry.locate() for entry in NAMED}
    for package in {entry.package for entry in NAMED if entry.package}:
        for path in unpack(package).rglob("*.onnx"):
            assert path in listed, f"{package}: {path.name}"
