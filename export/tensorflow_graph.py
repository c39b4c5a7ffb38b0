"""A TensorFlow function to a marked ONNX graph, by tf2onnx."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
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

NEWEST_WRITTEN = 18  # by tf2onnx 1.17; newer opsets by conversion


def mark(tensor: Any, key: Key) -> Any:
    """The tensor behind an operator that takes any type, carries a text, and is moved or removed by no optimiser."""
    return tf.raw_ops.PreventGradient(input=tensor, message=key.encode())


def graph_of_function(
    function: Any, signature: Sequence[Any], input_names: Sequence[str], opset: int
) -> ir.Model:
    """The ONNX graph of `function(*tensors)` in `opset`, or in 18 where that is newer.

    `signature` has one named `tf.TensorSpec` per tensor; the graph's inputs are renamed to `input_names`. Raises
    ExportError naming the TensorFlow operators that have no translation.
    """
    with _quiet():
        import tf2onnx

        try:
            proto, _ = tf2onnx.convert.from_function(
                tf.function(function),
                input_signature=list(signature),
                opset=min(opset, NEWEST_WRITTEN),
                custom_op_handlers={"PreventGradient": (_write_marker, []), "Erfc": (_write_erfc, [])},
                extra_opset=[onnx.helper.make_opsetid(DOMAIN, 1)],
            )
        except ExportError:
            raise
        except Exception as error:  # tf2onnx and TensorFlow raise whatever comes
            raise ExportError(f"tf2onnx cannot write this model: {first_line(error)}") from error
    _require_translated(proto)
    model: ir.Model = ir.from_proto(proto)
    renamed = {spec.name: name for spec, name in zip(signature, input_names, strict=True)}
    for value in model.graph.inputs:
        value.name = renamed[str(value.name).removesuffix(":0")]
    simplify(model)
    return model


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
    from tf2onnx import utils

    node.type = "Erf"
    (result,) = node.output
    dtype = utils.map_onnx_to_numpy_type(graph.get_dtype(result))
    one = graph.make_const(utils.make_name("one"), np.ones((), dtype))
    difference = graph.make_node(
        "Sub", [one.output[0], result], shapes=[graph.get_shape(result)], dtypes=[graph.get_dtype(result)]
    )
    readers = [reader for reader in graph.find_output_consumers(result) if reader is not difference]
    graph.replace_all_inputs(result, difference.output[0], ops=readers)


def _require_translated(model: onnx.ModelProto) -> None:
    """tf2onnx copies an operator that it does not know into the graph as it is, and only logs that."""
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    strange: set[str] = set()

    def visit(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            if node.domain in ("", "ai.onnx") and node.op_type not in known:
                strange.add(node.op_type)
            for attribute in node.attribute:
                for inner in [attribute.g, *attribute.graphs]:
                    visit(inner)

    visit(model.graph)
    if strange:
        raise ExportError(
            f"tf2onnx has no translation for these TensorFlow operators of the model: {', '.join(sorted(strange))}"
        )


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
