"""Where a gradient can start: a floating-point input itself, else the first floating-point tensors computed from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.errors import InputError
from inspector.model import FLOATS, Model, TensorInfo
from inspector.objectives.evaluator import Evaluator
from inspector.objectives.readable import readable
from inspector.objectives.states import states

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Entry", "find_entry"]

# no value travels through these: what they compute tells sizes, or yes and no
_VALUELESS = frozenset(("ConstantOfShape", "NonZero", "Shape", "Size"))
# nor does one through these, unless a code is compared with all codes there are
_QUESTIONS = frozenset(
    ("And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Xor")
)


@dataclass(frozen=True)
class Entry:
    """Where the gradient with respect to an input is taken.

    Attributes:
        input: the model's input.
        tensor: the input itself, or the first floating-point tensor after it.
        op_type: the operator that computes that tensor; empty for the input itself.
    """

    input: TensorInfo
    tensor: str
    op_type: str = ""

    @property
    def reads_tokens(self) -> bool:
        """Whether the input is a sequence of numbers that stand for words, characters or bytes."""
        return bool(self.op_type) and len(self.input.shape or ()) < 3

    @property
    def note(self) -> str:
        """What a reader must know; empty for a floating-point input."""
        if not self.op_type:
            return ""
        why = (
            "numbers that are codes, which have"
            if self.input.dtype in FLOATS
            else f"{self.input.dtype}, which has"
        )
        return (
            f"input '{self.input.name}' holds {why} no gradient: it is taken at "
            f"'{self.tensor}' ({self.op_type}), the first floating-point tensor after it"
        )


def find_entry(evaluator: Evaluator, targets: Sequence[str] = (), pictures_first: bool = False) -> Entry:
    """The first floating-point input, else the first floating-point tensor after an integer input.

    Args:
        evaluator: of the model.
        targets: tensors that an integer input's tensor must lead to, if one does.
        pictures_first: inputs shaped like pictures come first, also those of integers, states last.

    Raises:
        InputError: no floating-point tensor follows from an input.
    """
    entry: Entry = evaluator.answers.get(
        ("entry", tuple(targets), pictures_first), lambda: _find_entry(evaluator, targets, pictures_first)
    )
    return entry


def _find_entry(evaluator: Evaluator, targets: Sequence[str], pictures_first: bool) -> Entry:
    inputs = list(evaluator.model.inputs)
    if pictures_first:
        carried = states(evaluator.model, targets)
        inputs.sort(key=lambda tensor: (tensor.name in carried, len(tensor.shape or ()) < 4))
        if inputs and len(inputs[0].shape or ()) > 3:
            entry = _of_integers(evaluator, inputs[:1], targets) if inputs[0].dtype not in FLOATS else None
            if entry is not None:
                return entry
    floats = [tensor for tensor in inputs if tensor.dtype in FLOATS]
    for tensor in floats:
        if not targets or _flows(readable(evaluator).graph, tensor.name, targets):
            return Entry(tensor, tensor.name)
    # numbers that stand for words may come as floating-point ones; a target that nothing reaches has a zero gradient
    entry = _of_integers(evaluator, inputs, targets)
    if floats and (
        entry is None or not targets or not _flows(readable(evaluator).graph, entry.tensor, targets)
    ):
        return Entry(floats[0], floats[0].name)
    if entry is None:
        kinds = ", ".join(f"'{tensor.name}' {tensor.dtype}" for tensor in inputs) or "none"
        raise InputError(
            f"no floating-point tensor follows from the model's inputs ({kinds}): there is no gradient to take"
        )
    return entry


def _of_integers(evaluator: Evaluator, inputs: Sequence[TensorInfo], targets: Sequence[str]) -> Entry | None:
    graph = readable(evaluator).graph
    tries = ((targets, _QUESTIONS), (targets, frozenset[str]()), ((), _QUESTIONS))
    found = (
        _follow(evaluator.model, graph, tensor, wanted, barred)
        for wanted, barred in tries
        for tensor in inputs
    )
    return next((entry for entry in found if entry is not None), None)


def _follow(
    model: Model, graph: ir.Graph, tensor: TensorInfo, targets: Sequence[str], barred: frozenset[str]
) -> Entry | None:
    """The first floating-point tensor that values of `tensor` go into without passing an operator of `barred`."""
    wanted = _on_the_way(graph, targets) if targets else None
    reached: set[ir.Value] = {value for value in graph.inputs if value.name == tensor.name}
    for node in graph:
        if node.op_type in _VALUELESS | barred or not any(value in reached for value in node.inputs):
            continue
        for output in node.outputs:
            known = model.tensor(str(output.name)) is not None
            if output.dtype is None or not output.dtype.is_floating_point() or not known:
                # what a quantised operator was taken apart into has no name that a reader could look up
                reached.add(output)
            elif wanted is None or output in wanted:
                # under the operator that the file has there, which may have been replaced
                operators = {name: layer.op_type for layer in model.layers for name in layer.outputs}
                return Entry(tensor, str(output.name), operators.get(str(output.name), node.op_type))
    return None


def _flows(graph: ir.Graph, tensor: str, targets: Sequence[str]) -> bool:
    """Whether a derivative can travel from a tensor to one of `targets`."""
    from inspector.surgery.lookup import find_value, reads

    reached: set[ir.Value] = {find_value(graph, tensor)}
    for node in graph:
        if node.op_type in _VALUELESS | _QUESTIONS:
            continue
        if any(value in reached for value in reads(node)):
            reached.update(v for v in node.outputs if v.dtype is None or v.dtype.is_floating_point())
    return any(value.name in targets for value in reached)


def _on_the_way(graph: ir.Graph, targets: Sequence[str]) -> set[ir.Value]:
    """The floating-point tensors from which a derivative can travel to one of `targets`."""
    from inspector.surgery.lookup import find_value, reads

    found: set[ir.Value] = set()
    pending = [find_value(graph, name) for name in targets]
    while pending:
        value = pending.pop()
        node = value.producer()
        if value in found or not (value.dtype is None or value.dtype.is_floating_point()):
            continue
        if node is not None and node.op_type in _VALUELESS | _QUESTIONS:
            continue
        found.add(value)
        pending += [] if node is None else reads(node)
    return found
