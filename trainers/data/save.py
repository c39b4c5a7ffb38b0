"""A data set as files: one `.npz`, or one PNG per image with the source document's file names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from trainers.atomic import make_folder, replacing
from trainers.data.dataset import Dataset, Images
from trainers.errors import OutputError

__all__ = ["save_npz", "save_pngs"]

Progress = Callable[[int, int], None]
"""Called with the number of images written (or found written) and the number in all."""

MANIFEST = "dataset.json"


def save_npz(dataset: Dataset, folder: Path) -> Path:
    """Write `NAME.npz`: both sides' images (uint8, N H W C) and labels (int64), `class_names` and `details` (JSON).

    Raises:
        OutputError: it cannot be written; nothing is left behind.
    """
    path = make_folder(folder) / f"{dataset.name}.npz"
    with replacing(path) as partial:
        np.savez_compressed(
            partial,
            train_images=dataset.train_images,
            train_labels=dataset.train_labels,
            test_images=dataset.test_images,
            test_labels=dataset.test_labels,
            class_names=np.array(dataset.class_names),
            details=np.array(json.dumps(dataset.details)),
        )
    return path


def save_pngs(dataset: Dataset, folder: Path, progress: Progress | None = None) -> Path:
    """Write every image to `train/` or `test/`, named by its labels and its number within the class, from 1.

    Line: `length_width_angle_colour_id.png`, so `1_1_9_0_3.png` is the third long, thick, 135 degree, red line.
    MNIST: `digit_id.png`. Interrupted, it goes on where it stopped when called again.

    Raises:
        OutputError: a file cannot be written, or the folder holds another data set (or the same of another seed).
    """
    make_folder(folder)
    _claim(dataset, folder / MANIFEST)
    total = len(dataset.train_images) + len(dataset.test_images)
    done = 0
    for side, images, names in (
        ("train", dataset.train_images, _names(dataset, train=True)),
        ("test", dataset.test_images, _names(dataset, train=False)),
    ):
        place = make_folder(folder / side)
        for path, image in zip((place / name for name in names), images, strict=True):
            if not path.exists():
                _write_png(image, path)
            done += 1
            if progress:
                progress(done, total)
    return folder


def _claim(dataset: Dataset, manifest: Path) -> None:
    """Note in the folder which data set it holds. Files already there are kept only if they are of the same one."""
    description = json.loads(json.dumps({"name": dataset.name, **_origin(dataset)}))
    if manifest.exists():
        try:
            there = json.loads(manifest.read_text())
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot read {manifest}: {error}") from error
        if there != description:
            raise OutputError(
                f"{manifest.parent} holds another data set ({manifest.name}); choose an empty folder"
            )
        return
    if any(manifest.parent.glob("t*/*.png")):
        raise OutputError(f"{manifest.parent} holds images of unknown origin; choose an empty folder")
    with replacing(manifest) as partial:
        partial.write_text(json.dumps(description, indent=2) + "\n")


def _origin(dataset: Dataset) -> dict[str, object]:
    """What decides the images: not where they were read from."""
    return {
        key: value for key, value in dataset.details.items() if key in {"seed", "images_per_class", "limit"}
    }


def _names(dataset: Dataset, *, train: bool) -> Iterator[str]:
    labels = dataset.train_labels if train else dataset.test_labels
    ids = dataset.train_ids if train else dataset.test_ids
    counted = [0] * len(dataset.class_names)
    for position, label in enumerate(labels.tolist()):
        counted[label] += 1
        number = counted[label] if ids is None else int(ids[position])
        values = [label] if dataset.heads is None else dataset.heads[label].tolist()
        yield "_".join(str(value) for value in (*values, number)) + ".png"


def _write_png(image: Images, path: Path) -> None:
    from PIL import Image

    with replacing(path) as partial:
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(partial)
