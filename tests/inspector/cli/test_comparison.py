"""`explain` with several methods, layers, targets and kinds of files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from inspector import Inspector
from inspector.cli.methods import BUDGETS
from inspector.explain import FAMILIES, METHODS
from tests.inspector.cli.conftest import Run, error_line


def test_the_help_lists_every_method_by_family(run: Run) -> None:
    result = run("explain", "--help")
    words = result.stdout.replace(",", " ").split()
    assert set(METHODS) <= set(words)
    assert all(f"{family}: " in result.stdout for family in FAMILIES)


def test_budgets_are_options_that_exist() -> None:
    for name, budget in BUDGETS.items():
        for option, value in budget.items():
            assert value < METHODS[name].options[option]


def test_several_methods_make_one_sheet_per_picture(run: Run, model: Path, pictures: list[Path]) -> None:
    methods = "gradcam,saliency,occlusion,attention-rollout"
    result = run("explain", model, *pictures, "--method", methods, "--target", "red")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("explained").iterdir()) == [
        "image-01_comparison_red.png", "image-02_comparison_red.png",
    ]  # fmt: skip
    assert "Note: attention-rollout: no attention matrix" in result.stderr
    table = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == ["p1"]]
    assert [row[-3] for row in table] == ["gradcam", "saliency", "occlusion"]
    assert all(row[-2:] == ["not", "checked"] for row in table)


def test_methods_without_a_gradient_say_so(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("explain", model, pictures[1], "--method", "gradcam,occlusion", "--check")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == ["p2"]]
    assert rows[0][-2:] == ["gradcam", "passed"]
    assert rows[1][-3:] == ["occlusion", "no", "gradient"]


def test_a_comparison_as_json(run: Run, model: Path, pictures: list[Path]) -> None:
    methods = "saliency,attention-rollout,rise"
    result = run("explain", model, pictures[1], "--method", methods, "--json", "--set", "rise.masks=20")
    assert result.exit_code == 0, result.output
    saliency, rollout, rise = json.loads(result.stdout)
    assert saliency["seconds"] > 0
    assert saliency["files"] == rise["files"] == ["explained/image-01_comparison.png"]
    assert rollout["method"] == "attention-rollout"
    assert "no attention matrix" in rollout["error"]


def test_options_go_to_the_methods_that_have_them(run: Run, model: Path, pictures: list[Path]) -> None:
    common = ["explain", model, pictures[1], "--json", "--no-check", "--target", "red", "--save", "npz"]
    assert (
        run(*common, "--method", "smoothgrad,saliency", "--set", "samples=3", "--set", "seed=2").exit_code
        == 0
    )
    with np.load("explained/image-01_smoothgrad_red.npz") as kept:
        x = np.asarray(Image.open(pictures[1])).transpose(2, 0, 1)[None].astype(np.float32) / 255
        found = Inspector(model).explain(x, "smoothgrad", target="red", samples=3, seed=2)
        np.testing.assert_allclose(kept["heatmap"], found.heatmap, atol=1e-6)
    assert "none of the methods" in error_line(
        run(*common, "--method", "gradcam,saliency", "--set", "steps=3")
    )
    assert "takes no option" in error_line(run(*common, "--method", "saliency", "--set", "steps=3"))
    assert "not among" in error_line(run(*common, "--method", "gradcam,saliency", "--set", "rise.masks=3"))


def test_what_no_method_can_do_is_an_error(run: Run, model: Path, pictures: list[Path]) -> None:
    both = "attention-rollout,gradient-rollout"
    assert "none of the methods works here" in error_line(
        run("explain", model, pictures[0], "--method", both)
    )
    assert "there is no method 'grad'" in error_line(
        run("explain", model, pictures[0], "--method", "lrp,grad")
    )
    wrong = run("explain", model, pictures[0], "--method", "gradcam,saliency", "--target", "purple")
    assert "'purple' is neither" in error_line(wrong)


def test_several_layers_are_one_map_where_they_are_merged(
    run: Run, model: Path, pictures: list[Path]
) -> None:
    layers = ["--layer", "conv", "--layer", "relu", "--target", "red", "--no-check", "--json"]
    (merged,) = json.loads(run("explain", model, pictures[1], *layers, "--merge", "max").stdout)
    assert merged["layer"] == "conv + relu"
    assert merged["files"][0] == "explained/image-01_layer-1-conv+relu_gradcam_red.png"
    assert len(json.loads(run("explain", model, pictures[1], *layers).stdout)) == 2


def test_several_targets_of_a_picture(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("explain", model, *pictures, "--target", "red; top[1]", "--no-check", "--json")
    records = json.loads(result.stdout)
    assert [record["image"] for record in records] == ["p1", "p1", "p2", "p2"]
    assert [record["target"] for record in records][::2] == ["logits=red"] * 2
    assert len({file for record in records for file in record["files"]}) == 8


def test_files_of_the_kinds_asked_for(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("explain", model, pictures[1], "--save", "npz,json", "--target", "red", "--no-check")
    stem = "image-01_layer-4-max_pool_gradcam_red"
    assert sorted(path.name for path in Path("explained").iterdir()) == [f"{stem}.json", f"{stem}.npz"]
    assert result.stdout.splitlines()[-2:] == [f"explained/{stem}.npz", f"explained/{stem}.json"]
    assert json.loads(Path(f"explained/{stem}.json").read_text())["target"] == ["logits=red"]
    assert "'gif' is none of" in error_line(run("explain", model, pictures[1], "--save", "gif"))


def test_the_colours_of_other_tools(run: Run, model: Path, pictures: list[Path]) -> None:
    arguments = ["explain", model, pictures[1], "--target", "blue", "--layer", "relu", "--no-check"]
    assert run(*arguments, "--colors", "jet").exit_code == 0
    photo = np.asarray(Image.open(pictures[1]))
    overlay = np.asarray(Image.open("explained/image-01_layer-2-relu_gradcam_blue_overlay.png"))
    pixels = photo.transpose(2, 0, 1)[None].astype(np.float32) / 255
    heatmap = Inspector(model).explain(pixels, target="blue", layer="relu").heatmap[0]
    peak = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    np.testing.assert_allclose(overlay[peak], (photo[peak] + np.array([128.0, 0, 0])) / 2, atol=1)


def test_targets_that_are_spelt_alike_have_files_of_their_own(
    run: Run, model: Path, pictures: list[Path]
) -> None:
    result = run(
        "explain", model, pictures[0], "--target", "top[1]; top(1); red; -1*red", "--no-check", "--json"
    )
    records = json.loads(result.stdout)
    assert len({file for record in records for file in record["files"]}) == 2 * len(records) == 8


def test_notes_say_of_which_picture_and_method(run: Run, model: Path, pictures: list[Path]) -> None:
    methods = ["--method", "gradient-shap,saliency", "--set", "samples=1", "--target", "red", "--quiet"]
    assert "Note" not in run("explain", model, *pictures, *methods).stderr
    said = run("explain", model, *pictures, *methods[:-1]).stderr
    assert "Note: gradient-shap: no references were given" in said
    assert "Note: gradient-shap: p1: the attributions add up to" in said
    assert "image 1" not in said
    alone = run(
        "explain", model, pictures[0], "--no-check", "--method", "gradient-shap", "--set", "samples=1"
    )
    assert "Note: no references were given" in alone.stderr
    assert "Note: the attributions add up to" in alone.stderr
