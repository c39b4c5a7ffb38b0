"""Framework models to ONNX: intermediate outputs exposed on the path, verified against the framework, described.

`export_torch` and `export_keras` are imported when first used, and each imports its own framework only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export.errors import ExportError
    from export.keras_exporter import export_keras
    from export.torch_exporter import export_torch

__all__ = ["ExportError", "export_keras", "export_torch"]

_HOMES = {
    "ExportError": "export.errors",
    "export_keras": "export.keras_exporter",
    "export_torch": "export.torch_exporter",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'export' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
