"""Writing a result whole or not at all: into a temporary file beside its place, then moved there."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from inspector.errors import OutputError
from inspector.render.plain import plain_values

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["save_arrays", "save_figure", "save_pixels", "save_text", "write_whole"]

DPI = 144


def write_whole(path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> Path:
    """Create `path`, and the folders above it, with what `write` puts into the file it is given.

    Raises OutputError where that is impossible (full disk, no permission, a file where a folder should be); then
    nothing is left behind and an existing file keeps its content.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                write(file)
            temporary.replace(path)
        finally:
            # after a success it has moved; after any failure, Ctrl-C included, it must go
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error)}.") from error
    return path


def _reason(error: OSError) -> str:
    known = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the disk is read-only",
        errno.EACCES: "no permission to write there",
        errno.EPERM: "no permission to write there",
        errno.ENOTDIR: "a part of the path is a file, not a folder",
        errno.EEXIST: "a file stands where a folder is needed",
        errno.EISDIR: "there is a folder of that name",
    }
    return known.get(error.errno or 0, error.strerror or str(error))


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write `figure` as PNG, or as the format its suffix names (.pdf, .svg, .jpg)."""
    kind = Path(path).suffix.lstrip(".").lower() or "png"
    return write_whole(path, lambda file: figure.savefig(file, format=kind, dpi=DPI))


def save_pixels(pixels: NDArray[np.uint8], path: str | os.PathLike[str]) -> Path:
    """Write 8-bit pixels (H, W, 3) as they are, one for one, as PNG."""
    from PIL import Image

    # a photograph hardly shrinks further, and takes seconds to try
    level = 6 if pixels.size < 1_000_000 else 1
    return write_whole(
        path, lambda file: Image.fromarray(pixels).save(file, format="PNG", compress_level=level)
    )


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: str | os.PathLike[str]) -> Path:
    """Write named arrays as one compressed `.npz`."""
    import zipfile

    import numpy as np

    def write(file: IO[bytes]) -> None:
        # numpy.savez takes names as keyword arguments, and a tensor may be called "file"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)

    return write_whole(path, write)


def save_text(text: str, path: str | os.PathLike[str]) -> Path:
    """Write text as UTF-8."""
    return write_whole(path, lambda file: file.write(text.encode()))


def save_json(value: Any, path: str | os.PathLike[str]) -> Path:
    """Write a value as JSON, NaN and infinity as null."""
    import json

    text = json.dumps(plain_values(value), indent=2, ensure_ascii=False, allow_nan=False)
    return save_text(f"{text}\n", path)
