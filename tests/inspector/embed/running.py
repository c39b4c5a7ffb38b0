"""An embedded file run by onnxruntime alone, beside what `explain` says of the same model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from inspector import Inspector
from inspector.embed import Embedded

__all__ = ["agrees", "run"]

Array = NDArray[Any]

# what two graphs in float32 may differ by, of a heatmap in [-1, 1]: the issue's own figure
TOLERANCE = 1e-5


def run(path: Path | str, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """All outputs by name."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def agrees(
    lens: Inspector,
    path: Path,
    feeds: Mapping[str, Array],
    method: str = "gradcam",
    classes: list[int] | None = None,
    **options: Any,
) -> Embedded:
    """Embed, run, compare heatmap and outputs.

    Args:
        lens: of the model.
        path: to write to.
        feeds: what the model takes.
        method, options: as for `embed` and `explain`.
        classes: asked for by the class input; None: the file has none.
    """
    made = lens.embed(path, method, class_input=classes is not None, **options)
    onnx.checker.check_model(str(path), full_check=True)
    asked = {} if classes is None else {"class": np.array(classes, dtype=np.int64)}
    found = run(path, {**feeds, **asked})
    x = next(iter(feeds.values())) if len(feeds) == 1 else feeds
    own = lens.run(x)
    assert list(found) == [*own, "heatmap"]
    for name, array in own.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5 * np.abs(array).max())
    if classes is not None:
        own_class = lens.explain(x, "saliency").target
        top = [int(text.split("=")[-1]) for text in own_class] if -1 in classes else classes
        options["target"] = [top[n] if one == -1 else one for n, one in enumerate(classes)]
    explained = lens.explain(x, method, **options)
    assert found["heatmap"].dtype == np.float32
    assert found["heatmap"].shape == explained.heatmap.shape
    np.testing.assert_allclose(found["heatmap"], explained.heatmap, rtol=0, atol=TOLERANCE)
    assert (made.layer, made.method) == (explained.layer, method)
    return made
