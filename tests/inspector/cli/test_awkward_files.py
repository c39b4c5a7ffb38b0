"""The commands on files as other tools write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.inspector.cli.conftest import Run, error_line
from tests.inspector.model.awkward import BUILDERS

NAMES = [
    "odd_names",
    "unknown_rank",
    "strings_elsewhere",
    "loop",
    "branches",
    "scan",
    "opset7",
    "contrib_operators",
]


@pytest.mark.parametrize("name", NAMES)
def test_layers_and_activations(run: Run, tmp_path: Path, name: str) -> None:
    proto, feeds = BUILDERS[name]()
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    document = json.loads(run("layers", path, "--json", "--all").stdout)
    assert run("layers", path).exit_code == 0
    np.savez("x.npz", **feeds)
    computed = [
        layer["name"]
        for layer in document["layers"]
        if layer["no_activation"] is None and layer["dtype"] != "string"
    ]
    result = run("activations", path, "x.npz", "--layer", computed[-1], "--npz", "--out", "seen")
    assert result.exit_code == 0, result.output
    assert [path.suffix for path in Path("seen").iterdir() if path.suffix == ".npz"]


def test_what_has_no_activation_is_listed_with_the_reason(run: Run, tmp_path: Path) -> None:
    proto, feeds = BUILDERS["loop"]()
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    reason = "inside the body of Loop 'Loop_2': it has a value per iteration"
    assert f"({reason})" in run("layers", path).stdout
    document = json.loads(run("layers", path, "--json").stdout)
    assert {layer["name"]: layer["no_activation"] for layer in document["layers"]} == {
        "y": None,
        "t": reason,
        "w": reason,
    }
    np.savez("x.npz", **feeds)
    assert reason in error_line(run("activations", path, "x.npz", "--layer", "t"))


def test_an_unknown_provider_is_refused_where_nothing_is_run(run: Run, model: Path) -> None:
    assert "no provider 'abacus'" in error_line(run("layers", model, "--provider", "abacus"))


def test_the_default_layer_is_marked_and_why(run: Run, model: Path) -> None:
    document = json.loads(run("layers", model, "--json").stdout)
    assert [layer["name"] for layer in document["layers"] if layer["default"]] == [document["default_layer"]]
    assert document["kind"]
    assert document["reason"] in run("layers", model).stdout
