from __future__ import annotations

import numpy as np
import pytest

from tests.trainers.data.idx_files import idx
from trainers.data.idx import parse
from trainers.errors import DataCorrupt


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 28, 28)])
def test_what_was_written_is_read(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(parse(idx(array), "file"), array)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an IDX file"),
        (b"\x89PNG\r\n", "not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "not an IDX file of unsigned bytes"),
        (idx(np.zeros((2, 3)))[:9], "ends within its header"),
        (idx(np.zeros((2, 3)))[:-1], "holds 5 bytes; its header says 6"),
        (idx(np.zeros((2, 3))) + b"\0", "holds 7 bytes; its header says 6"),
    ],
)
def test_damaged_files_are_refused_by_name(content: bytes, reason: str) -> None:
    with pytest.raises(DataCorrupt, match=f"some-file.*{reason}"):
        parse(content, "some-file")
