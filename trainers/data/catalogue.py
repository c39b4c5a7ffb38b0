"""Data sets by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainers.data import line, mnist
from trainers.data.dataset import Dataset
from trainers.errors import TrainerError

__all__ = ["DATASETS", "load"]

DATASETS: dict[str, Callable[..., Dataset]] = {"line": line.generate, "mnist": mnist.read}


def load(name: str, **options: Any) -> Dataset:
    """The data set of that name.

    Args:
        name: `line` or `mnist`.
        options: for `line` those of `trainers.data.line.generate` (`images_per_class`, `seed`), for `mnist` those of
            `trainers.data.mnist.read` (`mnist_dir`, `limit`).

    Raises:
        TrainerError: no such data set, or an option out of range.
        DataUnavailable, DataCorrupt: MNIST is not to be had, or is damaged.
    """
    if name not in DATASETS:
        raise TrainerError(f"no data set is called {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name](**options)
