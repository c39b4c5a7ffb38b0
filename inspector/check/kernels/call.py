"""How a numpy function becomes an operator of `onnx.reference`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from onnx.reference.op_run import OpRun

__all__ = ["Array", "Call", "Kernel", "operator"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Call:
    """What an operator may need to know beside its inputs and attributes."""

    opset: int
    """Version of the operator's domain that the model imports."""
    outputs: int
    """How many outputs the node has."""
    given: frozenset[str]
    """Attributes written in the node; the others carry the default of the newest opset."""


Kernel = Callable[..., "Array | tuple[Array, ...]"]
"""`kernel(call, *inputs, **attributes)`: an absent input is None, as is an attribute without a default."""


def operator(name: str, kernel: Kernel, domain: str = "") -> type[OpRun]:
    """A class that `onnx.reference.ReferenceEvaluator` takes in `new_ops`, for every version of the operator."""

    def run(self: OpRun, *inputs: Array | None, **attributes: Any) -> tuple[Array, ...]:
        call = Call(
            opset=self.run_params["opsets"].get(domain, 1),
            outputs=sum(1 for output in self.onnx_node.output if output),
            given=frozenset(attribute.name for attribute in self.onnx_node.attribute),
        )
        result = kernel(call, *inputs, **attributes)
        return result if isinstance(result, tuple) else (result,)

    return type(name, (OpRun,), {"op_domain": domain, "_run": run})
