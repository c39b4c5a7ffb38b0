"""An explanation shows and saves itself: what is in the figure, the notebook's HTML and the files."""

from __future__ import annotations

import base64
import html
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from inspector import Inspector
from inspector.errors import InputError, OutputError
from inspector.explain import Explanation
from tests.inspector.graphs import cnn, images, multi_head
from tests.inspector.render.test_figures import inside, texts

X = images(3)


@pytest.fixture(scope="module")
def found() -> Explanation:
    return Inspector(cnn()).explain(X, "gradcam", target=[3, 1, 4], check=True)


def said(figure: Figure) -> str:
    return " ".join(texts(figure))


def test_the_figure_has_picture_heatmap_and_overlay_and_says_what_they_are(found: Explanation) -> None:
    figure = found.plot(sample=1)
    assert [axes.get_title() for axes in figure.axes] == ["image", "gradcam", "overlay", ""]
    for part in (found.target[1], f"gradcam at {found.layer}", f"score {found.score[1]:.4g}", "passed"):
        assert part in said(figure)
    assert inside(figure)


def test_the_picture_is_the_input_unless_another_is_given(found: Explanation) -> None:
    shown = np.asarray(found.plot().axes[0].images[0].get_array())
    # stretched from its 0.5th to its 99.5th percentile
    low, high = np.percentile(X[0], (0.5, 99.5))
    expected = np.rint(np.clip((X[0].transpose(1, 2, 0) - low) / (high - low), 0, 1) * 255)
    np.testing.assert_allclose(shown, expected, atol=1)
    photo = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    for image in (photo, photo / 255):
        panels = found.plot(image).axes
        np.testing.assert_array_equal(np.asarray(panels[0].images[0].get_array()), photo)
        assert np.asarray(panels[2].images[0].get_array()).shape == (20, 30, 3)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 2)), np.full((4, 4, 3), 200.0), np.zeros((4, 4, 3), np.int64)]
)
def test_what_is_no_picture_is_refused(found: Explanation, image: Any) -> None:
    with pytest.raises(InputError, match="a picture is"):
        found.plot(image)


def test_jet_is_the_other_habit(found: Explanation) -> None:
    heat = {
        colours: np.asarray(found.plot(colours=colours).axes[1].images[0].get_array())
        for colours in ("perceptual", "jet")
    }  # type: ignore[arg-type]
    top = np.unravel_index(int(found.heatmap[0].argmax()), found.heatmap[0].shape)
    # the upper ends of viridis and of jet
    np.testing.assert_allclose(heat["perceptual"][top][:3], [253, 231, 37], atol=3)
    np.testing.assert_allclose(heat["jet"][top][:3], [128, 0, 0], atol=3)
    with pytest.raises(InputError, match="choose perceptual or jet"):
        found.plot(colours="rainbow")  # type: ignore[arg-type]


def test_signed_maps_are_diverging_in_either() -> None:
    signed = Inspector(cnn()).explain(X[:1], "input-x-gradient", target=3)
    one, other = (
        signed.plot(colours=colours).axes[1].images[0].get_array() for colours in ("perceptual", "jet")
    )  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_notebook_shows_each_image(found: Explanation) -> None:
    text = found._repr_html_()
    assert text.count("<img") == 3
    picture = text.split("data:image/png;base64,")[1].split('"')[0]
    width, height = Image.open(io.BytesIO(base64.b64decode(picture))).size
    assert width > height > 100
    for part in (*found.target, "gradient check", str(found.check)):
        assert html.escape(part) in text
    many = Inspector(cnn()).explain(images(6), "saliency", target="logits[0]")
    assert many._repr_html_().count("<img") == 4
    assert "and 2 more" in many._repr_html_()


def test_what_comes_from_a_file_is_escaped(found: Explanation) -> None:
    text = replace(found, target=("<script>", "b", "c"), notes=["<b>"])._repr_html_()
    assert "<script>" not in text
    assert "<b>" not in text


def test_notes_stand_with_their_image(found: Explanation) -> None:
    noted = replace(found, notes=["a quantised model", "image 2: the map is zero everywhere: no reason"])
    assert noted.notes_of(0) == ["a quantised model"]
    assert noted.notes_of(1) == ["a quantised model", "the map is zero everywhere: no reason"]
    assert noted.take([1]).notes == ["a quantised model", "image 1: the map is zero everywhere: no reason"]
    assert "no reason" in said(noted.plot(sample=1))
    assert "no reason" not in said(noted.plot(sample=0))


def test_some_of_the_images(found: Explanation) -> None:
    some = found.take([2, 0])
    assert some.target == (found.target[2], found.target[0])
    np.testing.assert_array_equal(some.heatmap, found.heatmap[[2, 0]])
    np.testing.assert_array_equal(some.score, found.score[[2, 0]])
    assert len(some) == 2


def test_an_empty_map_is_said_in_the_figure() -> None:
    lens = Inspector(multi_head())
    found = lens.explain(images(1, size=8), "saliency", target="0*length[0]")
    assert not found.heatmap.any()
    assert "zero everywhere" in said(found.plot())
    assert any("zero everywhere" in note for note in found.notes)


def test_a_map_that_is_wholly_against_the_target_is_said() -> None:
    lens = Inspector(cnn())
    x = np.abs(X[:1])
    # input times gradient of a sum of inputs, minus it
    found = lens.explain(x, "input-x-gradient", target="-1*image[...]")
    assert found.heatmap.max() <= 0
    assert found.notes == ["image 1: the map is nowhere positive: all evidence is against the target"]
    assert "nowhere positive" in said(found.plot())


def test_arrays_are_saved_as_they_are(found: Explanation, tmp_path: Path) -> None:
    with np.load(found.save(tmp_path / "new" / "found.npz")) as kept:
        assert set(kept) == {"heatmap", "raw", "map", "score"}
        for name in kept:
            np.testing.assert_array_equal(kept[name], getattr(found, name))


def test_everything_else_is_json(found: Explanation, tmp_path: Path) -> None:
    kept = json.loads(found.save(tmp_path / "found.json").read_text())
    assert kept["target"] == list(found.target)
    assert kept["method"] == "gradcam"
    assert kept["layer"] == found.layer
    assert kept["check"]["verdict"] == "passed"
    np.testing.assert_allclose(kept["score"], found.score)
    measured = replace(found, measures={"gap": np.array([1.0, np.nan, 2.0])}).to_json()
    assert measured["measures"] == {"gap": [1.0, None, 2.0]}


def test_figures_are_saved_by_suffix(found: Explanation, tmp_path: Path) -> None:
    assert found.save(tmp_path / "found.png", sample=2).read_bytes().startswith(b"\x89PNG")
    assert found.save(tmp_path / "found.PDF").read_bytes().startswith(b"%PDF")
    with pytest.raises(InputError, match=r"\.npz or \.json, not as '\.txt'"):
        found.save(tmp_path / "found.txt")
    with pytest.raises(InputError, match="there is no image 3: the explanation has 3, 0 to 2"):
        found.save(tmp_path / "other.png", sample=3)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        found.save(tmp_path / "file" / "found.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "found.PDF", "found.png"]


def test_a_signal_has_a_bar_for_each_position() -> None:
    from onnx import helper

    from tests.inspector.graphs import model, normal

    node = helper.make_node("Gemm", ["x", "w"], ["logits"])
    lens = Inspector(model([node], {"x": ["n", 12]}, {"logits": ["n", 3]}, {"w": normal(12, 3, scale=1)}))
    found = lens.explain(normal(1, 12, scale=1), "saliency", target=0)
    (axes,) = found.plot().axes
    np.testing.assert_allclose([bar.get_height() for bar in axes.patches], found.heatmap[0], rtol=1e-6)
