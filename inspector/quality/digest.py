"""What a result depends on, as one word: a result with another word is of another question."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from inspector.model import Model
from inspector.model.external import external_tensors
from inspector.session import Array, Feeds

__all__ = ["of_arrays", "of_model", "of_options"]


def of_model(model: Model) -> str:
    """Of the file: its graph and weights; of weights that are left in their files, these files' sizes and times."""
    found = hashlib.sha256(model.proto.SerializeToString(deterministic=True))
    places = {entry.value for tensor in external_tensors(model.proto) for entry in tensor.external_data
              if entry.key == "location"}  # fmt: skip
    for place in sorted(places):
        about = Path(place).stat()
        found.update(f"{about.st_size} {about.st_mtime_ns}".encode())
    return found.hexdigest()


def of_arrays(arrays: Feeds | dict[str, Array]) -> str:
    """Of named arrays."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def of_options(**options: Any) -> str:
    """Of anything that can be written down."""
    return hashlib.sha256(json.dumps(options, sort_keys=True, default=_written).encode()).hexdigest()


def _written(value: Any) -> str:
    return of_arrays({"": value}) if isinstance(value, np.ndarray) else repr(value)
