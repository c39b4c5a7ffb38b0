"""One row per node of the graph: what `onnxlens layers` prints and what a layer's name resolves to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspector.model.scopes import bodies

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["FLOATS", "Dim", "Layer", "TensorInfo", "dtype_name", "list_layers", "shape_text", "shape_tuple"]

# NumPy's names of the element types that have gradients
FLOATS = ("float16", "bfloat16", "float32", "float64")
# by `onnx.shape_inference`, and by `shapes.complete_shapes` for dimensions of inputs that have no name
MADE_UP = re.compile(r"unk__.*|input \d+ axis \d+")
# a dimension: known, named (dynamic), or unknown
Dim = int | str | None

# characters of a dimension's name that is a formula, which are left out when long
LONGEST, FORMULA = 32, frozenset("()*+/")

# moves, casts and shape arithmetic: nothing to look at
PLUMBING = frozenset(
    (
        *("Cast", "CastLike", "Constant", "ConstantOfShape", "Identity", "NonZero", "Range", "Shape", "Size"),
        *("Squeeze", "Transpose", "Unsqueeze"),
    )
)


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the model: `dtype` as NumPy names it, a dynamic dimension by its name or None."""

    name: str
    shape: tuple[Dim, ...] | None
    dtype: str | None


@dataclass(frozen=True)
class Layer:
    """One node, addressed by the tensor it computes.

    Attributes:
        index: the number that `layers` prints: 1, 2, ... over what it shows, then over the plumbing.
        name: name of the first output tensor that is not left out.
        op_type: the ONNX operator.
        node: name of the node.
        inputs, outputs: names of its tensors.
        shape: of the first output; a dynamic dimension by its name or None; None where it cannot be inferred.
        dtype: NumPy's name of the first output's element type.
        layout: "NCL", "NCHW", "NCDHW" or channel-last "NLC", "NHWC", "NDHWC" for a feature map, else None.
        parameters: number of weights that this node reads.
        kind: what the exporter called it ("Convolution 2D"), else None.
        plumbing: shape arithmetic, casts, moves: hidden by default.
        attributes: of the node, as plain JSON values.
        domain: "" for standard operators.
        reason: why it has no activation (a tensor inside a loop has one per iteration); None where it has one.
    """

    index: int
    name: str
    op_type: str
    node: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shape: tuple[Dim, ...] | None
    dtype: str | None
    layout: str | None
    parameters: int
    kind: str | None
    plumbing: bool
    attributes: Mapping[str, Any]
    domain: str = ""
    reason: str | None = None

    @property
    def label(self) -> str:
        """The kind where the file gives one, else the operator."""
        return self.kind or self.op_type


def dtype_name(value: ir.Value) -> str | None:
    """NumPy's name of a tensor's element type; None for an unknown type or what is no tensor."""
    import onnx_ir as ir

    if value.dtype is None or not isinstance(value.type, ir.TensorType):
        return None
    return "string" if value.dtype == ir.DataType.STRING else str(value.dtype.numpy().name)


def shape_tuple(value: ir.Value) -> tuple[Dim, ...] | None:
    """The dimensions, a dynamic one by its name (None where it has none); None for an unknown shape."""
    if value.shape is None:
        return None
    return tuple(dim if isinstance(dim, int) else _own_name(dim.value) for dim in value.shape)


def shape_text(shape: Sequence[Dim] | None) -> str:
    """As people read it: (N, 3, ?, ?)."""
    if shape is None:
        return "of any shape"
    return "(" + ", ".join("?" if dim is None else str(dim) for dim in shape) + ")"


def _own_name(name: str | None) -> str | None:
    # names that shape inference makes up say nothing, nor do its longer formulas
    made_up = name is None or name in ("", "?") or MADE_UP.fullmatch(name) is not None
    return None if made_up or (len(name or "") > LONGEST and FORMULA.intersection(name or "")) else name


def list_layers(graph: ir.Graph, layouts: Mapping[str, str], kinds: Mapping[str, str]) -> tuple[Layer, ...]:
    """The nodes in order, those in a node's body right after it; `layouts` and `kinds` are keyed by tensor name."""
    kept = {value.name for value in graph.outputs} | set(kinds)
    dynamic = _from_inputs(graph)
    nodes = list(_all_nodes(graph, None))
    plumbing = [_is_plumbing(node, kept, dynamic if owner is None else None) for node, owner in nodes]
    shown, hidden = 0, len(nodes) - sum(plumbing)
    layers = []
    for (node, owner), hide in zip(nodes, plumbing, strict=True):
        shown, hidden = (shown, hidden + 1) if hide else (shown + 1, hidden)
        # an operator may leave out its first result
        first = next(value for value in node.outputs if value.name)
        name = str(first.name)
        layers.append(
            Layer(
                index=hidden if hide else shown,
                name=name,
                op_type=node.op_type,
                node=str(node.name),
                inputs=tuple(str(value.name) for value in node.inputs if value is not None),
                outputs=tuple(str(value.name) for value in node.outputs if value.name),
                shape=shape_tuple(first),
                dtype=dtype_name(first),
                layout=layouts.get(name) if owner is None else None,
                parameters=sum(tensor.size for tensor in _weights(node)),
                kind=kinds.get(name) if owner is None else None,
                plumbing=hide,
                attributes={key: _plain(attribute.value) for key, attribute in node.attributes.items()},
                domain=node.domain,
                reason=_no_tensor(first) if owner is None else _inside(owner),
            )
        )
    return tuple(layers)


def _all_nodes(graph: ir.Graph, owner: ir.Node | None) -> Iterator[tuple[ir.Node, ir.Node | None]]:
    """Every node that computes something, with the node in whose body it stands."""
    for node in graph:
        if any(value.name for value in node.outputs):
            yield node, owner
        for body in bodies(node):
            yield from _all_nodes(body, node)


def _inside(owner: ir.Node) -> str:
    place, when = {
        "If": ("a branch", "only when that branch is taken"),
        "Loop": ("the body", "per iteration"),
        "Scan": ("the body", "per step"),
    }.get(owner.op_type, ("the body", "per element"))
    return f"inside {place} of {owner.op_type} '{owner.name}': it has a value {when}"


def _no_tensor(value: ir.Value) -> str | None:
    import onnx_ir as ir

    if dtype_name(value) is not None:
        return None
    if isinstance(value.type, ir.SequenceType):
        return "a sequence, not a tensor"
    if isinstance(value.type, ir.OptionalType):
        return "an optional, not a tensor"
    maker = value.producer()
    return f"a map, or of a type that is not known of {maker.op_type if maker is not None else 'an input'}"


def _from_inputs(graph: ir.Graph) -> set[ir.Value]:
    """The tensors that depend on an input of the model; the rest are constants."""
    reached = set(graph.inputs)
    for node in graph:
        # a body (If, Loop, Scan) may read any tensor outside it
        if any(value in reached for value in node.inputs) or any(bodies(node)):
            reached.update(node.outputs)
    return reached


def _is_plumbing(node: ir.Node, kept: set[str | None], dynamic: set[ir.Value] | None) -> bool:
    """`dynamic` holds what depends on an input; None: everything may."""
    if any(value.name in kept for value in node.outputs):
        return False
    constant = dynamic is not None and not any(value in dynamic for value in node.outputs)
    if node.op_type in PLUMBING or constant:
        return True
    # integer arithmetic on shapes; quantised feature maps are 8-bit, so they stay
    return all(dtype_name(value) in ("int64", "int32", "bool") for value in node.outputs)


def _weights(node: ir.Node) -> Iterator[ir.TensorProtocol]:
    """Constant floating-point or quantised tensors among a node's inputs; scalars written as constants do not count."""
    import onnx_ir as ir

    for value in node.inputs:
        tensor = None if value is None else ir.convenience.get_const_tensor(value)
        if value is None or tensor is None or dtype_name(value) in ("int64", "bool", "string", None):
            continue
        if value.is_initializer() or tensor.size > 1:
            yield tensor


def _plain(value: Any) -> Any:
    """An attribute as JSON can hold it; tensors and sub-graphs by a description."""
    import onnx_ir as ir

    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, ir.Graph):
        return f"graph {value.name} of {len(value)} nodes"
    if hasattr(value, "numpy"):
        if value.size <= 16 and value.dtype != ir.DataType.STRING:
            return value.numpy().tolist()
        return f"{value.dtype.name.lower()} tensor {list(value.shape)}"
    return str(value)
