"""Graphs in which attention matrices are tensors: those inside an operator are taken out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.objectives import Evaluator, readable

if TYPE_CHECKING:
    import onnx_ir as ir

    from inspector.autodiff.lowering.scope import Scope

__all__ = ["opened"]

# the mode in which the operator also gives its matrix, after the softmax
PROBABILITIES = 3


def opened(evaluator: Evaluator) -> Evaluator:
    """An evaluator of the same model, whose fused attention is made of a softmax and a product.

    `Attention` of the standard (opset 23 on) gives its own matrix, which is multiplied by the values again; those of
    com.microsoft are taken apart as for the gradient. Where there are none it is the evaluator itself.
    """
    graph = readable(evaluator)
    if graph is evaluator.model.graph and not any(map(_is_attention, graph.graph)):
        return evaluator
    return evaluator.variant("opened attention", lambda: _open(graph))


def _open(model: ir.Model) -> ir.Model:
    import onnx_ir as ir

    from inspector.autodiff.lowering.scope import Scope
    from inspector.surgery import copy, infer_types, register_constants

    model = copy(model)
    graph = model.graph
    scope = Scope(graph)
    for node in [node for node in graph if _is_attention(node)]:
        start = len(scope.nodes)
        result = _product(scope, node)
        old = node.outputs[0]
        register_constants(graph, scope.nodes[start:])
        graph.insert_before(node, scope.nodes[start:])
        result.name, old.name = old.name, None
        ir.convenience.replace_all_uses_with(old, result, replace_graph_outputs=True)
        if not any(output.uses() or output.is_graph_output() for output in node.outputs):
            graph.remove(node, safe=True)
        else:
            old.name = scope.name("unused")
    return infer_types(model)


def _is_attention(node: ir.Node) -> bool:
    return node.domain == "" and node.op_type == "Attention"


def _product(scope: Scope, node: ir.Node) -> ir.Value:
    """The matrix, as the operator gives it with all its masks, times the values of its heads."""
    query, _, value, _, _, past = [*node.inputs, None, None, None][:6]
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    attributes["qk_matmul_output_mode"] = PROBABILITIES
    matrix = scope.op("Attention", *node.inputs, outputs=4, **attributes)[3]
    flat = scope.rank(query) == 3
    queries = node.attributes["q_num_heads"].as_int() if flat else scope.size(query, 1)
    heads = node.attributes["kv_num_heads"].as_int() if flat else scope.size(value, 1)
    assert value is not None
    if flat:
        value = scope.Transpose(scope.Reshape(value, [0, 0, heads, -1]), perm=[0, 2, 1, 3])
    if past is not None:
        value = scope.Concat(past, value, axis=2)
    if queries != heads:
        # a head of values serves several of queries, one after the other
        apart = scope.Unsqueeze(value, [2])
        sizes = scope.sizes(value)
        each = scope.Expand(apart, [sizes[0], heads, queries // heads, sizes[2], sizes[3]])
        value = scope.Reshape(each, [sizes[0], queries, sizes[2], sizes[3]])
    result: ir.Value = scope.MatMul(matrix, value)
    if flat:
        result = scope.Reshape(scope.Transpose(result, perm=[0, 2, 1, 3]), [0, 0, -1])
    return result
