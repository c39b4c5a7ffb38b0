"""Files that Keras and TensorFlow wrote: `.keras` models and SavedModel folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.errors import ExportError, first_line
from export.keras_exporter import export_keras
from export.metadata import encode_metadata
from export.opsets import DEFAULT_OPSET, require_opset
from export.taps import OUTPUT, Key
from export.tensorflow_graph import full_precision, graph_of_function, input_specs, mark
from export.verify import Array
from export.writer import Job, write_verified

__all__ = ["export_keras_file", "export_saved_model"]

SIGNATURE = "serving_default"


def export_keras_file(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    taps: Iterable[str] = (),
    opset: int = DEFAULT_OPSET,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Exports a `.keras` file as `export_keras` does. Code stored in it is not run: such a file is refused."""
    try:
        model = keras.models.load_model(source, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its parts raise
        raise ExportError(
            f"{source} cannot be loaded: {first_line(error)} A model with code or classes of its own can be loaded "
            "in Python by those who trust it, and given to export.export_keras(model, path)"
        ) from error
    return export_keras(model, path, taps, opset, metadata)


def export_saved_model(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    taps: Iterable[str] = (),
    opset: int = DEFAULT_OPSET,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Exports the signature `serving_default` of a SavedModel folder; inputs and outputs are named as the signature's.

    A SavedModel has functions but no layers, so `taps` must be empty. Raises ExportError otherwise, and as
    `export_keras` does.
    """
    require_opset(opset)
    if tuple(taps):
        raise ExportError(
            f"{source} is a SavedModel, which has no layers to tap: save the model as .keras instead"
        )
    try:
        loaded: Any = tf.saved_model.load(os.fspath(source))
    except Exception as error:  # TensorFlow raises whatever its parts raise
        raise ExportError(f"{source} cannot be loaded as a SavedModel: {first_line(error)}") from error
    if SIGNATURE not in loaded.signatures:
        raise ExportError(
            f"{source} has no signature {SIGNATURE!r}; it has {', '.join(loaded.signatures) or 'none'}"
        )
    function = loaded.signatures[SIGNATURE]
    given: dict[str, Any] = function.structured_input_signature[1]
    own = list(function.structured_outputs)

    def call(*tensors: Any) -> list[Any]:
        result = function(**dict(zip(given, tensors, strict=True)))
        return [result[name] for name in own]

    def marked(*tensors: Any) -> list[Any]:
        return [mark(tensor, Key(OUTPUT, 0, i)) for i, tensor in enumerate(call(*tensors))]

    def reference(feed: Mapping[str, Array]) -> dict[str, Array]:
        values = call(*(tf.constant(feed[name]) for name in given))
        return dict(zip(own, map(np.asarray, values), strict=True))

    signature = [
        tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{i}") for i, spec in enumerate(given.values())
    ]
    with full_precision():
        model = graph_of_function(marked, signature, list(given), opset)
        encoded = encode_metadata(metadata, {"name": "tensorflow", "version": str(tf.__version__)}, {})
        specs = input_specs(list(given), signature)
        return write_verified(Job(model, Path(path), opset, specs, own, {}, encoded, reference))
