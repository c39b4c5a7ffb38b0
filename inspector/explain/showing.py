"""How an explanation shows itself: as a figure, in a notebook, as a file."""

from __future__ import annotations

import base64
import html
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.errors import InputError
from inspector.explain.upsample import upsample
from inspector.render import Colours, heatmap_figure, save_arrays, save_figure, save_json, stretched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from inspector.explain.explanation import Explanation

__all__ = ["as_html", "draw", "middle_slice", "save"]

FIGURES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")
# in a notebook; the rest is a plot() away
MOST_SHOWN = 4
SHOWN_DPI = 110


def draw(found: Explanation, image: ArrayLike | None, sample: int, colours: Colours) -> Figure:
    """The figure behind `Explanation.plot`."""
    sample = _one_of(found, sample)
    heatmap = middle_slice(found.heatmap[sample])
    rgb = None
    if heatmap.ndim == 2:
        rgb = _fed(found, sample, heatmap.shape) if image is None else _as_pixels(image)
        if rgb is not None and rgb.shape[:2] != heatmap.shape:
            heatmap = upsample(heatmap[None], rgb.shape[:2])[0]
    check = found.check
    score = float(_own(found, found.score, sample))
    return heatmap_figure(
        rgb,
        heatmap,
        _own(found, found.target, sample),
        subtitle=f"{found.method} {place(found)} · score {score:.4g}{_measures(found, sample)}",
        method=found.method,
        signed=found.signed,
        verdict=None if check is None else (check.verdict, str(check)),
        notes=found.notes_of(sample),
        names=_codes(found, sample) if heatmap.ndim == 1 else (),
        colours=colours,
    )


def save(
    found: Explanation, path: str | os.PathLike[str], image: ArrayLike | None, sample: int, colours: Colours
) -> Path:
    """The file behind `Explanation.save`."""
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        arrays = {"heatmap": found.heatmap, "raw": found.raw, "map": found.map, "score": found.score}
        return save_arrays(arrays, path)
    if suffix == ".json":
        return save_json(found.to_json(), path)
    if suffix not in FIGURES:
        raise InputError(
            f"an explanation is saved as {', '.join(FIGURES)}, .npz or .json, not as '{suffix or path}'"
        )
    return save_figure(draw(found, image, sample, colours), path)


def as_html(found: Explanation) -> str:
    """Each image's figure inline, and what is known of it in a table."""
    shown = [_section(found, sample) for sample in range(min(len(found), MOST_SHOWN))]
    if len(found) > MOST_SHOWN:
        shown.append(f"<p>… and {len(found) - MOST_SHOWN} more: <code>plot(sample={MOST_SHOWN})</code></p>")
    return f'<div class="onnxlens-explanation">{"".join(shown)}</div>'


def _section(found: Explanation, sample: int) -> str:
    buffer = io.BytesIO()
    draw(found, None, sample, "perceptual").savefig(buffer, format="png", dpi=SHOWN_DPI)
    picture = base64.b64encode(buffer.getvalue()).decode("ascii")
    target = _own(found, found.target, sample)
    rows = {
        "target": target,
        "score": f"{float(_own(found, found.score, sample)):.6g}",
        "method": f"{found.method} {place(found)}",
        "gradient check": "not made" if found.check is None else str(found.check),
        **{
            name: f"{float(value):.4g}"
            for name, value in ((n, _per_image(found, v, sample)) for n, v in found.measures.items())
            if value is not None
        },
    }
    cells = [*rows.items(), *(("note", note) for note in found.notes_of(sample))]
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in cells
    )
    words = html.escape(f"heatmap of {found.method} for {target}", quote=True)
    return f'<img alt="{words}" src="data:image/png;base64,{picture}"/><table>{lines}</table>'


def place(found: Explanation) -> str:
    """Where the map was made."""
    return "at the input" if found.layer is None else f"at {found.layer}"


def middle_slice(heatmap: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) of a volume (D, H, W); a picture's and a signal's map as they are."""
    return heatmap[heatmap.shape[0] // 2] if heatmap.ndim == 3 else heatmap


def _one_of(found: Explanation, sample: int) -> int:
    if not -len(found) <= sample < len(found):
        raise InputError(
            f"there is no image {sample}: the explanation has {len(found)}, 0 to {len(found) - 1}"
        )
    return sample % len(found)


def _own(found: Explanation, values: Any, sample: int) -> Any:
    """The entry of an image; a target of the whole batch has but one."""
    return values[sample] if len(values) == len(found) else values[0]


def _per_image(found: Explanation, values: Any, sample: int) -> Any:
    """One number for an image; None where a measure is none."""
    array = np.asarray(values)
    return array[sample] if array.shape == (len(found),) else None


def _measures(found: Explanation, sample: int) -> str:
    numbers = {name: _per_image(found, values, sample) for name, values in found.measures.items()}
    return "".join(f" · {name} {float(value):.3g}" for name, value in numbers.items() if value is not None)


def _fed(found: Explanation, sample: int, sides: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """What the model was fed, as a picture; None where it is none of the map's size."""
    if found.pictured is None:
        return None
    pixels = stretched(found.pictured[sample])
    return pixels if pixels.shape[:2] == sides else None


def _codes(found: Explanation, sample: int) -> list[str]:
    """The numbers that stand for words or bytes, one for each position; none for an input of other numbers."""
    if found.pictured is None or found.pictured.dtype.kind not in "iu":
        return []
    return [str(code) for code in found.pictured[sample].ravel()]


def _as_pixels(image: ArrayLike) -> NDArray[np.uint8]:
    array = np.asarray(image)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise InputError(f"a picture is (height, width, 3), uint8 or in [0, 1], not {array.shape}")
    array = array[..., :3]
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind != "f" or not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise InputError(
            "a picture is uint8, or floating-point in [0, 1]; leave it out to see the model's input"
        )
    pixels: NDArray[np.uint8] = np.rint(array * 255).astype(np.uint8)
    return pixels
