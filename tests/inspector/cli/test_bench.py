"""`onnxlens bench`: table, advice, JSON. No assertion about how long anything took."""

from __future__ import annotations

import json
from pathlib import Path

from tests.inspector.cli.conftest import Run

QUICK = ("--rounds", "3", "--seconds", "0", "--provider", "cpu")


def test_the_table_fits_and_advice_follows(run: Run, model: Path) -> None:
    result = run("bench", model, *QUICK, "--threads", "1", "--batch", "1", "--batch", "2")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    table = lines[: next(place for place, line in enumerate(lines) if line.startswith("one at a time"))]
    assert max(map(len, table)) <= 80
    for work in ("forward", "activations", "gradient", "gradcam"):
        assert sum(work in line.split() for line in table if "x forward" not in line) == 2
    assert lines[-2].startswith("one at a time: provider cpu, 1 thread, batch 1: ")
    assert lines[-1].startswith("many: provider cpu, 1 thread, batch ")


def test_json_holds_all_of_it(run: Run, model: Path) -> None:
    result = run("bench", model, *QUICK, "--threads", "1", "--batch", "1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == {"model", "machine", "rows", "recommended", "notes"}
    assert [row["work"] for row in found["rows"]] == ["forward", "activations", "gradient", "gradcam"]
    assert set(found["rows"][1]["ratio"]) == {"low", "middle", "high"}
    assert [each["purpose"] for each in found["recommended"]] == ["one at a time", "many"]


def test_a_provider_that_is_not_there_is_bad_input(run: Run, model: Path) -> None:
    result = run("bench", model, "--provider", "abacus")
    assert result.exit_code == 2
    assert "no provider 'abacus'" in result.stderr
