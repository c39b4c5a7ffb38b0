"""Evaluation of any graph in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto
from onnx.numpy_helper import to_array
from onnx.reference import ReferenceEvaluator

from inspector.check.cut import between, reads
from inspector.check.double import to_double, widen
from inspector.check.kernels import OPERATORS
from inspector.model.external import read_into_memory

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["Cost", "DoublePrecisionError", "Float64Evaluator"]

Array = NDArray[Any]


class DoublePrecisionError(ArithmeticError):
    """A part of the graph cannot be evaluated in double precision; the message names the operator and why."""


@dataclass
class Cost:
    """What a run took.

    Attributes:
        peak: bytes of the values held at once, weights and feeds left out.
        work: multiplications and additions, about: those of matrix products and convolutions, and twenty for each
            element of any other value, which memory takes as long to move.
    """

    peak: int = 0
    work: int = 0


class Float64Evaluator:
    """Runs a model in float64 on the CPU, for use as the truth that other results are compared with.

    onnxruntime has no double kernel for many operators (Conv, AveragePool, Erf, ...), so this runs the operators of
    `onnx.reference` on a copy of the model in which every float32 and float16 is a float64. Operators for which
    `onnx.reference` is slow, computes in single precision or deviates from the standard are replaced by those of
    `inspector.check.kernels`. A value is let go as soon as nothing will read it.

    Args:
        model: the model, of any opset from 7 on; not modified. Weights must be in memory.
        known: an evaluator of a model with weights in common: equal weights of the same name are kept once.
    """

    agreement: ClassVar[float] = 1e-11

    def __init__(self, model: ModelProto | onnx_ir.Model, known: Float64Evaluator | None = None) -> None:
        proto = model if isinstance(model, ModelProto) else _serialise(model)
        try:
            self._evaluator = _Double(to_double(proto), new_ops=list(OPERATORS))
        except Exception as error:  # onnx.reference raises whatever its operators' constructors raise
            raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
        self._weights: dict[str, Array] = {}
        for weight in proto.graph.initializer:
            values = _values(weight)
            other = known._weights.get(weight.name) if known else None
            same = other is not None and np.array_equal(other, values)
            self._weights[weight.name] = other if other is not None and same else widen(values)
        self.cost = Cost()
        """Of the last run."""

    @property
    def input_names(self) -> list[str]:
        """Inputs, those left out that are weights."""
        return [str(name) for name in self._evaluator.input_names if name not in self._weights]

    @property
    def output_names(self) -> list[str]:
        return [str(name) for name in self._evaluator.output_names]

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[Array]:
        """Evaluate the named outputs (None: all of them, in the model's order).

        Args:
            outputs: names of any tensors of the main graph, not only of its outputs.
            feeds: name -> value of inputs or of any other tensors: what leads to these is not computed.
                Floating-point arrays are widened to float64.

        Raises:
            DoublePrecisionError: an operator fails, or would compute in single precision.
        """
        wide = {name: widen(value) for name, value in feeds.items()}
        names = self.output_names if outputs is None else list(outputs)
        self._evaluator.cost = Cost()
        # overflow to infinity and its consequences are values like others here; the caller judges the result
        with np.errstate(all="ignore"):
            try:
                results: list[Array] = self._evaluator.run(names, {**self._weights, **wide})
            except DoublePrecisionError:
                raise
            except Exception as error:  # onnx.reference raises whatever numpy raises
                raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
        self.cost = self._evaluator.cost
        return results


Plan = list[tuple[Any, list[str]]]
"""Nodes in the order in which they are run, each with the names that nothing reads after it."""


class _Double(ReferenceEvaluator):
    """The reference evaluator, refusing a float that is not a double, and holding no value for longer than needed.

    Sub-graphs and functions use it too.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cost = Cost()
        self._plans: dict[tuple[tuple[str, ...], frozenset[str]], Plan] = {}

    def run(
        self,
        output_names: Any,
        feed_inputs: dict[str, Any],
        attributes: dict[str, Any] | None = None,
        intermediate: bool = False,
        *_: Any,
        **__: Any,
    ) -> Any:
        names = tuple(self.output_names if output_names is None else output_names)
        results: dict[str, Any] = {"": None, **self.rt_inits_, **feed_inputs}
        held = 0
        for node, last in self._plan(names, frozenset(results)):
            inputs = [results[name] for name in node.input]
            options: dict[str, Any] = {"context": results} if node.need_context() else {}
            if node.has_linked_attribute and attributes:
                options["linked_attributes"] = attributes
            for name, given in zip(node.output, node.run(*inputs, **options), strict=False):
                # operators of onnx.reference refuse numpy's scalars, and others return them
                value = np.asarray(given) if isinstance(given, np.generic) else given
                dtype = getattr(value, "dtype", None)
                if dtype is not None and dtype.kind == "f" and dtype != np.float64:
                    raise DoublePrecisionError(f"{node.op_type} computes in {dtype}, not in float64 ({name})")
                results[name] = value
                held += getattr(value, "nbytes", 0)
            self.cost.peak = max(self.cost.peak, held)
            self.cost.work += _work(node.op_type, inputs, results.get(node.output[0]))
            if not intermediate:
                for name in last:
                    held -= getattr(results.pop(name, None), "nbytes", 0)
        return results if intermediate else [results[name] for name in names]

    def _plan(self, names: tuple[str, ...], given: frozenset[str]) -> Plan:
        key = names, given
        if key not in self._plans:
            nodes = {id(node.onnx_node): node for node in self.rt_nodes_}
            order = between([node.onnx_node for node in self.rt_nodes_], given, names)
            kept, plan = set(names) | given, []
            for proto in reversed(order):
                # outputs that nothing reads go at once
                last = [name for name in dict.fromkeys((*reads(proto), *proto.output)) if name not in kept]
                kept.update(last)
                plan.append((nodes[id(proto)], last))
            self._plans[key] = plan[::-1]
        return self._plans[key]


_PRODUCTS = {"Conv", "ConvTranspose", "MatMul", "Gemm"}
_MOVING = 20


def _work(op_type: str, inputs: Sequence[Any], output: Any) -> int:
    size = int(getattr(output, "size", 1))
    if op_type not in _PRODUCTS or np.ndim(inputs[1]) < 2:
        return _MOVING * size
    x, w = inputs[0], inputs[1]
    if op_type == "Conv":
        return size * (int(w.size) // int(w.shape[0]))
    if op_type == "ConvTranspose":
        return int(x.size) * (int(w.size) // int(w.shape[0]))
    return size * (int(x.shape[-1]) if op_type == "MatMul" else int(x.size) // max(1, int(output.shape[0])))


def _values(weight: TensorProto) -> Array:
    """The numbers of a weight, which may stand in another file."""
    if weight.data_location != TensorProto.EXTERNAL:
        return to_array(weight)
    holder = ModelProto()
    holder.graph.initializer.append(weight)
    read_into_memory(holder)
    return to_array(holder.graph.initializer[0])


def _serialise(model: onnx_ir.Model) -> ModelProto:
    from onnx_ir import serde

    return serde.serialize_model(model)
