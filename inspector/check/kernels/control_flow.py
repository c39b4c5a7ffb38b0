"""`Loop` and `Scan`, which onnx.reference runs in part: no omitted condition, no stack of matrices, no other axis or
direction, no empty scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from inspector.check.kernels.call import Array

__all__ = ["Loop", "Scan"]


class _Iterated(OpRun):
    """An operator with a body, which also reads what stands outside."""

    op_domain = ""

    def need_context(self) -> bool:
        return True

    def _step(
        self, context: Mapping[str, Any], values: Sequence[Any], options: Mapping[str, Any]
    ) -> list[Any]:
        """The outputs of the body for these inputs; names in the body shadow those outside."""
        body: Any = self.body  # type: ignore[attr-defined]
        names = [str(name) for name in body.input_names]
        feeds = {**context, **dict(zip(names, values, strict=True))}
        return list(self._run_body(feeds, **options))  # type: ignore[attr-defined]


class Loop(_Iterated):
    """The standard's pseudo-code, line by line."""

    def _run(
        self,
        times: Array | None = None,
        cond: Array | None = None,
        *state: Any,
        context: Mapping[str, Any] | None = None,
        body: Any = None,
        attributes: Any = None,
        **options: Any,
    ) -> tuple[Any, ...]:
        held = list(state)
        most = None if times is None else int(np.asarray(times).reshape(()))
        go = np.array(True if cond is None else bool(np.asarray(cond).reshape(())))
        stacks: list[list[Array]] | None = None
        done = 0
        while go and (most is None or done < most):
            go, *results = self._step(context or {}, [np.array(done, np.int64), go, *held], options)
            held, stacked = results[: len(held)], results[len(held) :]
            stacks = stacks or [[] for _ in stacked]
            for stack, value in zip(stacks, stacked, strict=True):
                stack.append(value)
            done += 1
        if stacks is None:
            count = len(self.body.output_names) - 1 - len(held)  # type: ignore[attr-defined]
            return (*held, *(np.empty(0) for _ in range(count)))
        return (*held, *(np.stack(stack) for stack in stacks))


class Scan(_Iterated):
    """Slices in, slices out, each along its axis and in its direction.

    In opset 8 the lengths of the sequences came first, and all else had an axis of samples in front. (Given lengths
    no newer opset can say: `inspector.model.upgrade` refuses them.)
    """

    def _run(
        self,
        *values: Any,
        context: Mapping[str, Any] | None = None,
        body: Any = None,
        num_scan_inputs: int = 1,
        directions: Sequence[int] | None = None,
        scan_input_axes: Sequence[int] | None = None,
        scan_input_directions: Sequence[int] | None = None,
        scan_output_axes: Sequence[int] | None = None,
        scan_output_directions: Sequence[int] | None = None,
        attributes: Any = None,
        **options: Any,
    ) -> tuple[Any, ...]:
        if values[0] is None:
            samples = (
                self._run(
                    *sample,
                    context=context,
                    num_scan_inputs=num_scan_inputs,
                    scan_input_directions=directions,
                    **options,
                )
                for sample in zip(*values[1:], strict=True)
            )
            return tuple(np.stack(result) for result in zip(*samples, strict=True))
        states = len(values) - num_scan_inputs
        held = list(values[:states])
        read = [
            _turned(np.moveaxis(value, axis, 0), way)
            for value, axis, way in zip(
                values[states:],
                scan_input_axes or [0] * num_scan_inputs,
                scan_input_directions or [0] * num_scan_inputs,
                strict=True,
            )
        ]
        count = len(self.body.output_names) - states  # type: ignore[attr-defined]
        stacks: list[list[Array]] = [[] for _ in range(count)]
        for slices in zip(*read, strict=True):
            results = self._step(context or {}, [*held, *slices], options)
            held = results[:states]
            for stack, value in zip(stacks, results[states:], strict=True):
                stack.append(value)
        ways = scan_output_directions or [0] * count
        axes = scan_output_axes or [0] * count
        stacked = [
            np.moveaxis(_turned(np.stack(stack), way), 0, axis) if stack else np.empty(0)
            for stack, axis, way in zip(stacks, axes, ways, strict=True)
        ]
        return (*held, *stacked)


def _turned(values: Array, way: int) -> Array:
    return values[::-1] if way else values
