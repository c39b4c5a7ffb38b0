"""The figures and files of `explain`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.cli.results import Question, Result, score_of, target_text, verdict
from inspector.explain import Explanation
from inspector.render import (
    Colours,
    Compared,
    brightened,
    comparison_sheet,
    figure_name,
    heatmap_figure,
    overlay_pixels,
    question_slug,
    save_figure,
    save_pixels,
)

if TYPE_CHECKING:
    from inspector.images import Picture
    from inspector.lens import Inspector

__all__ = ["draw_result", "draw_sheet", "save_data"]


def draw_result(result: Result, lens: Inspector, images: int, out: Path, colours: Colours) -> list[Path]:
    """Write the figure of one method, and the overlay pixel by pixel where there is a photograph."""
    picture, found = result.question.picture, result.found
    assert found is not None
    rgb, heatmap = _on_photograph(picture, found)
    figure = heatmap_figure(
        rgb, heatmap, f"{picture.name}: {target_text(found)}", method=found.method, signed=found.signed,
        subtitle=f"{found.method} {_place(found, lens)} · score {score_of(found):.4g}{_measures(found)}",
        verdict=(found.check.verdict, str(found.check)) if found.check is not None else None,
        notes=[*picture.notes, *found.notes_of(0)],
        names=_codes(picture, heatmap.size) if heatmap.ndim == 1 else (), colours=colours,
    )  # fmt: skip
    name = _name(result.question, found.method, found.layers, lens, images)
    files = [save_figure(figure, out / name)]
    if rgb is not None:
        overlay = overlay_pixels(rgb, brightened(heatmap)[0], found.signed, colours)
        files.append(save_pixels(overlay, out / name.replace(".png", "_overlay.png")))
    return files


def save_data(result: Result, lens: Inspector, images: int, out: Path, kinds: Collection[str]) -> list[Path]:
    """Write the arrays (npz) and what is known of them (json) of one method."""
    found = result.found
    assert found is not None
    name = _name(result.question, found.method, found.layers, lens, images)
    return [found.save(out / name.replace(".png", f".{kind}")) for kind in ("npz", "json") if kind in kinds]


def draw_sheet(results: Sequence[Result], lens: Inspector, images: int, out: Path, colours: Colours) -> Path:
    """Write one sheet of what several methods found for the same question; those that do not work are listed."""
    question = results[0].question
    worked = [(result, result.found) for result in results if result.found is not None]
    failed = [f"{result.method}: {result.reason}" for result in results if result.found is None]
    drawn = [(result, found, *_on_photograph(question.picture, found)) for result, found in worked]
    compared = [
        Compared(found.method, heatmap, found.signed, _below(result)) for result, found, _, heatmap in drawn
    ]
    first = worked[0][1]
    at = next((found for _, found in worked if found.layer is not None), None)
    seconds = sum(result.seconds for result in results)
    figure = comparison_sheet(
        drawn[0][2],
        compared,
        f"{question.picture.name}: {target_text(first)}",
        subtitle=f"score {score_of(first):.4g}{'' if at is None else f' · {_place(at, lens)}'} · {seconds:.0f} s",
        foot=["Not possible here:", *failed] if failed else [],
        colours=colours,
    )
    layers = at.layers if at is not None and question.layers is not None else ()
    return save_figure(figure, out / _name(question, "comparison", layers, lens, images))


def _below(result: Result) -> str:
    checked = f" · {verdict(result)}" if result.checked else ""
    return f"{result.seconds:.1f} s{checked}"


def _on_photograph(
    picture: Picture, found: Explanation
) -> tuple[NDArray[np.uint8] | None, NDArray[np.float32]]:
    """The photograph and the heatmap at its size; of other inputs the heatmap alone, of a volume its middle slice."""
    heatmap = found.heatmap[0]
    if heatmap.ndim == 3:
        heatmap = heatmap[heatmap.shape[0] // 2]
    if picture.rgb is None or picture.placement is None or heatmap.ndim != 2:
        return None, heatmap
    return picture.rgb, picture.placement.to_photo(heatmap)


def _place(found: Explanation, lens: Inspector) -> str:
    if not found.layers:
        return "at the input"
    first, *others = found.layers
    if others:
        return f"at layers {' + '.join(found.layers)}"
    layer = lens.resolve_layer(first)
    return f"at layer {layer.index} {layer.name} ({layer.label})"


def _measures(found: Explanation) -> str:
    """Numbers beside the map, one for the picture."""
    values: dict[str, Any] = {name: np.asarray(value) for name, value in found.measures.items()}
    return "".join(
        f" · {name} {float(value[0]):.3g}" for name, value in values.items() if value.shape == (1,)
    )


def _name(question: Question, what: str, layers: Sequence[str], lens: Inspector, images: int) -> str:
    """What was asked for belongs into the name, so that two questions do not overwrite each other's answer."""
    what = f"{what}_{question_slug(question.asked)}" if question.asked else what
    place = None
    if layers:
        place = (lens.resolve_layer(layers[0]).index, "+".join(layers))
    most = max((one.index for one in lens.layers()), default=1)
    return figure_name(image=question.number, images=images, layer=place, layers=most, what=what)


def _codes(picture: Picture, count: int) -> list[str]:
    """The numbers that stand for words or bytes, one for each position; none for an input of other numbers."""
    values = picture.tensor[0]
    return [str(code) for code in values] if values.dtype.kind in "iu" and values.shape == (count,) else []
