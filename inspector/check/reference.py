"""Evaluation of any graph in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto
from onnx.reference import ReferenceEvaluator

from inspector.check.double import to_double
from inspector.check.kernels import OPERATORS

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["DoublePrecisionError", "Float64Evaluator"]

Array = NDArray[Any]


class DoublePrecisionError(ArithmeticError):
    """A part of the graph cannot be evaluated in double precision; the message names the operator and why."""


class Float64Evaluator:
    """Runs a model in float64 on the CPU, for use as the truth that other results are compared with.

    onnxruntime has no double kernel for many operators (Conv, AveragePool, Erf, ...), so this is
    `onnx.reference.ReferenceEvaluator` on a copy of the model in which every float32 and float16 is a float64.
    Operators for which `onnx.reference` is slow, computes in single precision or deviates from the standard are
    replaced by those of `inspector.check.kernels`.

    Args:
        model: the model, of any opset from 7 on; not modified. Weights must be in memory.
    """

    agreement: ClassVar[float] = 1e-11

    def __init__(self, model: ModelProto | onnx_ir.Model) -> None:
        proto = model if isinstance(model, ModelProto) else _serialise(model)
        try:
            self._evaluator = _Double(to_double(proto), new_ops=list(OPERATORS))
        except Exception as error:  # onnx.reference raises whatever its operators' constructors raise
            raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
        self._weights = frozenset(weight.name for weight in proto.graph.initializer)

    @property
    def input_names(self) -> list[str]:
        return [str(name) for name in self._evaluator.input_names]

    @property
    def output_names(self) -> list[str]:
        return [str(name) for name in self._evaluator.output_names]

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]:
        """Evaluate the named outputs (None: all of them, in the model's order).

        Args:
            outputs: names of any tensors of the main graph, not only of its outputs.
            feeds: input name -> array; floating-point arrays are widened to float64.

        Raises:
            DoublePrecisionError: an operator fails, or would compute in single precision.
        """
        wide = {name: _widen(value) for name, value in feeds.items()}
        names = self.output_names if outputs is None else list(outputs)
        # overflow to infinity and its consequences are values like others here; the caller judges the result
        with np.errstate(all="ignore"):
            try:
                results: list[Array] = self._evaluator.run(names, wide)
            except DoublePrecisionError:
                raise
            except Exception as error:  # onnx.reference raises whatever numpy raises
                raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
        return results

    def footprint(self, feeds: Mapping[str, Array]) -> int:
        """Bytes of all the values that one run with these feeds computes."""
        with np.errstate(all="ignore"):
            try:
                values = self._evaluator.run(
                    None, {n: _widen(v) for n, v in feeds.items()}, intermediate=True
                )
            except Exception as error:  # as in `run`
                raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
        return sum(getattr(value, "nbytes", 0) for name, value in values.items() if name not in self._weights)


class _Double(ReferenceEvaluator):
    """The reference evaluator, refusing a float that is not a double; sub-graphs and functions use it too."""

    def run(
        self,
        output_names: Any,
        feed_inputs: dict[str, Any],
        attributes: dict[str, Any] | None = None,
        intermediate: bool = False,
        *args: Any,
        **options: Any,
    ) -> Any:
        results: Any = super().run(output_names, feed_inputs, attributes, True, *args, **options)
        for node in self.rt_nodes_:
            for name in node.output:
                dtype = getattr(results.get(name), "dtype", None)
                if dtype is not None and dtype.kind == "f" and dtype != np.float64:
                    raise DoublePrecisionError(f"{node.op_type} computes in {dtype}, not in float64 ({name})")
        if intermediate:
            return results
        return [results[name] for name in (self.output_names if output_names is None else output_names)]


def _widen(value: Array) -> Array:
    array = np.asarray(value)
    # bfloat16 has kind "V": it is not one of numpy's own
    return array.astype(np.float64) if array.dtype.kind == "f" or array.dtype.name == "bfloat16" else array


def _serialise(model: onnx_ir.Model) -> ModelProto:
    from onnx_ir import serde

    return serde.serialize_model(model)
