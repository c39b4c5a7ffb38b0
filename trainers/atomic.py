"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainers.errors import OutputError

__all__ = ["make_folder", "replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place when the block ends well and is removed when not.

    The suffix is kept, for writers that choose the format by it.

    Raises:
        OutputError: the file cannot be written: no room, no permission, a folder of that name.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # already renamed, or never made; the reason for the failure is on its way
            partial.unlink()


def make_folder(path: Path) -> Path:
    """The folder, made with its parents where it is missing.

    Raises:
        OutputError: it cannot be made, or something that is no folder has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror or error}") from error
    return path
