"""What is on the pictures, from a file: the class of each, and boxes around the object."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import InputError, InputNotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.images import Picture

__all__ = ["Truth", "inside_boxes", "read_truth"]

COLUMNS = ("left", "top", "right", "bottom")
SHAPE = (
    'JSON: {"cat.jpg": {"class": 281, "boxes": [[left, top, right, bottom], ...]}, ...}; or CSV with the columns '
    "file, class, left, top, right, bottom, one line for each box"
)


@dataclass
class Truth:
    """What is on a picture.

    Attributes:
        label: number or name of its class; None: that is not said.
        boxes: (left, top, right, bottom) in pixels of the photograph, turned upright.
    """

    label: int | str | None = None
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)


def read_truth(path: Path) -> dict[str, Truth]:
    """By file name.

    Raises:
        InputNotFound: there is no such file.
        InputError: it is neither the JSON nor the CSV that is expected; says which.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputNotFound(f"there is no file {path} that says what is on the pictures.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text; it is {SHAPE}.") from error
    try:
        return _from_json(json.loads(text)) if path.suffix.lower() == ".json" else _from_csv(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} does not say what is on the pictures ({error}); it is {SHAPE}.") from error


def inside_boxes(picture: Picture, truth: Truth | None) -> NDArray[np.bool_] | None:
    """Which pixels of the model's canvas lie in a box by their centres; None where no boxes are known."""
    import numpy as np

    if truth is None or not truth.boxes or picture.placement is None:
        return None
    (left, top, right, bottom), (height, width) = picture.placement.box, picture.placement.size
    down = top + (np.arange(height) + 0.5) * (bottom - top) / height
    across = left + (np.arange(width) + 0.5) * (right - left) / width
    inside = np.zeros((height, width), dtype=bool)
    for box in truth.boxes:
        rows, columns = (box[1] <= down) & (down < box[3]), (box[0] <= across) & (across < box[2])
        inside |= rows[:, None] & columns[None]
    return inside


def _from_json(value: Any) -> dict[str, Truth]:
    return {
        name: Truth(_label(said.get("class")), [_box(box) for box in said.get("boxes", [])])
        for name, said in value.items()
    }


def _from_csv(text: str) -> dict[str, Truth]:
    found: dict[str, Truth] = {}
    for row in csv.DictReader(io.StringIO(text)):
        truth = found.setdefault(row["file"], Truth())
        truth.label = truth.label if row.get("class") in (None, "") else _label(row["class"])
        corners = _corners(row)
        if corners:
            truth.boxes.append(_box(corners))
    if not found:
        raise ValueError("it has no lines")
    return found


def _corners(row: Mapping[str, str | None]) -> list[str]:
    given = [row.get(column) or "" for column in COLUMNS]
    return given if any(given) else []


def _box(corners: Sequence[Any]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(corner) for corner in corners)
    if not (left < right and top < bottom):
        raise ValueError(f"the box {tuple(corners)} has no inside: its corners are left, top, right, bottom")
    return left, top, right, bottom


def _label(value: Any) -> int | str | None:
    if value is None or isinstance(value, int):
        return value
    text = str(value).strip()
    return int(text) if text.lstrip("-").isdecimal() else text
