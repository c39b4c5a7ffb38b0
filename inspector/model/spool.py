"""Large models given in memory, written to a file once: every session maps its weights from there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.model.wire import SMALLEST

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["bytes_in_memory", "spooled"]

# bytes that a protobuf message can have
LARGEST_MESSAGE = 2**31 - 1


@contextmanager
def spooled(source: bytes | bytearray | memoryview | onnx.ModelProto | ir.Model) -> Iterator[Path]:
    """Write the model to a file, in a folder of its own, which is removed again only if the block fails.

    The source is not changed. The weights of an `onnx_ir.Model` come to stand in a file beside it, written one by one.
    """
    folder = Path(tempfile.mkdtemp(prefix="onnxlens-")).resolve()
    path = folder / "model.onnx"
    try:
        _write(source, path)
        yield path
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def bytes_in_memory(source: bytes | bytearray | memoryview | onnx.ModelProto | ir.Model) -> int:
    """What writing it would save; nothing where it cannot be written."""
    if isinstance(source, bytes | bytearray | memoryview):
        return memoryview(source).nbytes
    import onnx
    import onnx_ir as ir

    if isinstance(source, onnx.ModelProto):
        size = int(source.ByteSize())
        return size if 0 < size < LARGEST_MESSAGE else 0
    weights = (value.const_value for graph in source.graphs() for value in graph.initializers.values())
    return sum(
        w.nbytes for w in weights if w is not None and not isinstance(w, ir.ExternalTensor | ir.StringTensor)
    )


def _write(source: bytes | bytearray | memoryview | onnx.ModelProto | ir.Model, path: Path) -> None:
    if isinstance(source, bytes | bytearray | memoryview):
        path.write_bytes(source)
        return
    import onnx
    import onnx_ir as ir

    if isinstance(source, onnx.ModelProto):
        path.write_bytes(source.SerializeToString())
    else:
        ir.save(source, path, external_data="weights", size_threshold_bytes=SMALLEST)
