"""Takes the tap markers out of an exported graph and leaves named outputs that lie on the path."""

from __future__ import annotations

import onnx_ir as ir

from export.errors import ExportError
from export.taps import OUTPUT, Key

__all__ = ["DOMAIN", "OPERATOR", "place_outputs"]

DOMAIN = "onnxlens"
OPERATOR = "Tap"
_READS_NO_VALUES = {"Shape", "Size"}


def place_outputs(model: ir.Model, own: list[str], taps: dict[str, Key]) -> list[str]:
    """Makes the graph's outputs `own` (in that order), then `taps`, and returns their names; edits in place.

    Each tap becomes the very tensor that its consumers read, so that replacing it changes what follows. Own outputs
    are those marked `Key(OUTPUT, 0, i)`. Raises ExportError when a tap was optimised away, lies inside a loop or a
    branch, or does not reach any of the model's own outputs.
    """
    graph = model.graph
    wanted = {
        **{Key(OUTPUT, 0, i): name for i, name in enumerate(own)},
        **{k: name for name, k in taps.items()},
    }
    markers = _find_markers(model, wanted)
    same = _taps_that_are_outputs(markers, own, taps)
    wanted = {key: name for key, name in wanted.items() if name not in same or key.layer == OUTPUT}
    _free_names(graph, set(wanted.values()))
    graph.outputs.clear()
    placed: dict[str, ir.Value] = {}
    # in graph order: a tap keeps its producer's tensor, and an output that is a tap becomes an Identity of it
    for key, marker in markers.items():
        source, result = marker.inputs[0], marker.outputs[0]
        assert source is not None
        if key not in wanted:
            value = source
        else:
            taken = source.producer() is None or any(source is other for other in placed.values())
            value = _identity(marker, source) if taken else source
            value.name = wanted[key]
            _adopt(value, result)
            placed[wanted[key]] = value
        result.replace_all_uses_with(value)
        graph.remove(marker, safe=True)
    names = [*own, *(name for name in taps if name not in same)]
    graph.outputs.extend(placed[name] for name in names)
    model.opset_imports.pop(DOMAIN, None)
    _require_path([placed[name] for name in own], {name: placed[name] for name in names})
    return names


def _find_markers(model: ir.Model, wanted: dict[Key, str]) -> dict[Key, ir.Node]:
    found: dict[Key, ir.Node] = {}
    for node in list(model.graph.all_nodes()):
        if node.domain != DOMAIN:
            continue
        key = Key.decode(node.attributes["name"].as_string())
        if node.graph is model.graph and key not in found:
            found[key] = node
        elif key in wanted:
            raise ExportError(
                f"{wanted[key]!r} lies inside a loop, a branch or a function that is run several times, where no "
                "output can be: tap the layer around it"
            )
        else:
            _bypass(node)
    for key, name in wanted.items():
        if key not in found:
            raise ExportError(
                f"the model's outputs do not depend on {name!r}, so it lies on no path from input to output"
            )
    return found


def _taps_that_are_outputs(markers: dict[Key, ir.Node], own: list[str], taps: dict[str, Key]) -> set[str]:
    """Taps with the name of an own output. They must be that output, and then need no second one."""
    same = set()
    for name, key in taps.items():
        if name not in own:
            continue
        output = markers[Key(OUTPUT, 0, own.index(name))].inputs[0]
        if output is not markers[key].outputs[0]:
            raise ExportError(
                f"tap {name!r} has the name of one of the model's outputs but is another tensor (or the same in "
                "another layout): name the outputs yourself with output_names"
            )
        same.add(name)
    return same


def _free_names(graph: ir.Graph, reserved: set[str]) -> None:
    """Renames internal tensors that stand in the way of an output's name; inputs keep theirs."""
    for value in graph.inputs:
        if value.name in reserved:
            raise ExportError(
                f"an output would have the name of the input {value.name!r}: rename one with input_names"
            )
    taken = {value.name for node in graph.all_nodes() for value in node.outputs} | set(graph.initializers)
    values = [value for node in graph.all_nodes() for value in node.outputs if value.name in reserved]
    values += [value for name, value in graph.initializers.items() if name in reserved]
    for value in values:
        fresh = f"{value.name}__value"
        while fresh in taken | reserved:
            fresh += "_"
        taken.add(fresh)
        value.name = fresh


def _bypass(marker: ir.Node) -> None:
    source, graph = marker.inputs[0], marker.graph
    assert source is not None
    assert graph is not None
    marker.outputs[0].replace_all_uses_with(source, replace_graph_outputs=True)
    graph.remove(marker, safe=True)


def _identity(before: ir.Node, source: ir.Value) -> ir.Value:
    """A tensor of its own with the source's value: for an input, a constant, or one that is an output already."""
    node = ir.node("Identity", [source])
    before.prepend(node)
    result = node.outputs[0]
    _adopt(result, source)
    return result


def _adopt(value: ir.Value, other: ir.Value) -> None:
    """Fills in a missing type or shape from a tensor that is the same."""
    if value.dtype is None and other.dtype is not None:
        value.dtype = other.dtype
    if value.shape is None:
        value.shape = other.shape


def _require_path(own: list[ir.Value], outputs: dict[str, ir.Value]) -> None:
    reached: set[ir.Value] = set()
    stack = list(own)
    while stack:
        value = stack.pop()
        if value in reached:
            continue
        reached.add(value)
        producer = value.producer()
        if producer is None or producer.op_type in _READS_NO_VALUES:
            continue
        stack.extend(read for read in producer.inputs if read is not None)
        for attribute in producer.attributes.values():
            for inner in _subgraphs(attribute):
                stack.extend(read for node in inner.all_nodes() for read in node.inputs if read is not None)
                stack.extend(inner.outputs)
    for name, value in outputs.items():
        if value not in reached:
            raise ExportError(
                f"the model's outputs do not depend on {name!r}, so it lies on no path from input to output"
            )


def _subgraphs(attribute: ir.Attr) -> list[ir.Graph]:
    if attribute.type == ir.AttributeType.GRAPH:
        return [attribute.as_graph()]
    if attribute.type == ir.AttributeType.GRAPHS:
        return list(attribute.as_graphs())
    return []
