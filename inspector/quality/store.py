"""Results that outlast a run: one file per sample and method, written whole or not at all."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inspector.errors import InputError
from inspector.quality.metric import Measured
from inspector.render import save_text

__all__ = ["Result", "Store"]


@dataclass
class Result:
    """What is known of one map.

    Attributes:
        measured: by metric.
        digests: by metric: what its result depends on.
        notes: of the explanation.
    """

    measured: dict[str, Measured] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def add(self, metric: str, digest: str, measured: Measured) -> None:
        """Write down what was found."""
        self.measured[metric] = measured
        self.digests[metric] = digest


class Store:
    """A folder of results.

    Args:
        folder: None: results are kept for this run only.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, number: int, sample: str, method: str) -> Result:
        """What is known of a sample's map; empty where there is nothing.

        Raises:
            InputError: the file is no result.
        """
        path = self._path(number, sample, method)
        if path is None or not path.exists():
            return Result()
        try:
            return _read(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is no result of an evaluation: remove it, or write elsewhere"
            ) from error

    def save(self, number: int, sample: str, method: str, result: Result) -> None:
        """Keep it.

        Raises:
            OutputError: the folder cannot be written to.
        """
        path = self._path(number, sample, method)
        if path is not None:
            written = {"sample": sample, "method": method, **_written(result)}
            save_text(json.dumps(written, indent=1, allow_nan=False), path)

    def _path(self, number: int, sample: str, method: str) -> Path | None:
        if self._folder is None:
            return None
        plain = re.sub(r"[^\w.-]+", "_", sample)
        return self._folder / f"{number + 1:04}-{plain}-{method}.json"


def _written(result: Result) -> dict[str, Any]:
    return {
        "notes": list(result.notes),
        "measured": {
            name: {
                "digest": result.digests[name],
                "values": {column: _number(value) for column, value in measured.values.items()},
                "curves": {
                    curve: [[_number(each) for each in axis.tolist()] for axis in axes]
                    for curve, axes in measured.curves.items()
                },
            }
            for name, measured in result.measured.items()
        },
    }


def _read(written: dict[str, Any]) -> Result:
    result = Result(notes=tuple(written["notes"]))
    for name, found in written["measured"].items():
        values = {column: _float(value) for column, value in found["values"].items()}
        curves = {
            curve: (np.array([_float(each) for each in across]), np.array([_float(each) for each in up]))
            for curve, (across, up) in found["curves"].items()
        }
        result.add(name, str(found["digest"]), Measured(values, curves))
    return result


def _number(value: float) -> float | None:
    """JSON has no word for what is not defined but null."""
    return float(value) if math.isfinite(value) else None


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)
