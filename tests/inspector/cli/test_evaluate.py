"""`onnxlens evaluate` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inspector import Inspector
from inspector.cli.truth import Truth, inside_boxes, read_truth
from inspector.errors import InputError, InputNotFound
from inspector.images import load_pictures
from tests.inspector.cli.conftest import Run, error_line

FEW = ("--set", "insertion.steps=3", "--set", "deletion.steps=3")


def test_a_table_a_figure_and_json(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("evaluate", model, pictures[0].parent, "--method", "gradcam,random", "--metric",
                 "insertion,deletion,sparseness", *FEW, "--out", "good")  # fmt: skip
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line]
    assert lines[0].split() == ["method", "insertion", "↑", "deletion", "↓", "sparseness"]
    assert [line.split()[0] for line in lines[2:4]] == ["gradcam", "random"]
    assert lines[4:] == ["good/evaluation.json", "good/evaluation.png"]
    found = json.loads(Path("good/evaluation.json").read_text())
    mean = found["methods"]["gradcam"]["insertion"]
    assert f"{mean['mean']:.3f} [{mean['low']:.3f}, {mean['high']:.3f}]" in lines[2]
    assert found["options"]["insertion"]["steps"] == 3
    assert sorted(path.name for path in Path("good/results").iterdir()) == [
        f"{number:04}-p{number}-{method}.json" for number in (1, 2) for method in ("gradcam", "random")
    ]
    assert Path("good/evaluation.png").stat().st_size > 5_000


def test_json_alone_and_the_same_when_it_goes_on(run: Run, model: Path, pictures: list[Path]) -> None:
    command = (
        "evaluate",
        model,
        *pictures,
        "--method",
        "saliency",
        "--metric",
        "deletion",
        "--json",
        *FEW[2:],
    )
    documents = [json.loads(run(*command).stdout) for _ in range(2)]
    assert documents[0] == documents[1]
    assert documents[0]["samples"] == ["p1", "p2"]
    assert documents[0]["better"] == {"deletion": "lower"}


def test_the_truth_names_classes_and_boxes(run: Run, model: Path, pictures: list[Path]) -> None:
    # the model sees the middle 40 columns of 60, as 12: the box covers the left half of that
    Path("truth.csv").write_text(
        "file,class,left,top,right,bottom\np1.png,blue,10,0,30,40\np2.png,1,0,0,12,3\n"
    )
    result = run("evaluate", model, *pictures, "--method", "centre", "--metric", "pointing-game,energy-in-box",
                 "--truth", "truth.csv", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["targets"] == ["logits=blue", "logits=green"]
    np.testing.assert_allclose(found["methods"]["centre"]["energy-in-box"]["values"][0], 0.5)
    # of the four middle pixels, equally high, two lie on it
    assert found["methods"]["centre"]["pointing-game"]["values"][0] == 0.5


def test_boxes_on_the_model_s_canvas(model: Path, pictures: list[Path]) -> None:
    lens = Inspector(model)
    (picture,) = load_pictures([pictures[0]], lens.inputs, lens.metadata)
    inside = inside_boxes(picture, Truth(None, [(10, 0, 30, 40), (0, 30, 60, 40)]))
    expected = np.zeros((12, 12), bool)
    expected[:, :6] = expected[9:, :] = True
    assert inside is not None
    np.testing.assert_array_equal(inside, expected)
    assert inside_boxes(picture, Truth(3)) is inside_boxes(picture, None) is None


def test_both_ways_to_write_it_down(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps({"x.png": {"class": "cat", "boxes": [[1, 2, 3, 4], [5, 6, 7, 8]]}, "y.png": {"class": 7}})
    )
    (tmp_path / "a.csv").write_text(
        "file,class,left,top,right,bottom\nx.png,cat,1,2,3,4\nx.png,,5,6,7,8\ny.png,7,,,,\n"
    )
    expected = {"x.png": Truth("cat", [(1, 2, 3, 4), (5, 6, 7, 8)]), "y.png": Truth(7)}
    assert read_truth(tmp_path / "a.json") == read_truth(tmp_path / "a.csv") == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "[1]"), ("a.json", "{"), ("a.csv", "name\nx\n"), ("a.csv", "file\n"),
     ("a.json", '{"x": {"boxes": [[3, 0, 1, 9]]}}'), ("a.json", '{"x": {"boxes": [[3, 0]]}}')],
)  # fmt: skip
def test_what_is_no_truth_is_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="does not say what is on the pictures"):
        read_truth(tmp_path / name)
    with pytest.raises(InputNotFound, match="there is no file"):
        read_truth(tmp_path / "none.csv")


def test_mistakes_are_one_line(run: Run, model: Path, pictures: list[Path]) -> None:
    assert "there is no metric 'magic'" in error_line(run("evaluate", model, *pictures, "--metric", "magic"))
    assert "there is no method 'magic'" in error_line(run("evaluate", model, *pictures, "--method", "magic"))
    assert "--set takes METHOD.key=value" in error_line(run("evaluate", model, *pictures, "--set", "steps=3"))
    assert "--truth FILE" in error_line(run("evaluate", model, *pictures, "--metric", "pointing-game"))
    Path("truth.json").write_text('{"other.png": {"class": 1}}')
    line = error_line(run("evaluate", model, *pictures, "--truth", "truth.json"))
    assert "the truth names none of the pictures: it has 'other.png'" in line


def test_a_picture_that_the_truth_leaves_out_is_said(run: Run, model: Path, pictures: list[Path]) -> None:
    Path("truth.json").write_text('{"p1.png": {"class": 1}}')
    result = run(
        "evaluate", model, *pictures, "--truth", "truth.json", "--method", "random", "--metric", "sparseness"
    )
    assert "Note: the truth does not name p2.png: its top class is explained" in result.stderr


def test_numbers_of_some_pictures_say_of_how_many(run: Run, model: Path, pictures: list[Path]) -> None:
    Path("truth.json").write_text('{"p1.png": {"boxes": [[10, 0, 30, 40]]}, "p2.png": {"class": 1}}')
    result = run("evaluate", model, *pictures, "--truth", "truth.json", "--method", "centre", "--metric",
                 "energy-in-box,sparseness")  # fmt: skip
    assert "energy-in-box ↑ (n=1)" in result.stdout
    assert "sparseness\n" in result.stdout


def test_a_second_model_for_random_labels(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("evaluate", model, pictures[1], "--method", "saliency", "--metric", "label-randomisation",
                 "--random-labels", model, "--json")  # fmt: skip
    assert json.loads(result.stdout)["methods"]["saliency"]["label-ssim"]["mean"] == 1
