"""`Inspector`: one model, looked into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector.model import Layer, Metadata, Model, TensorInfo, load, resolve_layer

if TYPE_CHECKING:
    from inspector.model.source import Source

__all__ = ["Inspector"]


class Inspector:
    """Activations, filters, gradients and heatmaps of one ONNX model.

    Args:
        model: path | bytes | onnx.ModelProto | onnx_ir.Model.
        providers: names of onnxruntime execution providers, in order of preference ("cpu", "cuda", ...); None: CUDA
            where a driver and the provider are there, else CPU.
        threads: for onnxruntime's operators; None: its default.
        labels: class names of the first output, in place of those in the file's metadata.
    """

    def __init__(
        self,
        model: Source,
        providers: Sequence[str] | str | None = None,
        threads: int | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.model: Model = load(model)
        self.providers = providers
        self.threads = threads

    @property
    def metadata(self) -> Metadata:
        return self.model.metadata

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Name, shape, dtype of what the model takes."""
        return self.model.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Name, shape, dtype of what the model returns."""
        return self.model.outputs

    def layers(self, plumbing: bool = False) -> list[Layer]:
        """The layers in order; shape arithmetic, casts and transposes only with `plumbing`."""
        return [layer for layer in self.model.layers if plumbing or not layer.plumbing]

    def resolve_layer(self, spec: str | int | Layer) -> Layer:
        """The layer that `spec` names: exact tensor or node name, label, index, `OpType:N`, glob.

        Raises:
            LayerNotFound: none or several; lists near matches.
        """
        return spec if isinstance(spec, Layer) else resolve_layer(self.model.layers, spec)
