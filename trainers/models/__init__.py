"""The three models of the source document, specified once and built in either framework.

`build_torch` and `build_keras` are imported with their framework, when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trainers.models.spec import Spec
from trainers.models.specs import SPECS, get_spec

if TYPE_CHECKING:
    from trainers.models.keras_builder import build_keras
    from trainers.models.torch_builder import build_torch

__all__ = ["SPECS", "Spec", "build_keras", "build_torch", "get_spec"]

_LATE = {"build_keras": "trainers.models.keras_builder", "build_torch": "trainers.models.torch_builder"}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
