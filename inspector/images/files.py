"""Which files are meant: single files as given, folders expanded in the order that people count in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from inspector.errors import InputError, InputNotFound

__all__ = ["ARRAY_SUFFIXES", "PICTURE_SUFFIXES", "expand", "natural_key"]

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
     ".jp2", ".tga", ".ico", ".avif"}
)  # fmt: skip
ARRAY_SUFFIXES = frozenset({".npy", ".npz"})


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which `image-2` comes before `image-10`, whatever the case of the letters."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def expand(paths: Iterable[str | PathLike[str]]) -> list[Path]:
    """The files behind `paths`: a file stands for itself, a folder for the pictures and arrays directly in it.

    Raises InputNotFound for a path that does not exist and InputError for a folder without pictures.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files += _in_folder(path)
        elif path.exists():
            files.append(path)
        else:
            raise InputNotFound(_not_found(path))
    if not files:
        raise InputError(
            "no picture was given: name one or more pictures, folders of them, or .npy/.npz files."
        )
    return files


def _in_folder(folder: Path) -> list[Path]:
    wanted = PICTURE_SUFFIXES | ARRAY_SUFFIXES
    found = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in wanted and not p.name.startswith(".") and p.is_file()
    ]
    if not found:
        below = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        named = f"; it holds folders, of which each can be named: {', '.join(below[:5])}" if below else ""
        raise InputError(
            f"the folder {folder} holds no pictures (png, jpg, ...) and no .npy or .npz files{named}."
        )
    return sorted(found, key=lambda p: natural_key(p.name))


def _not_found(path: Path) -> str:
    message = f"there is no picture at {path}"
    if not path.parent.is_dir():
        return f"{message}: the folder {path.parent} does not exist."
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=3)
    return f"{message}; near it: {', '.join(near)}." if near else f"{message}."
