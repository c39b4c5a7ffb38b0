from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inspector import Explanation, Inspector
from tests.inspector.cli.conftest import Run


def files(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_layers_lists_what_can_be_named(run: Run, model: Path) -> None:
    result = run("layers", model)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (conv,) = [line for line in lines if " conv " in line]
    assert conv.split()[:3] == ["1", "conv", "Conv"]
    assert "(batch, 8, 10, 10)" in conv
    assert conv.split()[-1] == "224"
    assert "takes: image float32 (batch, 3, 12, 12)" in lines
    # the layer that heatmaps are drawn at
    assert [line.split()[1] for line in lines if "*" in line] == ["max_pool*"]


def test_layers_as_json_is_pure_and_has_edges_and_attributes(run: Run, model: Path) -> None:
    document = json.loads(run("layers", model, "--json").stdout)
    assert [layer["name"] for layer in document["layers"]] == [
        "conv",
        "relu",
        "batch_norm",
        "max_pool",
        "flat",
        "logits",
    ]
    pool = document["layers"][3]
    assert pool["attributes"]["kernel_shape"] == [2, 2]
    assert {"from": 3, "to": 4, "tensor": "batch_norm"} in document["edges"]
    assert {"from": None, "to": 1, "tensor": "image"} in document["edges"]
    assert document["default_layer"] == "max_pool"
    assert document["inputs"] == [{"name": "image", "shape": ["batch", 3, 12, 12], "dtype": "float32"}]


def test_activations_of_the_named_layers(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("activations", model, pictures[0].parent, "--out", "seen", "--npz")
    assert result.exit_code == 0, result.output
    expected = [
        f"image-0{i}_{rest}"
        for i in (1, 2)
        for rest in ("activations.npz", "layer-1-conv.png", "layer-2-relu.png")
    ]
    assert files("seen") == expected
    assert sorted(result.stdout.split()) == [f"seen/{name}" for name in expected]
    with np.load("seen/image-02_activations.npz") as arrays:
        pixels = np.asarray(Image.open(pictures[1]), np.float32).transpose(2, 0, 1)[None] / 255
        truth = Inspector(model).activations(pixels, layers=["conv", "relu"])
        assert set(arrays.files) == {"conv", "relu"}
        np.testing.assert_allclose(arrays["conv"], truth["conv"], rtol=1e-5)


def test_activations_of_any_layer_on_both_scales(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run(
        "activations", model, pictures[0], "--layer", "MaxPool:last", "--layer", "6", "--scale", "both"
    )
    assert result.exit_code == 0, result.output
    assert files("activations") == [
        "image-01_layer-4-max_pool.png", "image-01_layer-4-max_pool_shared.png", "image-01_layer-6-logits.png",
        "image-01_layer-6-logits_shared.png",
    ]  # fmt: skip


def test_kernels_of_the_first_convolution(run: Run, model: Path) -> None:
    result = run("filters", model, "--out", "f")
    assert result.exit_code == 0, result.output
    assert result.stdout == "f/layer-1-conv_kernels.png\n"


@pytest.mark.parametrize("mode", ["maximize", "maximise"])
def test_what_filters_and_classes_answer_to(run: Run, model: Path, mode: str) -> None:
    for layer, name in (("conv", "layer-1-conv"), ("logits", "layer-6-logits")):
        result = run("filters", model, "--mode", mode, "--layer", layer, "--steps", "2", "--filters", "0,2-3")
        assert result.exit_code == 0, result.output
        assert result.stdout == f"filters/{name}_maximize.png\n"


def test_explain_prints_a_table_and_draws_at_the_photographs_own_size(
    run: Run, model: Path, pictures: list[Path]
) -> None:
    result = run("explain", model, *pictures, "--target", "red", "--out", "why")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[:1] in (["p1"], ["p2"])]
    assert [(row[0], *row[-3:]) for row in rows] == [
        (name, "max_pool", "gradcam", "passed") for name in ("p1", "p2")
    ]
    assert all("red" in row[1] for row in rows)
    assert files("why")[:2] == [
        "image-01_layer-4-max_pool_gradcam_red.png", "image-01_layer-4-max_pool_gradcam_red_overlay.png",
    ]  # fmt: skip
    overlay = np.asarray(Image.open("why/image-01_layer-4-max_pool_gradcam_red_overlay.png"))
    photo = np.asarray(Image.open(pictures[0]))
    assert overlay.shape == photo.shape == (40, 60, 3)
    # the model sees the middle 40 columns: beside them the photograph is dimmed
    np.testing.assert_allclose(overlay[:, :10], photo[:, :10] * 0.35, atol=1)


def test_the_overlay_is_the_library_s_heatmap(run: Run, model: Path, pictures: list[Path]) -> None:
    assert (
        run("explain", model, pictures[1], "--target", "blue", "--layer", "relu", "--no-check").exit_code == 0
    )
    photo = np.asarray(Image.open(pictures[1]))
    overlay = np.asarray(Image.open("explained/image-01_layer-2-relu_gradcam_blue_overlay.png"))
    pixels = photo.transpose(2, 0, 1)[None].astype(np.float32) / 255
    heatmap = Inspector(model).explain(pixels, target="blue", layer="relu").heatmap[0]
    # viridis has no more red than its yellow end, so the hottest pixel is where the colour laid over is (253, 231, 37)
    peak = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    np.testing.assert_allclose(overlay[peak], (photo[peak] + np.array([253.0, 231, 37])) / 2, atol=1)


def test_explain_as_json_is_pure(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("explain", model, *pictures, "--layer", "conv", "--layer", "relu", "--json")
    assert result.exit_code == 0, result.output
    records = json.loads(result.stdout)
    assert [(r["image"], r["layer"]) for r in records] == [
        (p, layer) for p in ("p1", "p2") for layer in ("conv", "relu")
    ]
    for record in records:
        assert record["check"]["verdict"] == "passed"
        assert record["check"]["max_relative_error"] < 1e-6
        assert math.isfinite(record["score"])
        assert all(Path(file).is_file() for file in record["files"])


def test_a_target_for_each_picture(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run(
        "explain", model, *pictures, "--target", "red", "--target", "logits[2]", "--no-check", "--json"
    )
    one, two = json.loads(result.stdout)
    assert "red" in one["target"]
    assert "2" in two["target"] or "blue" in two["target"]
    assert one["check"] is None


def test_names_of_classes_from_a_file(run: Run, model: Path, pictures: list[Path]) -> None:
    Path("names.txt").write_text("ant\nbee\ncat\ndog\n")
    result = run(
        "explain", model, pictures[0], "--target", "bee", "--labels", "names.txt", "--no-check", "--json"
    )
    assert "bee" in json.loads(result.stdout)[0]["target"]
    Path("names.json").write_text(
        json.dumps({"0": ["n1", "ant"], "1": ["n2", "bee"], "2": ["n3", "c"], "3": ["n4", "d"]})
    )
    assert (
        run(
            "explain", model, pictures[0], "--target", "bee", "--labels", "names.json", "--no-check"
        ).exit_code
        == 0
    )


def with_verdict(monkeypatch: pytest.MonkeyPatch, verdict: str) -> None:
    """Every check comes out as `verdict`."""
    explain, check = Inspector.explain, Inspector.check

    def explained(self: Inspector, *arguments: Any, **options: Any) -> Explanation:
        found = explain(self, *arguments, **options)
        assert found.check is not None
        return replace(found, check=replace(found.check, verdict=verdict))

    monkeypatch.setattr(Inspector, "explain", explained)
    monkeypatch.setattr(
        Inspector, "check", lambda self, *a, **o: replace(check(self, *a, **o), verdict=verdict)
    )


@pytest.mark.parametrize(
    ("verdict", "code"), [("passed", 0), ("failed", 1), ("inconclusive", 0), ("vacuous", 0)]
)
def test_explain_tells_every_verdict_and_fails_where_a_check_failed(
    run: Run, model: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch, verdict: str, code: int
) -> None:
    with_verdict(monkeypatch, verdict)
    result = run("explain", model, pictures[0], "--quiet")
    assert result.exit_code == code
    assert verdict in result.stdout
    assert ("Warning: p1" in result.stderr) == (verdict != "passed")


@pytest.mark.parametrize("verdict", ["passed", "failed", "inconclusive", "vacuous"])
def test_check_succeeds_only_when_passed(
    run: Run, model: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    with_verdict(monkeypatch, verdict)
    result = run("check", model, pictures[0])
    assert result.exit_code == (verdict != "passed")
    assert verdict in result.stdout


def test_check_reports_what_it_rests_on(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("check", model, pictures[0], "--layer", "conv", "--target", "green")
    assert result.exit_code == 0, result.output
    for word in (
        "verdict",
        "directions",
        "kinks",
        "precision",
        "largest relative error",
        "passed",
        "float64",
    ):
        assert word in result.stdout
    (record,) = json.loads(run("check", model, pictures[0], "--layer", "conv", "--json").stdout)
    assert record["passed"] is True
    assert record["wrt"] == "conv"
    assert record["max_relative_error"] < 1e-6


def test_check_without_a_picture_says_that_the_input_is_random(run: Run, model: Path) -> None:
    result = run("check", model)
    assert result.exit_code == 0, result.output
    assert "random input" in result.stderr
    assert "random input" in result.stdout


def test_a_gradient_of_zero_is_vacuous_and_no_pass(run: Run, model: Path, pictures: list[Path]) -> None:
    """The class `nothing` has no weights: its gradient is zero everywhere, and so are the differences."""
    result = run("check", model, pictures[0], "--target", "nothing")
    assert result.exit_code == 1
    assert "vacuous" in result.stdout
    assert "not a pass" in result.stderr
    explained = run("explain", model, pictures[0], "--target", "nothing")
    assert explained.exit_code == 0
    assert "vacuous" in explained.stdout
    assert "Warning: p1" in explained.stderr


def test_report_of_any_model(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("report", model, *pictures, "--target", "red", "--layer", "relu")
    assert result.exit_code == 0, result.output
    assert Path("report.html").read_text(encoding="utf-8").lstrip().startswith("<!")
    assert "report.html" in result.stdout
    assert "2 passed" in result.stdout


def test_arrays_stand_for_pictures(run: Run, model: Path) -> None:
    np.save("x.npy", np.random.default_rng(0).random((2, 3, 12, 12), dtype=np.float32))
    result = run("explain", model, "x.npy", "--no-check", "--json")
    assert [record["image"] for record in json.loads(result.stdout)] == ["x-1", "x-2"]


@pytest.mark.parametrize("command", [("explain", "--method", "saliency", "--json"), ("check", "--json")])
def test_gradient_graphs_are_kept_where_asked(
    run: Run, model: Path, pictures: list[Path], tmp_path: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    asked = (name, model, pictures[0], *options, "--cache", tmp_path / "kept")
    first = run(*asked)
    (kept,) = (tmp_path / "kept").iterdir()
    written = kept.stat().st_mtime_ns
    content = kept.read_bytes()
    again = run(*asked)
    records, same = ([{**each, "seconds": 0} for each in json.loads(one.stdout)] for one in (first, again))
    assert records == same
    # read, not built again: reading alone sets its time
    assert kept.read_bytes() == content
    assert kept.stat().st_mtime_ns > written
    assert list((tmp_path / "kept").iterdir()) == [kept]


def test_quiet_says_nothing_on_stderr(run: Run, model: Path, pictures: list[Path]) -> None:
    for arguments in (
        ["explain", model, pictures[0]],
        ["check", model],
        ["layers", model],
        ["filters", model],
    ):
        result = run(*arguments, "--quiet")
        assert result.exit_code == 0
        assert result.stderr == ""
