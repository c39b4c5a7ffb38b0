"""Evaluation of any graph in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from onnx import ModelProto
from onnx.reference import ReferenceEvaluator

from inspector.check.cut import MOVES, between, reads
from inspector.check.double import Array, is_narrow, to_double, widen
from inspector.check.kernels import OPERATORS
from inspector.check.rounding import round_like_float32
from inspector.check.weights import Weights

if TYPE_CHECKING:
    import onnx_ir

__all__ = ["Array", "Cost", "DoublePrecisionError", "Float64Evaluator", "MemoryBoundError"]


class DoublePrecisionError(ArithmeticError):
    """A part of the graph cannot be evaluated in double precision; the message names the operator and why."""


class MemoryBoundError(DoublePrecisionError):
    """The values that a run holds at once take more memory than allowed."""


@dataclass
class Cost:
    """What a run took.

    Attributes:
        peak: bytes of the values held at once, weights and feeds left out.
        work: multiplications and additions, about: those of matrix products and convolutions, and twenty for each
            element of any other value, which memory takes as long to move, and four for each weight that is widened.
    """

    peak: int = 0
    work: int = 0


class Float64Evaluator:
    """Runs a model in float64 on the CPU, for use as the truth that other results are compared with.

    onnxruntime has no double kernel for many operators (Conv, AveragePool, Erf, ...), so this runs the operators of
    `onnx.reference` on a copy of the model in which every float32 and float16 is a float64. Operators for which
    `onnx.reference` is slow, computes in single precision or deviates from the standard are replaced by those of
    `inspector.check.kernels`. A value is let go as soon as nothing will read it. Of large weights no doubles are kept:
    products widen them block by block, other operators each as a whole, for as long as they run.

    Args:
        model: the model, of any opset from 7 on; not modified. External weights stand in files given by absolute paths.
        memory: bytes of values held at once (see `Cost.peak`) above which a run is given up; None: any.
    """

    agreement: ClassVar[float] = 1e-11

    def __init__(self, model: ModelProto | onnx_ir.Model, memory: int | None = None) -> None:
        proto = model if isinstance(model, ModelProto) else _serialise(model)
        try:
            self._evaluator = _Double(to_double(proto), new_ops=list(OPERATORS))
        except Exception as error:  # onnx.reference raises whatever its operators' constructors raise
            raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
        self._weights = Weights(proto.graph)
        self._evaluator.weights = self._weights
        self._evaluator.memory = memory
        self.cost = Cost()
        """Of the last run, as far as it went."""

    @property
    def input_names(self) -> list[str]:
        """Inputs, those left out that are weights."""
        return [name for name in map(str, self._evaluator.input_names) if name not in self._weights]

    @property
    def output_names(self) -> list[str]:
        return [str(name) for name in self._evaluator.output_names]

    def run(
        self,
        outputs: Sequence[str] | None,
        feeds: Mapping[str, Any],
        rounding: np.random.Generator | None = None,
    ) -> list[Array]:
        """Evaluate the named outputs (None: all of them, in the model's order).

        Args:
            outputs: names of any tensors of the main graph, not only of its outputs.
            feeds: name -> value of inputs or of any other tensors: what leads to these is not computed.
                Floating-point arrays are widened to float64.
            rounding: draws an error of float32's size for every value of the main graph: see
                `inspector.check.rounding`; None: no errors.

        Raises:
            MemoryBoundError: more is held at once than `memory` allows.
            DoublePrecisionError: an operator fails, or would compute in single precision.
        """
        wide = {name: widen(value) for name, value in feeds.items()}
        names = self.output_names if outputs is None else list(outputs)
        self._evaluator.cost = Cost()
        self._evaluator.rounding = rounding
        # overflow to infinity and its consequences are values like others here; the caller judges the result
        with np.errstate(all="ignore"):
            try:
                results: list[Array] = self._evaluator.run(names, wide)
            except DoublePrecisionError:
                raise
            except Exception as error:  # onnx.reference raises whatever numpy raises
                raise DoublePrecisionError(f"no double-precision evaluation: {error}") from error
            finally:
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
        self.weights: Weights | None = None
        self.memory: int | None = None
        self.rounding: np.random.Generator | None = None
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
        names = tuple(map(str, self.output_names if output_names is None else output_names))
        results: dict[str, Any] = {"": None, **self.rt_inits_, **feed_inputs}
        held = 0
        for node, last in self._plan(names, frozenset(results)):
            inputs = [self._value(results, name) for name in node.input]
            moved = node.op_type in MOVES
            if not moved and node.op_type not in _PRODUCTS:
                inputs = [widen(value) if is_narrow(value) else value for value in inputs]
            options: dict[str, Any] = {}
            if node.need_context():
                options["context"] = {
                    name: widen(self._value(results, name)) for name in reads(node.onnx_node)
                }
            if node.has_linked_attribute and attributes:
                options["linked_attributes"] = attributes
            for name, given in zip(node.output, node.run(*inputs, **options), strict=False):
                # operators of onnx.reference refuse numpy's scalars, and others return them
                value = np.asarray(given) if isinstance(given, np.generic) else given
                if is_narrow(value) and not moved:
                    raise DoublePrecisionError(
                        f"{node.op_type} computes in {value.dtype}, not in float64 ({name})"
                    )
                if name in feed_inputs:
                    continue
                if self.rounding is not None and not moved:
                    value = round_like_float32(node.op_type, inputs, value, self.rounding)
                results[name] = value
                held += _bytes(value)
            self.cost.peak = max(self.cost.peak, held)
            if self.memory is not None and held > self.memory:
                raise MemoryBoundError(
                    f"more than {self.memory / 2**30:.0f} GB of values at once in double precision"
                )
            self.cost.work += _work(node.op_type, inputs, results.get(node.output[0]))
            if not intermediate:
                for name in last:
                    held -= _bytes(results.pop(name, None))
        if intermediate:
            return results
        return [
            widen(value) if is_narrow(value) else value
            for value in (self._value(results, name) for name in names)
        ]

    def _value(self, results: Mapping[str, Any], name: str) -> Any:
        if name not in results and self.weights is not None and name in self.weights:
            return self.weights[name]
        return results[name]

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
_MOVING, _WIDENING = 20, 4
# of an element, where that takes longer than to move it
_PER_ELEMENT = {"BatchNormalization": 80, "Erf": 500}


def _bytes(value: Any) -> int:
    """Of a value that is computed: weights are not held."""
    return 0 if is_narrow(value) else int(getattr(value, "nbytes", 0))


def _work(op_type: str, inputs: Sequence[Any], output: Any) -> int:
    widened = sum(_WIDENING * int(value.size) for value in inputs if is_narrow(value))
    return widened + _multiplications(op_type, inputs, output)


def _multiplications(op_type: str, inputs: Sequence[Any], output: Any) -> int:
    size = 0 if is_narrow(output) else int(getattr(output, "size", 1))
    if op_type not in _PRODUCTS or np.ndim(inputs[1]) < 2:
        return _PER_ELEMENT.get(op_type, _MOVING) * size
    x, w = inputs[0], inputs[1]
    if op_type == "Conv":
        # one channel at a time is no matrix product: the input is moved for each element of the kernel
        each = _MOVING if w.shape[1] == 1 < w.shape[0] else 1
        return each * size * (int(w.size) // int(w.shape[0]))
    if op_type == "ConvTranspose":
        return int(x.size) * (int(w.size) // int(w.shape[0]))
    return size * (int(x.shape[-1]) if op_type == "MatMul" else int(x.size) // max(1, int(output.shape[0])))


def _serialise(model: onnx_ir.Model) -> ModelProto:
    from onnx_ir import serde

    return serde.serialize_model(model)
