"""A TensorFlow function to a marked ONNX graph, by tf2onnx."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import tensorflow as tf

from export.errors import ExportError, first_line
from export.markers import DOMAIN, OPERATOR
from export.simplify import simplify
from export.taps import Key
from export.verify import InputSpec

__all__ = ["full_precision", "graph_of_function", "input_specs", "mark"]

_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}  # left where TensorFlow must not look into a function
NEWEST_WRITTEN = 18  # by tf2onnx 1.17; newer opsets by conversion


def mark(tensor: Any, key: Key) -> Any:
    """The tensor behind an operator that takes any type, carries a text, and is moved or removed by no optimiser."""
    return tf.raw_ops.PreventGradient(input=tensor, message=key.encode())


def graph_of_function(
    function: Any,
    signature: Sequence[Any],
    input_names: Sequence[str],
    opset: int,
    layers: Collection[str] = (),
) -> ir.Model:
    """The ONNX graph of `function(*tensors)` in `opset`, or in 18 where that is newer.

    `signature` has one named `tf.TensorSpec` per tensor; the graph's inputs are renamed to `input_names`. Raises
    ExportError naming the TensorFlow operators that have no translation, and the first of `layers` that has each.
    """
    traceable = tf.function(function)
    with _quiet():
        import tf2onnx

        try:
            with _without_xla():
                captures = traceable.get_concrete_function(*signature).graph.captures
            proto, _ = tf2onnx.convert.from_function(
                traceable,
                input_signature=list(signature),
                opset=min(opset, NEWEST_WRITTEN),
                custom_op_handlers=dict(_TRANSLATIONS),
                extra_opset=[onnx.helper.make_opsetid(DOMAIN, 1)],
            )
        except ExportError:
            raise
        except Exception as error:  # tf2onnx and TensorFlow raise whatever comes
            raise ExportError(f"tf2onnx cannot write this model: {first_line(error)}") from error
    _require_translated(proto, layers)
    model: ir.Model = ir.from_proto(proto)
    _name_inputs(
        model,
        {spec.name: name for spec, name in zip(signature, input_names, strict=True)},
        {inside.name.removesuffix(":0"): outside for outside, inside in captures},
    )
    simplify(model)
    return model


def _name_inputs(model: ir.Model, names: Mapping[str, str], captured: Mapping[str, Any]) -> None:
    """Renames the inputs; tensors that the function captured, which tf2onnx leaves as inputs, become constants."""
    graph = model.graph
    for value in list(graph.inputs):
        given = str(value.name).removesuffix(":0")
        if given in names:
            value.name = names[given]
        else:
            graph.inputs.remove(value)
            value.const_value = ir.tensor(np.asarray(captured[given]), name=value.name)
            graph.register_initializer(value)


def input_specs(
    names: Sequence[str], signature: Sequence[Any], highs: Sequence[int] | None = None
) -> list[InputSpec]:
    """The inputs as `export.verify` wants them; open dimensions other than the batch are tried at 32.

    `highs` are the largest whole numbers to draw; by default 255 for uint8 and 1 for other types.
    """
    specs = []
    for i, (name, spec) in enumerate(zip(names, signature, strict=True)):
        shape = tuple(spec.shape)
        sizes = tuple(1 if axis == 0 else 32 if size is None else size for axis, size in enumerate(shape))
        batched = bool(shape) and shape[0] is None
        high = highs[i] if highs is not None else 255 if spec.dtype == tf.uint8 else 1
        specs.append(
            InputSpec(
                name, sizes if batched else shape, np.dtype(spec.dtype.as_numpy_dtype), batched, 0, high
            )
        )
    return specs


def _write_marker(_graph: Any, node: Any, _name: str, _args: Any) -> None:
    node.type, node.domain = OPERATOR, DOMAIN
    node.set_attr("name", node.get_attr_str("message"))


def _write_erfc(graph: Any, node: Any, _name: str, _args: Any) -> None:
    """Keras's exact GELU is written with the complementary error function, which ONNX lacks: 1 - Erf(x)."""
    node.type = "Erf"
    _follow(graph, node, lambda result, one: [one, result])


def _write_expm1(graph: Any, node: Any, _name: str, _args: Any) -> None:
    """Keras's CELU: Exp(x) - 1."""
    node.type = "Exp"
    _follow(graph, node, lambda result, one: [result, one])


def _follow(graph: Any, node: Any, inputs: Callable[[str, str], list[str]]) -> None:
    """Puts a subtraction of the node's result and 1 between the node and its readers."""
    from tf2onnx import utils

    (result,) = node.output
    dtype, shape = graph.get_dtype(result), graph.get_shape(result)
    one = graph.make_const(utils.make_name("one"), np.ones((), utils.map_onnx_to_numpy_type(dtype)))
    readers = graph.find_output_consumers(result)
    difference = graph.make_node("Sub", inputs(result, one.output[0]), shapes=[shape], dtypes=[dtype])
    graph.replace_all_inputs(result, difference.output[0], ops=readers)


_TRANSLATIONS: dict[str, Any] = {
    "PreventGradient": (_write_marker, []),
    "Erfc": (_write_erfc, []),
    "Expm1": (_write_expm1, []),
}


def _require_translated(model: onnx.ModelProto, layers: Collection[str]) -> None:
    """tf2onnx copies an operator that it does not know into the graph as it is, and only logs that."""
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    strange: dict[str, str] = {}

    def visit(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            if node.domain in ("", "ai.onnx") and node.op_type not in known:
                strange.setdefault(node.op_type, _place(node.name, layers))
            for attribute in node.attribute:
                for inner in [attribute.g, *attribute.graphs]:
                    visit(inner)

    visit(model.graph)
    if strange:
        found = ", ".join(f"{operator} in {place}" for operator, place in sorted(strange.items()))
        advice = (
            "compose them of others"
            if strange.keys() - _CALLS
            else "compile it without XLA (jit_compile=False)"
        )
        raise ExportError(
            f"tf2onnx has no translation for these TensorFlow operators of the model: {found}. To export it, {advice}"
        )


def _place(node: str, layers: Collection[str]) -> str:
    """Which layer a node belongs to, by its name: `model_1/layer_1/Operator`, where TensorFlow numbers the calls."""
    scopes = node.split("/")[:-1]
    for scope in reversed(scopes):
        for name in (re.sub(r"_\d+$", "", scope), scope):
            if name in layers:
                return f"layer {name!r}"
    return f"node {node!r}"


@contextlib.contextmanager
def _without_xla() -> Iterator[None]:
    """Keras compiles grouped convolutions with XLA, which leaves an opaque call in the graph: traced without it."""
    module: Any = tf
    compiled = module.function

    def plain(*args: Any, jit_compile: bool | None = None, **kwargs: Any) -> Any:
        del jit_compile
        return compiled(*args, **kwargs)

    module.function = plain
    try:
        yield
    finally:
        module.function = compiled


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Without TensorFloat-32, which keeps ten bits of the fraction on newer GPUs."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without tf2onnx's running commentary and its use of deprecated names."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            for module in (r"tf2onnx(\..*)?$", r"tensorflow(\..*)?$", r"keras(\..*)?$", r"google(\..*)?$"):
                warnings.filterwarnings("ignore", module=module)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
