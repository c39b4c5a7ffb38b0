from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.errors import InputError
from inspector.images.decode import decode


def test_rgb_pixels_come_back_as_they_are(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    # EXIF 2.32, tag 0x0112: what must be done to the stored rows to see the picture
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8] = 255
    undo = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), upright)


def test_transparent_pictures_are_laid_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = (0, 51, 255)  # 51/255 = a fifth of black
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode(tmp_path / "a.png")[0, :, 0], [255, 204, 0])


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=1)
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), [[[255, 0, 0], [255, 255, 255]]])


def test_grey_of_8_and_of_16_bits(tmp_path: Path) -> None:
    deep = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    Image.fromarray(np.array([[0, 1, 128, 255]], np.uint8)).save(tmp_path / "eight.png")
    for name in ("deep.png", "deep.tif", "eight.png"):
        found = decode(tmp_path / name)
        assert found.shape == (1, 4, 3), name
        np.testing.assert_array_equal(found[0, :, 0], [0, 1, 128, 255], err_msg=name)


def test_floating_point_grey(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, 0.2, 1.0]], np.float32)).save(tmp_path / "unit.tif")
    Image.fromarray(np.array([[0.0, 51.0, 255.0]], np.float32)).save(tmp_path / "bytes.tif")
    for name in ("unit.tif", "bytes.tif"):
        np.testing.assert_array_equal(decode(tmp_path / name)[0, :, 0], [0, 51, 255], err_msg=name)
    Image.fromarray(np.array([[0.0, np.nan]], np.float32)).save(tmp_path / "nan.tif")
    with pytest.raises(InputError, match="NaN or infinite pixels"):
        decode(tmp_path / "nan.tif")


def test_cmyk_and_black_and_white(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    red = decode(tmp_path / "red.jpg")[4, 4].astype(int)
    assert red[0] > 240
    assert red[1:].max() < 15
    Image.new("1", (2, 2), 1).save(tmp_path / "white.png")
    assert (decode(tmp_path / "white.png") == 255).all()


def test_no_picture_a_truncated_one_and_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("cut.png", "cut.jpg"):
        Image.fromarray(noise).save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    for name, words in {
        "text.png": "is not a picture", "empty.png": "is not a picture", "cut.png": "damaged or truncated",
        "cut.jpg": "damaged or truncated",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=words):
            decode(tmp_path / name)


def test_a_picture_of_a_billion_pixels_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 25_000, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(InputError, match="too large a picture"):
        decode(tmp_path / "bomb.png")
