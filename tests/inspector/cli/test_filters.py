from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector import Inspector
from tests.inspector.cli.conftest import Run, error_line

MAKE = ("--mode", "maximize", "--steps", "3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve small pictures, one of them of another size."""
    place = tmp_path / "many"
    place.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        size = (12, 12, 3) if number else (20, 30, 3)
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(place / f"p{number}.png")
    return place


def test_an_animation_of_the_ascent(run: Run, model: Path) -> None:
    result = run("filters", model, *MAKE, "--filters", "0-3", "--parametrisation", "fourier", "--gif")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["filters/layer-1-conv_maximize.png", "filters/layer-1-conv_maximize.gif"]
    with Image.open("filters/layer-1-conv_maximize.gif") as movie:
        assert movie.n_frames == 4
        # four pictures of 12 x 12 with two pixels between
        assert movie.size == (26, 26)
        assert movie.info["loop"] == 0


def test_what_was_made_as_json(run: Run, model: Path) -> None:
    result = run(
        "filters", model, *MAKE, "--layer", "logits", "--filters", "1,2", "--each", "2",
        "--set", "diversity=0.5", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    records = json.loads(result.stdout)
    assert [(each["filter"], each["caption"]) for each in records] == [(1, "green")] * 2 + [(2, "blue")] * 2
    assert all(Path(file).is_file() for each in records for file in each["files"])


def test_neurons_and_directions(run: Run, model: Path) -> None:
    np.save("d.npy", np.eye(8)[:2])
    assert run("filters", model, *MAKE, "--filters", "0", "--neuron", "4,4").exit_code == 0
    assert run("filters", model, *MAKE, "--filters", "0", "--neuron", "center").exit_code == 0
    result = run("filters", model, *MAKE, "--direction", "d.npy", "--json")
    assert [each["caption"] for each in json.loads(result.stdout)] == ["direction 0", "direction 1"]


def test_the_crops_that_excite_most(run: Run, model: Path, folder: Path) -> None:
    result = run(
        "filters", model, "--mode", "top", "--layer", "conv", "--filters", "2,5", "--each", "3",
        "--images", folder, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    records = json.loads(result.stdout)
    assert [each["filter"] for each in records] == [2, 5]
    assert Path("filters/layer-1-conv_top.png").is_file()
    lens = Inspector(model)
    for record in records:
        scores = {}
        for path in folder.iterdir():
            with Image.open(path) as picture:
                if picture.size == (12, 12):
                    x = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 255
                    scores[path.stem] = lens.activations(x, "conv")["conv"][0, record["filter"]].max()
        found = [(crop["image"], crop["score"]) for crop in record["crops"] if crop["image"] != "p0"]
        expected = sorted(scores.items(), key=lambda each: -each[1])[: len(found)]
        assert [name for name, _ in found] == [name for name, _ in expected]
        np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], rtol=1e-5)
        for crop in record["crops"]:
            assert [end - begin for begin, end in crop["box"]] == [3, 3]


def test_rows_of_a_dense_layer(run: Run, model: Path, flat_model: Path) -> None:
    for path, layer in ((model, "logits"), (flat_model, "hidden")):
        result = run("filters", path, "--layer", layer, "--json")
        assert result.exit_code == 0, result.output
        (record,) = json.loads(result.stdout)
        assert record["shape"] == ([4, 200] if layer == "logits" else [7, 5])
        assert Path(record["files"][0]).is_file()


def test_what_is_asked_for_wrongly(run: Run, model: Path, tmp_path: Path) -> None:
    line = error_line(run("filters", model, "--mode", "top"))
    assert "--images" in line
    assert "--gif belongs to --mode maximize" in error_line(run("filters", model, "--gif"))
    assert "--images belongs to --mode top" in error_line(run("filters", model, *MAKE, "--images", tmp_path))
    assert "no option 'blur'; its options: step=None" in error_line(
        run("filters", model, *MAKE, "--set", "blur=1")
    )
    assert "no neuron at (40, 2)" in error_line(run("filters", model, *MAKE, "--neuron", "40,2"))
    assert "--neuron takes a place" in error_line(run("filters", model, *MAKE, "--neuron", "left"))
    assert "there is no file gone.npy" in error_line(run("filters", model, *MAKE, "--direction", "gone.npy"))
    (tmp_path / "text.npy").write_text("1 2 3")
    assert "no array that NumPy can read" in error_line(
        run("filters", model, *MAKE, "--direction", "text.npy")
    )
