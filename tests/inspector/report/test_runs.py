"""Run folders that cannot be reported on: each error says what helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inspector.errors import InputError, InspectorError
from inspector.report.runs import open_run
from tests.inspector.report.synthetic import LINE_NAMES, make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", "section2-line")


def change(run: Path, **values: object) -> None:
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(info | values), encoding="utf-8")


def without(run: Path, key: str) -> None:
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    del info[key]
    (run / "run.json").write_text(json.dumps(info), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "model.onnx").unlink(), r"no model\.onnx; write it with `onnxlens export .*run`"),
        (lambda run: change(run, status="running"), r"not finished \(2 epochs done\).*--resume"),
        (lambda run: change(run, format=9), "format 9.*reads format 1"),
        (lambda run: (run / "run.json").unlink(), "no run.json"),
        (lambda run: (run / "run.json").write_text("{"), "run.json is no valid JSON"),
        (lambda run: (run / "run.json").write_text("[]"), "run.json holds no JSON object"),
        (lambda run: without(run, "dataset"), "lacks the entry 'dataset'"),
        (lambda run: (run / "metrics.json").unlink(), "metrics.json is missing"),
        (lambda run: (run / "images.npz").unlink(), "images.npz is missing"),
        (lambda run: (run / "images.npz").write_bytes(b"PK"), "images.npz cannot be read"),
        (lambda run: np.savez(run / "images.npz", images=np.zeros(1)), "lacks the entry 'labels'"),
    ],
)
def test_a_damaged_run_says_what_helps(run: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(run)
    with pytest.raises(InspectorError, match=message):
        open_run(run)


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run folder .*missing"):
        open_run(tmp_path / "missing")


def test_classes_of_several_heads_are_numbered_like_the_line_data(run: Path) -> None:
    opened = open_run(run)
    assert opened.class_names == LINE_NAMES
    # ((length * 2 + width) * 12 + angle) * 2 + colour
    assert opened.class_names[((1 * 2 + 0) * 12 + 3) * 2 + 1] == "long thin 45° blue"
