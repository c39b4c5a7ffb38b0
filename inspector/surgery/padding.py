"""Zero padding as part of the convolution behind it, where it takes neither a pass over the map nor room of its own."""

from __future__ import annotations

import onnx_ir as ir

__all__ = ["fold_padding"]


def fold_padding(model: ir.Model) -> None:
    """Take each `Pad` of zeros that only convolutions read into their attribute `pads`, in place.

    The runtime does so too, but also before a `MaxPool`, which pads with the lowest number instead.
    """
    graph = model.graph
    for node in list(graph):
        if node.op_type != "Pad" or node.domain:
            continue
        (padded,), image = node.outputs, node.inputs[0]
        widths = _widths(node)
        readers = [use.node for use in padded.uses()]
        if (
            image is None
            or widths is None
            or padded.is_graph_output()
            or not readers
            or not all(_takes(reader, padded, len(widths)) for reader in readers)
        ):
            continue
        for reader in readers:
            rank = len(widths) // 2 - 2
            own = reader.attributes.get_ints("pads") or [0] * 2 * rank
            added = [*widths[2 : 2 + rank], *widths[4 + rank :]]
            pads = [one + other for one, other in zip(own, added, strict=True)]
            reader.attributes["pads"] = ir.AttrInt64s("pads", pads)
            reader.attributes.pop("auto_pad", None)
            reader.replace_input_with(0, image)
        graph.remove(node, safe=True)


def _widths(node: ir.Node) -> list[int] | None:
    """The padding of a `Pad` that puts zeros around the spatial axes; None of any other."""
    _, pads, value, axes, *_ = [*node.inputs, None, None, None]
    known = None if pads is None else ir.convenience.get_const_tensor(pads)
    filling = None if value is None else ir.convenience.get_const_tensor(value)
    zeros = value is None or (filling is not None and not filling.numpy().any())
    if (
        node.attributes.get_string("mode", "constant") != "constant"
        or known is None
        or not zeros
        or axes is not None
    ):
        return None
    widths = [int(width) for width in known.numpy()]
    half = len(widths) // 2
    fits = half > 2 and min(widths) >= 0 and not any((*widths[:2], *widths[half : half + 2]))
    return widths if fits else None


def _takes(reader: ir.Node, padded: ir.Value, widths: int) -> bool:
    """Whether `reader` is a convolution of `padded`, with a padding of its own that is known."""
    return (
        (reader.domain, reader.op_type) == ("", "Conv")
        and list(reader.inputs).index(padded) == 0
        and list(reader.inputs).count(padded) == 1
        and reader.attributes.get_string("auto_pad", "NOTSET") in ("NOTSET", "VALID")
        and len(reader.attributes.get_ints("pads") or [0] * (widths - 4)) == widths - 4
    )
