"""Any Keras 3 model (TensorFlow backend) to a verified ONNX file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from export.errors import ExportError
from export.keras_tracing import Call, Traced, find_layers
from export.metadata import encode_metadata, layer_kind
from export.opsets import DEFAULT_OPSET, require_opset
from export.taps import TapRecorder, parse_requests
from export.tensorflow_graph import full_precision, graph_of_function
from export.verify import TOLERANCE, Array, InputSpec
from export.writer import Job, write_verified

__all__ = ["export_keras"]


def export_keras(
    model: Any,
    path: str | os.PathLike[str],
    taps: Iterable[str] = (),
    opset: int = DEFAULT_OPSET,
    metadata: Mapping[str, Any] | None = None,
    *,
    example: Any = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_batch: bool = True,
    tolerance: float = TOLERANCE,
) -> dict[str, float]:
    """Writes `model` (with `training=False`) to `path` and verifies the file against it.

    `taps` are layer names (`conv`, or `inner/conv` within a nested model); each becomes an output after the model's
    own, named as given: its own value, on the path to what follows, channel-first (maps of rank 4 and 5, and 1-D
    convolutions and poolings; other sequences stay (N, T, C)). Inputs and the model's own outputs keep the layout
    that Keras gives them. A layer called several times gives `name.0`, `name.1` (ask for one as `name.1`).
    Inputs are named as the model's; outputs as its output layers, or the keys of a dict. A sub-classed model without
    `inputs` needs `example`, the arrays it is called with. `metadata` has the keys of the `onnxlens.` metadata
    without the prefix.

    Returns each output's largest difference from the model on random input of batch sizes 1 and 3, relative to the
    output's largest magnitude. Raises ExportError, leaving no file, when one exceeds `tolerance`, when a tap does not
    exist, and for what cannot be written in `opset`; OSError when the folder cannot be written.
    """
    require_opset(opset)
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"Keras runs on {keras.backend.backend()} here; set KERAS_BACKEND=tensorflow to export"
        )
    layers = find_layers(model)
    requests = parse_requests(taps, layers, "layer")
    call = Call(model, example, input_names, dynamic_batch)
    traced = Traced(model, call, TapRecorder(requests))
    with full_precision(), traced.tapped({request.layer: layers[request.layer] for request in requests}):
        traced.marking = True
        marked = graph_of_function(traced.run, call.signature(), call.names, opset, layers)
        traced.marking = False
        own = list(traced.output_names if output_names is None else output_names)
        if len(own) != len(traced.output_names) or len(set(own)) != len(own):
            raise ExportError(f"{len(traced.output_names)} different output names are needed, not {own}")
        names = traced.recorder.names()

        def reference(feed: Mapping[str, Array]) -> dict[str, Array]:
            values, seen = traced.record(feed)
            return {
                **dict(zip(own, values, strict=True)),
                **{n: seen[key] for n, key in names.items() if key in seen},
            }

        kinds = {name: layer_kind(type(layers[key.layer]).__name__) for name, key in names.items()}
        framework = {"name": "tensorflow", "version": str(tf.__version__)}
        encoded = encode_metadata(metadata, framework, kinds)
        specs: list[InputSpec] = call.specs()
        return write_verified(
            Job(marked, Path(path), opset, specs, own, names, encoded, reference, tolerance)
        )
