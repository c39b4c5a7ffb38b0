"""Files and folders in, one `Picture` per sample out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.images.arrays import read_arrays
from inspector.images.decode import decode
from inspector.images.files import ARRAY_SUFFIXES, expand
from inspector.images.fit import Placement
from inspector.images.layout import describe, picture_layout
from inspector.images.preprocess import Preprocessing, picture_input, preprocessing_for
from inspector.model.layer import TensorInfo
from inspector.model.metadata import Metadata

__all__ = ["Picture", "load_pictures"]


@dataclass(frozen=True)
class Picture:
    """One sample: what the model is fed, and what people look at.

    Attributes:
        name: the file's stem; `stem-3` for the third sample of an array.
        path: the file.
        feeds: input name -> array with a batch axis of one.
        input_name: the input that takes the picture.
        rgb: the original pixels (H, W, 3) uint8, upright; None where an array shows no picture.
        placement: where the model's canvas lies on `rgb`; None with it.
        preprocessing: how pixels became numbers; None for an input that takes no pictures.
        notes: assumptions to be told.
    """

    name: str
    path: Path
    feeds: dict[str, NDArray[Any]] = field(repr=False)
    input_name: str
    rgb: NDArray[np.uint8] | None = field(default=None, repr=False)
    placement: Placement | None = None
    preprocessing: Preprocessing | None = None
    notes: tuple[str, ...] = ()

    @property
    def tensor(self) -> NDArray[Any]:
        """The array for the picture's input, (1, ...)."""
        return self.feeds[self.input_name]

    @property
    def x(self) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """What `Inspector` takes: the tensor alone, or all feeds where the model has several inputs."""
        return self.tensor if len(self.feeds) == 1 else self.feeds


def load_pictures(
    paths: Iterable[str | PathLike[str]],
    inputs: TensorInfo | Sequence[TensorInfo],
    metadata: Metadata | None = None,
    *,
    preset: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: tuple[int, int] | None = None,
    bgr: bool = False,
    fit: str = "crop",
) -> list[Picture]:
    """Load pictures, folders of them and arrays as samples for the model's `inputs`, in the order given.

    The options are those of `preprocessing_for`. Raises InputNotFound and InputError; nothing is loaded halfway.
    """
    specs = [inputs] if isinstance(inputs, TensorInfo) else list(inputs)
    main = picture_input(specs)
    options: dict[str, Any] = {
        "preset": preset,
        "mean": mean,
        "std": std,
        "size": size,
        "bgr": bgr,
        "fit": fit,
    }
    files = expand(paths)
    preprocessing: Preprocessing | None = None
    layout = picture_layout(main.shape, metadata.input.layout if metadata and metadata.input else None)
    if layout is not None and main.dtype != "string":
        preprocessing = preprocessing_for(main, metadata, **options)
    pictures: list[Picture] = []
    for path in files:
        if path.suffix.lower() in ARRAY_SUFFIXES:
            pictures += _from_arrays(path, read_arrays(path, specs, main), main, preprocessing)
        else:
            if preprocessing is None:
                # says why the input takes no picture
                preprocessing = preprocessing_for(main, metadata, **options)
            pictures.append(_from_picture(path, specs, preprocessing))
    return pictures


def _from_picture(path: Path, specs: Sequence[TensorInfo], preprocessing: Preprocessing) -> Picture:
    if len(specs) > 1:
        raise InputError(
            f"the model has {len(specs)} inputs ({', '.join(map(describe, specs))}), and {path} feeds only one: "
            "give a .npz with one array per input name."
        )
    rgb = decode(path)
    tensor, placement = preprocessing.apply(rgb)
    return Picture(
        path.stem, path, {preprocessing.input_name: tensor}, preprocessing.input_name, rgb, placement, preprocessing,
        preprocessing.notes,
    )  # fmt: skip


def _from_arrays(
    path: Path, arrays: dict[str, NDArray[Any]], main: TensorInfo, preprocessing: Preprocessing | None
) -> list[Picture]:
    """One picture per sample of the main input; arrays with another first axis belong to every sample."""
    if preprocessing is not None and not preprocessing.layout.startswith("N"):
        return [_sample(path.stem, path, arrays, arrays[main.name], main.name, preprocessing)]
    count = arrays[main.name].shape[0] if arrays[main.name].ndim else 1
    pictures = []
    for i in range(count):
        feeds = {
            name: array[i : i + 1] if array.ndim and array.shape[0] == count else array
            for name, array in arrays.items()
        }
        name = path.stem if count == 1 else f"{path.stem}-{i + 1}"
        sample = feeds[main.name][0] if feeds[main.name].ndim else feeds[main.name]
        pictures.append(_sample(name, path, feeds, sample, main.name, preprocessing))
    return pictures


def _sample(
    name: str,
    path: Path,
    feeds: dict[str, NDArray[Any]],
    sample: NDArray[Any],
    input_name: str,
    preprocessing: Preprocessing | None,
) -> Picture:
    rgb = preprocessing.picture_of(sample) if preprocessing is not None else None
    placement = None
    if rgb is not None:
        height, width = rgb.shape[:2]
        placement = Placement((height, width), (height, width), (0.0, 0.0, float(width), float(height)))
    return Picture(name, path, feeds, input_name, rgb, placement, preprocessing)
