"""Onnxlens, used as its documentation says."""

from __future__ import annotations

from pathlib import Path

from benchmarks.networks.images import images
from benchmarks.work import CLASS, Ready, Work
from inspector import Inspector

__all__ = ["activations", "gradcam", "gradient", "gradient_static", "opened", "target"]


def opened(work: Work, path: Path | None = None) -> Inspector:
    """The network's file."""
    return Inspector(path or work.path(), providers=[work.provider], threads=work.threads)


def target(work: Work) -> int | str:
    """The class that everyone explains, as this toolkit calls it."""
    return f"{work.spec.output}[{CLASS}]" if work.spec.output else CLASS


def gradient(work: Work) -> Ready:
    """Of the class's logit at the input."""
    return _gradient(work, work.path())


def gradient_static(work: Work) -> Ready:
    """The same of the file for this batch alone."""
    return _gradient(work, work.path("fixed"))


def _gradient(work: Work, path: Path) -> Ready:
    lens, x, asked = opened(work, path), images(work), target(work)
    return Ready(lambda: lens.gradient(x, target=asked))


def gradcam(work: Work) -> Ready:
    """The heatmap at the default layer, enlarged to the image's size."""
    lens, x, asked = opened(work), images(work), target(work)
    layer = lens.default_layer(asked)
    found = lens.explain(x, "gradcam", asked, layer)
    return Ready(
        lambda: lens.explain(x, "gradcam", asked, layer).heatmap,
        {"layer": found.layer},
    )


def activations(work: Work) -> Ready:
    """Of every layer."""
    lens, x = opened(work), images(work)
    found = lens.activations(x)

    def run() -> None:
        lens.activations(x)

    return Ready(run, {"tensors": len(found), "bytes": sum(array.nbytes for array in found.values())})
