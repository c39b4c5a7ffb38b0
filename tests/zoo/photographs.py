"""A trained classifier looks at photographs: it names what is on them, and the heat lies on it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from inspector import Inspector
from tests.zoo.classifier import SIZE, classifier, pixels
from tests.zoo.fetch import cache_folder
from tests.zoo.objects import PHOTOGRAPHS, Photograph, labelled

FIGURES = cache_folder() / "photographs"
CORRECT = 17
"""Of the twenty labelled photographs, those whose class comes first."""
DENSER = 2.0
"""How much denser the heat must be on the object than beside it; without any relation it would be 1."""


@pytest.fixture(scope="module")
def lens() -> Inspector:
    return Inspector(classifier())


def test_it_names_what_is_on_the_photographs(lens: Inspector) -> None:
    (output,) = lens.outputs
    first, five = 0, 0
    for path, label in labelled():
        ranked = lens.run(pixels(Image.open(path)))[output.name][0].argsort()[::-1]
        first += int(ranked[0] == label)
        five += int(label in ranked[:5])
    _write("accuracy", {"photographs": len(labelled()), "first": first, "five": five})
    assert (first, five) == (CORRECT, 20)


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_the_heat_lies_on_the_object(photograph: Photograph, lens: Inspector) -> None:
    x = pixels(photograph.open())
    explanation = lens.explain(x, target=photograph.label, check=photograph is PHOTOGRAPHS[0])
    assert explanation.method == "gradcam"
    if explanation.check is not None:
        assert explanation.check.passed, explanation.check
    heat = explanation.heatmap[0].astype(np.float64)
    inside = photograph.inside(SIZE)
    share, area = float(heat[inside].sum() / heat.sum()), float(inside.mean())
    denser = share / area * (1 - area) / (1 - share)
    _overlay(photograph, heat)
    figures: dict[str, float | str] = {
        "what": photograph.what,
        "share": share,
        "area": area,
        "denser": denser,
    }
    _write(photograph.name, figures)
    assert denser > DENSER


def _write(name: str, figures: Mapping[str, float | str]) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"{name}.json").write_text(json.dumps(figures))


def _overlay(photograph: Photograph, heat: NDArray[np.float64]) -> None:
    """The heat over the photograph with the boxes, for people to look at."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    colours = Image.fromarray((255 * colormaps["turbo"](heat)[..., :3]).astype(np.uint8))
    picture = photograph.open()
    mixed = Image.blend(picture, colours.resize(picture.size, Image.Resampling.BILINEAR), 0.5)
    draw = ImageDraw.Draw(mixed)
    for left, top, right, bottom in photograph.boxes:
        corners = (left * mixed.width, top * mixed.height, right * mixed.width - 1, bottom * mixed.height - 1)
        draw.rectangle(corners, outline="white", width=3)
    mixed.save(FIGURES / f"{photograph.name}.png")
