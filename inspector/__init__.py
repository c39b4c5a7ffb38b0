"""The inspector: activations, filters, checked gradients and heatmaps of any ONNX file.

>>> from inspector import Inspector, Target
>>> lens = Inspector("model.onnx")
>>> lens.explain(x).heatmap

Names are imported when they are first used: `import inspector` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from inspector._version import __version__

if TYPE_CHECKING:
    from inspector.check import GradientCheck
    from inspector.explain import Explanation
    from inspector.lens import Inspector
    from inspector.model import Layer
    from inspector.objectives import Target

__all__ = ["Explanation", "GradientCheck", "Inspector", "Layer", "Target", "__version__"]

_HOME = {
    "Explanation": "inspector.explain",
    "GradientCheck": "inspector.check",
    "Inspector": "inspector.lens",
    "Layer": "inspector.model",
    "Target": "inspector.objectives",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
