"""One compiled model: feeds in, named tensors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.errors import InputError, InspectorError, ModelError
from inspector.session.aside import set_aside
from inspector.session.feeds import Array
from inspector.session.messages import explain_refusal, first_line
from inspector.session.providers import choose_providers
from inspector.session.serialise import serialise

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["Session"]

# bytes of weights from which on the runtime is kept from making further copies of them, in the order that its kernels
# like best or transposed: below, products that are a sixth faster (ViT-B/16) are worth the memory
HUGE = 2**29
# numbers in one sample from which on its activations take gigabytes (800 x 800 pixels): what a run leaves is then not
# kept for the next, though asking for it anew makes that slower by half, since each session would keep its own
LARGE = 2**21
# the same of all samples of a run (a hundred pictures of 224 x 224)
MANY = 2**24
SHRINK = "memory.enable_memory_arena_shrinkage"
# the pass that makes a `Pad` of zeros the padding of the `MaxPool` behind it, which pads with the lowest value instead:
# the runtime then gives another maximum than the file says wherever a whole window at the border is negative
FUSES_ZEROS = "Pad_Fusion"
# threads that wait for a session's next run spin for some 50 ms, and take the cores from whatever comes in between:
# another session, NumPy, the next library
STOPS_SPINNING = "session.force_spinning_stop"
FOLDER = "session.model_external_initializers_file_folder_path"

# onnxruntime's severity 3: errors only
QUIET = 4


class Session:
    """A model compiled by onnxruntime.

    Args:
        model: as a protobuf message, an `onnx_ir.Model`, or serialised.
        providers: short or full names in order of preference; None: CUDA where there is one, else CPU.
        threads: of the operators; None: onnxruntime's default.

    Raises:
        ModelError: onnxruntime refuses the model.
        InspectorError: a provider that is not there, or that was asked for and did not come.
    """

    def __init__(
        self,
        model: onnx.ModelProto | ir.Model | bytes,
        providers: Sequence[str] | str | None = None,
        threads: int | None = None,
    ) -> None:
        import onnxruntime

        onnxruntime.set_default_logger_severity(QUIET)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = QUIET
        if threads is not None:
            options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = self._arena = _declared(model) < LARGE
        options.add_session_config_entry(STOPS_SPINNING, "1")
        asked = choose_providers(providers)
        weights: dict[str, Array] = {}
        if not isinstance(model, bytes):
            model, weights = set_aside(model)
        given = serialise(model)
        if given.folder is not None:
            options.add_session_config_entry(FOLDER, given.folder)
        if weights:
            held = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
            options.add_external_initializers(list(weights), held)
        disabled = [FUSES_ZEROS]
        if given.external >= HUGE:
            options.add_session_config_entry("session.disable_prepacking", "1")
            disabled.append("ConstantFolding")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                given.message, options, providers=asked, disabled_optimizers=disabled
            )
        except Exception as error:
            if not _from_runtime(error):
                raise
            raise ModelError(f"onnxruntime cannot load the model: {explain_refusal(error)}") from None
        # what it was asked for and what it does can differ: only this list is to be believed
        self.providers: list[str] = self._session.get_providers()
        first = asked[0] if isinstance(asked[0], str) else asked[0][0]
        if providers is not None and first not in self.providers:
            raise InspectorError(
                f"onnxruntime could not start '{first}': it would run on {self.providers[0]} instead"
            )
        self._fixed: dict[str, int] = {
            tensor.name: tensor.shape[0]
            for tensor in self._session.get_inputs()
            if tensor.shape and isinstance(tensor.shape[0], int)
        }
        self.inputs: tuple[str, ...] = tuple(tensor.name for tensor in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(tensor.name for tensor in self._session.get_outputs())

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Run on `feeds` and return `outputs` (None: all) by name.

        A model with a fixed batch is run in slices of that batch, the last one filled up with its last sample.

        Raises:
            InputError: the runtime refuses these inputs.
        """
        names = list(self.outputs if outputs is None else outputs)
        # a part of a model need not read all that the whole is fed
        feeds = {name: array for name, array in feeds.items() if name in self.inputs}
        sliced = {name: self._fixed[name] for name, array in feeds.items() if self._must_slice(name, array)}
        if not sliced:
            return dict(zip(names, self._run(names, feeds), strict=True))
        steps, samples = set(sliced.values()), {len(feeds[name]) for name in sliced}
        if len(steps) > 1 or len(samples) > 1:
            raise InputError(
                "the inputs disagree about the batch: "
                + ", ".join(
                    f"'{name}' takes {size}, given {len(feeds[name])}" for name, size in sliced.items()
                )
            )
        return self._run_slices(names, feeds, set(sliced), steps.pop(), samples.pop())

    def _must_slice(self, name: str, array: Array) -> bool:
        tensor = isinstance(array, np.ndarray) and array.ndim > 0
        return tensor and name in self._fixed and len(array) != self._fixed[name]

    def _run_slices(
        self, names: list[str], feeds: Mapping[str, Array], sliced: set[str], step: int, samples: int
    ) -> dict[str, Array]:
        parts: list[list[Array]] = []
        for start in range(0, samples, step):
            rows = np.minimum(np.arange(start, start + step), samples - 1)
            parts.append(self._run(names, {n: a[rows] if n in sliced else a for n, a in feeds.items()}))
        joined = {}
        for name, pieces in zip(names, zip(*parts, strict=True), strict=True):
            whole = np.concatenate([np.atleast_1d(piece) for piece in pieces], axis=0)
            joined[name] = whole[:samples] if len(whole) == step * len(parts) else whole
        return joined

    def _options(self, feeds: Mapping[str, Array]) -> Any:
        """None, or to give back what the arena holds where the file did not tell that it would be much."""
        shapes = [array.shape for array in feeds.values() if isinstance(array, np.ndarray)]
        small = sum(map(_of_one_sample, shapes)) < LARGE and sum(map(prod, shapes)) < MANY
        if small or not self._arena:
            return None
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.add_run_config_entry(SHRINK, "cpu:0")
        return options

    def _run(self, names: list[str], feeds: Mapping[str, Array]) -> list[Array]:
        try:
            return list(self._session.run(names, dict(feeds), self._options(feeds)))
        except Exception as error:
            if not _from_runtime(error):
                raise
            given = ", ".join(
                f"'{name}' {array.dtype.name} {array.shape}"
                if isinstance(array, np.ndarray)
                else f"'{name}' {type(array).__name__}"
                for name, array in feeds.items()
            )
            raise InputError(f"onnxruntime cannot run the model on {given}: {first_line(error)}") from None


def _of_one_sample(shape: Sequence[int]) -> int:
    """How many numbers a sample of this shape holds; four axes and more begin with the batch."""
    return prod(shape[1:] if len(shape) > 3 else shape)


def _declared(model: onnx.ModelProto | ir.Model | bytes) -> int:
    """How many numbers a sample of the inputs holds by their shapes, a dimension that is not fixed counted as 1."""
    if isinstance(model, bytes):
        return 0
    import onnx_ir as ir

    graph = model.graph
    if isinstance(graph, ir.Graph):
        # (files of IR version 3 have their weights among the inputs)
        values = [value for value in graph.inputs if value.name not in graph.initializers]
        shapes = [[dim if isinstance(dim, int) else 1 for dim in value.shape or ()] for value in values]
    else:
        weights = {weight.name for weight in graph.initializer}
        shapes = [
            [dim.dim_value if dim.HasField("dim_value") else 1 for dim in value.type.tensor_type.shape.dim]
            for value in graph.input
            if value.name not in weights
        ]
    return sum(map(_of_one_sample, shapes))


def _from_runtime(error: Exception) -> bool:
    # onnxruntime's exceptions share no base class but live in one module
    return type(error).__module__.startswith("onnxruntime") or isinstance(error, RuntimeError | ValueError)
