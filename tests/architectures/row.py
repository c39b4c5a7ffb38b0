"""What was found for one architecture: a line of docs/architectures.md."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["DOUBLE", "FORWARD", "KINKED", "NOT_RUN", "SMOOTH_TOLERANCE", "Row", "filling", "read_rows"]

KINKED = frozenset(
    (
        "Abs",
        "Clip",
        "GlobalMaxPool",
        "HardSigmoid",
        "HardSwish",
        "LeakyRelu",
        "Max",
        "MaxPool",
        "Min",
        "PRelu",
    )
) | frozenset(("ReduceMax", "ReduceMin", "Relu", "Shrink", "ThresholdedRelu", "TopK"))
"""Operators whose gradient jumps: a rounding error of the forward pass can decide on which side one lies."""

SMOOTH_TOLERANCE, KINKED_TOLERANCE = 1e-5, 1e-3

FORWARD = 1e-3
"""What exports may differ by: a deep network of random weights loses more than a trained one. The table says."""
DOUBLE = 1e-5
"""In double precision. What is left there are the file's own constants: batch normalisation is folded into scales of
single precision, 6e-8 each, through a hundred layers."""


NOT_RUN = "not run"
"""The reason that a row of an interrupted run has."""


@dataclass
class Row:
    """One exported file beside the framework model that it came from; distances are relative, in L2, over a batch.

    Attributes:
        name: the architecture.
        framework: "Keras" or "PyTorch".
        exporter: what wrote the file.
        opset: of the file.
        nodes: how many it has.
        input: the shape of its input, without the batch.
        score: what was differentiated.
        kinked: which operators of it have kinks.
        layer: the inner tensor at which the gradient was compared, None where only the input was.
        forward: largest difference of an output, relative to its largest magnitude.
        at_input: distance of the gradient at the input; None for token ids.
        at_layer: the same at `layer`.
        double_input: the gradient graph in float64 against the framework's model in float64, where the distance in
            float32 is above that of smooth models.
        double_layer: the same at `layer`.
        own_noise: the framework's own gradients in float32 against its own in float64.
        draw: which random batch that was: the first of eight on which this noise is below 1e-5, else the best.
        first_input: the distance at the input on the first batch, where another was chosen.
        first_layer: the same at `layer`.
        first_noise: the framework's own noise on that batch.
        chosen: the layer that `explain` takes by itself.
        map: the shape of the map that it gives, without the batch.
        method: how that map was made.
        seconds: how long all of this took.
        reason: why there are no figures, or fewer.
        versions: of the packages concerned.
    """

    name: str
    framework: str
    exporter: str
    opset: int = 0
    nodes: int = 0
    input: tuple[int, ...] = ()
    score: str = ""
    kinked: tuple[str, ...] = ()
    layer: str | None = None
    forward: float | None = None
    at_input: float | None = None
    at_layer: float | None = None
    double_input: float | None = None
    double_layer: float | None = None
    own_noise: float | None = None
    draw: int = 0
    first_input: float | None = None
    first_layer: float | None = None
    first_noise: float | None = None
    chosen: str = ""
    map: tuple[int, ...] = ()
    method: str = ""
    seconds: float = 0.0
    reason: str = ""
    versions: str = ""

    @property
    def tolerance(self) -> float:
        """1e-5 where every operator is smooth; 1e-3 where a kink may flip in single precision."""
        return KINKED_TOLERANCE if self.kinked else SMOOTH_TOLERANCE

    def failures(self) -> list[str]:
        """What is not as it should be, in words."""
        found = [self.reason] if self.reason else []
        for place, single, double in (
            ("input", self.at_input, self.double_input),
            (self.layer, self.at_layer, self.double_layer),
        ):
            if single is None:
                # token ids have no gradient: of those the layer, an embedding, is compared
                if not self.reason and (self.at_input, self.at_layer) == (None, None):
                    found.append(f"no gradient at {place}")
            elif not single <= self.tolerance and not (double is not None and double <= DOUBLE):
                found.append(f"the gradient at {place} is off by {single:.1e}")
            if double is not None and not double <= DOUBLE:
                found.append(f"the gradient at {place} is off by {double:.1e} in float64")
        return found


@contextlib.contextmanager
def filling(row: Row, folder: Path) -> Iterator[None]:
    """Keeps the row for the table, in a file of its own, however far what fills it in came."""
    try:
        yield
    except Exception as error:
        row.reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise
    finally:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{row.framework}-{row.name}-{row.exporter}-{row.opset}"
        slug = re.sub(r"[^\w.-]", "_", name)
        (folder / f"{slug}.json").write_text(json.dumps(asdict(row), indent=1) + "\n")


def read_rows(folder: Path) -> list[Row]:
    """All rows in the folder, by name."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        fields: dict[str, Any] = json.loads(path.read_text())
        for name in ("input", "kinked", "map"):
            fields[name] = tuple(fields[name])
        rows.append(Row(**fields))
    return rows
