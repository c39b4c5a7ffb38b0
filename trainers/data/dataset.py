"""What every data set looks like once it is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TrainerError

__all__ = ["Dataset", "Images", "Labels"]

Images = NDArray[np.uint8]
"""(N, H, W, C), 0 to 255."""

Labels = NDArray[np.int64]
"""(N,), class numbers."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their class numbers, split into a training and a test side.

    `heads` describes the classes by several attributes at once where the data set has them (Line: length, width,
    angle, colour): a table of shape (classes, heads), in the order of `head_names`.
    `train_ids` and `test_ids` number the images within their class from 1, where the data set numbers them.
    `details` is JSON: how the set was made and what is known of it.
    """

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    class_names: tuple[str, ...]
    details: dict[str, Any] = field(default_factory=dict)
    head_names: tuple[str, ...] = ()
    heads: NDArray[np.int64] | None = None
    train_ids: NDArray[np.int64] | None = None
    test_ids: NDArray[np.int64] | None = None

    def attributes(self, labels: NDArray[np.integer[Any]]) -> dict[str, Labels]:
        """Each head's label for the class numbers given: head name -> int64 (N,).

        Raises:
            TrainerError: the classes of this data set have no attributes.
        """
        if self.heads is None:
            raise TrainerError(f"the classes of the data set {self.name!r} have no attributes such as length")
        return {head: self.heads[labels, column] for column, head in enumerate(self.head_names)}
