"""What an evaluation found, and what it is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.quality.controls import CONTROLS
from inspector.quality.metric import Better, Curve
from inspector.quality.statistics import Interval, bootstrap

__all__ = ["Evaluation"]

LEVEL = 0.95


@dataclass(frozen=True)
class Evaluation:
    """Metrics of several methods on the same samples.

    Attributes:
        samples: their names.
        targets: what was explained, one text per sample.
        columns: each number that was measured, and which of them are good.
        values: by method and column, one per sample, NaN where it is not defined.
        curves: by method and name, the mean over the samples.
        options: of the methods and of the metrics, as they were used.
        notes: what a reader must know.
        seed: of everything random.
    """

    samples: tuple[str, ...]
    targets: tuple[str, ...]
    columns: Mapping[str, Better]
    values: Mapping[str, Mapping[str, NDArray[np.float64]]]
    curves: Mapping[str, Mapping[str, Curve]]
    options: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    seed: int = 0

    @property
    def methods(self) -> tuple[str, ...]:
        """Their names, in the order asked for."""
        return tuple(self.values)

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """By method and column: the mean over the samples and its 95 % bootstrap interval."""
        return {
            method: {column: bootstrap(found[column], LEVEL, self.seed) for column in self.columns}
            for method, found in self.values.items()
        }

    def against(self, reference: str) -> dict[str, dict[str, Interval]]:
        """By method and column: the mean of its difference from `reference`, sample by sample, and its interval. Where
        that leaves out 0 the two differ, also where their own intervals overlap.
        """
        beside = self.values[reference]
        return {
            method: {
                column: bootstrap(found[column] - beside[column], LEVEL, self.seed) for column in self.columns
            }
            for method, found in self.values.items()
            if method != reference
        }

    def best(self, column: str) -> str | None:
        """The method with the best mean, the control maps left out: one that never looks is steadier than any method.
        None where there is none, or neither high nor low is good.
        """
        better = self.columns[column]
        means = {method: found[column].mean for method, found in self.intervals.items()}
        known = {
            method: mean for method, mean in means.items() if method not in CONTROLS and not math.isnan(mean)
        }
        if better == "neither" or not known:
            return None
        return (max if better == "higher" else min)(known, key=lambda method: known[method])

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is not defined is None."""
        return {
            "samples": list(self.samples),
            "targets": list(self.targets),
            "better": dict(self.columns),
            "confidence": LEVEL,
            "seed": self.seed,
            "options": {name: {key: _plain(value) for key, value in given.items()}
                        for name, given in self.options.items()},
            "methods": {
                method: {
                    column: {
                        "mean": _number(interval.mean),
                        "low": _number(interval.low),
                        "high": _number(interval.high),
                        "count": interval.count,
                        "values": [_number(value) for value in self.values[method][column].tolist()],
                    }
                    for column, interval in found.items()
                }
                for method, found in self.intervals.items()
            },
            "against": {
                control: {
                    method: {column: [_number(each.mean), _number(each.low), _number(each.high)]
                             for column, each in found.items()}
                    for method, found in self.against(control).items()
                }
                for control in CONTROLS if control in self.values
            },
            "curves": {
                method: {name: [axis.tolist() for axis in curve] for name, curve in found.items()}
                for method, found in self.curves.items()
            },
            "notes": list(self.notes),
        }  # fmt: skip


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
