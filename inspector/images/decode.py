"""A picture file as upright 8-bit RGB pixels, whatever its mode.

Transparent pictures are laid on white. 16-bit greys are scaled by 1/257, so that 65535 becomes 255. Of an animation the
first frame is taken. EXIF orientation is applied; colour profiles are not.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from inspector.errors import InputError

__all__ = ["decode"]

# what Pillow's decoders raise on files that are cut short or garbled
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


def decode(path: Path) -> NDArray[np.uint8]:
    """The pixels of `path`, shape (H, W, 3), uint8, RGB.

    Raises InputError for a file that is no picture, is cut short, or has more pixels than Pillow's limit against
    decompression bombs (about 179 million).
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns at half the size that it refuses; a large photograph is not an attack
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _rgb(_upright(image), path)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is too large a picture to open safely: {error}") from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path} is not a picture in a format that is known here (png, jpg, ...)."
        ) from error
    except PermissionError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except BROKEN as error:
        raise InputError(f"{path} is a damaged or truncated picture: {error}.") from error


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    # the copy is made while the file is open; `info`, which may name a transparent colour, survives it
    return ImageOps.exif_transpose(image)


def _rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        grey = _deep_grey(image, path)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba)
    return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _deep_grey(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    """Greys of 16 bits, 32 bits or floating point as 8 bits.

    Integers above 255 are taken as 16-bit ones; floats as running from 0 to 1, or to 255 where one exceeds 1.
    """
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"{path} holds NaN or infinite pixels.")
    if image.mode == "F":
        scale = 255.0 if values.max(initial=0.0) <= 1.0 else 1.0
    else:
        deep = image.mode != "I" or values.max(initial=0.0) > 255
        scale = 1.0 / 257.0 if deep else 1.0
    return np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
