from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from inspector.errors import OutputError
from inspector.render.save import save_arrays, save_figure, save_pixels, save_text, write_whole
from inspector.render.tiles import new_figure


def test_folders_are_made_and_only_the_file_is_left(tmp_path: Path) -> None:
    path = save_text("grüß", tmp_path / "a" / "b" / "c.txt")
    assert path.read_text(encoding="utf-8") == "grüß"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")

    def fill(file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"cannot write .*a.txt: the disk is full"):
        write_whole(tmp_path / "a.txt", fill)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(file: IO[bytes]) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.txt", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_real_full_device_is_told(tmp_path: Path) -> None:
    def to_full_device(file: IO[bytes]) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    if not Path("/dev/full").exists():
        to_full_device = _no_space
    with pytest.raises(OutputError, match="the disk is full"):
        write_whole(tmp_path / "a.txt", to_full_device)


def _no_space(file: IO[bytes]) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_path_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        save_text("x", tmp_path / "file" / "a.txt")
    with pytest.raises(OutputError, match="there is a folder of that name"):
        save_text("x", tmp_path)


def test_figures_pixels_and_arrays_are_what_they_say(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    with Image.open(save_pixels(pixels, tmp_path / "a.png")) as saved:
        np.testing.assert_array_equal(np.asarray(saved), pixels)
    arrays = {"a/b:0": np.arange(3), "file": np.ones((2, 2), np.float16)}
    with np.load(save_arrays(arrays, tmp_path / "a.npz")) as loaded:
        assert set(loaded.files) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array)
            assert loaded[name].dtype == array.dtype
    figure = new_figure(1, 1)
    with Image.open(save_figure(figure, tmp_path / "f.png")) as drawn:
        assert drawn.format == "PNG"
    assert save_figure(figure, tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in save_figure(figure, tmp_path / "f.svg").read_bytes()


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (save_figure(new_figure(1, 1), tmp_path / name).read_bytes() for name in ("1.png", "2.png"))
    assert Image.open(io.BytesIO(one)).size == Image.open(io.BytesIO(two)).size
    assert one == two
