"""Which axis of a model's input is which."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.model.layer import Dim, TensorInfo

__all__ = ["CHANNELS_FOR", "describe", "picture_layout"]

CHANNELS_FOR = {1: "L", 3: "RGB"}


def picture_layout(shape: Sequence[Dim] | None, stated: str | None) -> str | None:
    """NCHW, NHWC, CHW or HWC; None where the shape is no picture's.

    `stated` is what the metadata says, believed where it has the right length. Otherwise the axis of 1 or 3 channels
    decides, channel-first where both could be; with all sizes unknown, channel-first.
    """
    rank = len(shape or ())
    if shape is None or rank not in (3, 4):
        return None
    if stated and len(stated) == rank and set("CHW") <= set(stated.upper()):
        return stated.upper()
    batch = "N" if rank == 4 else ""
    first, last = shape[rank - 3], shape[rank - 1]
    if first in CHANNELS_FOR:
        return batch + "CHW"
    if last in CHANNELS_FOR:
        return batch + "HWC"
    # without a batch axis, unknown sizes may be a sequence's: only what is surely a picture is taken for one
    return "NCHW" if rank == 4 and not isinstance(first, int) else None


def describe(spec: TensorInfo) -> str:
    """`image float32 (batch, 3, 224, 224)`, as errors name an input."""
    axes = ", ".join("?" if axis is None else str(axis) for axis in spec.shape or ())
    return f"{spec.name} {spec.dtype or 'of unknown type'} ({axes})"
