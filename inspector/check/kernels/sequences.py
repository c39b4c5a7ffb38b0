"""Sequences and optional values: onnx.reference inserts at the front what belongs at the end, maps over two sequences
at most, and wraps an optional value in a list that it does not take off again. An empty optional value is None here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from inspector.check.kernels.call import Array, Call, Kernel

__all__ = ["KERNELS", "SequenceMap"]


def _insert(_: Call, sequence: list[Array], tensor: Array, position: Array | None = None) -> Any:
    result = list(sequence)
    result.insert(len(result) if position is None else int(np.asarray(position).reshape(())), tensor)
    return (result,)


def _optional(_: Call, value: Any = None, **attributes: Any) -> Any:
    return (value,)


def _get_element(_: Call, value: Any) -> Any:
    if value is None:
        raise ValueError("the optional value is empty")
    return (value,)


def _has_element(_: Call, value: Any = None) -> Any:
    return (np.array(value is not None),)


KERNELS: dict[str, Kernel] = {
    "Optional": _optional,
    "OptionalGetElement": _get_element,
    "OptionalHasElement": _has_element,
    "SequenceInsert": _insert,
}


class SequenceMap(OpRun):
    """The body for each element of the first sequence, beside the elements of other sequences and whole tensors."""

    op_domain = ""

    def need_context(self) -> bool:
        return True

    def _run(
        self,
        first: list[Array],
        *others: Any,
        context: Mapping[str, Any] | None = None,
        body: Any = None,
        attributes: Any = None,
        **options: Any,
    ) -> tuple[list[Any], ...]:
        graph: Any = self.body  # type: ignore[attr-defined]
        results: list[list[Any]] = [[] for _ in graph.output_names]
        for place, element in enumerate(first):
            values = [element, *(each[place] if isinstance(each, list) else each for each in others)]
            feeds = {**(context or {}), **dict(zip(graph.input_names, values, strict=True))}
            for result, value in zip(results, self._run_body(feeds, **options), strict=True):  # type: ignore[attr-defined]
                result.append(value)
        return tuple(results)
