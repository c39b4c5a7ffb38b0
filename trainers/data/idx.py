"""The IDX format of the MNIST files (Y. LeCun, C. Cortes, C. Burges: "The MNIST database", file formats).

Big-endian: two zero bytes, a type code (8: unsigned byte), the number of dimensions, each dimension's size in four
bytes, then the values in C order.
"""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from trainers.errors import DataCorrupt

__all__ = ["parse"]

UNSIGNED_BYTE = 8


def parse(content: bytes, name: str) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file's content; read-only, it shares the memory of `content`.

    Args:
        content: the whole file, decompressed.
        name: what to call the file in an error.

    Raises:
        DataCorrupt: no IDX file of unsigned bytes, or one that is shorter or longer than its header says.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise DataCorrupt(f"{name} is not an IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataCorrupt(f"{name} ends within its header")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DataCorrupt(f"{name} holds {len(content) - start} bytes; its header says {math.prod(shape)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
