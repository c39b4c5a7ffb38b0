"""What was found for one method beside a peer's: a line of docs/peers.md."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["TOLERANCE", "Finding", "Row", "difference", "keep", "read_findings", "read_rows", "version"]

TOLERANCE = 1e-4
"""Of the map's largest magnitude: float32 through two runtimes."""


@dataclass(frozen=True)
class Row:
    """One method of ours beside one of a peer's, on the same weights and images.

    Attributes:
        method: a key of `METHODS`, and which of its options are not the defaults.
        peer: the distribution.
        theirs: what it is called there.
        network: whose weights.
        difference: the largest, relative to the largest magnitude of the peer's map, the worst image's.
        measure: what was compared: "map" as the layer has it, "heatmap" enlarged and scaled alike, ...
        version: of the peer.
        tolerance: that the row was held to.
        note: what was done so that both compute the same, and what else a reader must know.
    """

    method: str
    peer: str
    theirs: str
    network: str
    difference: float
    measure: str
    version: str
    tolerance: float = TOLERANCE
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """Where a peer and this toolkit differ, and why: both behaviours.

    Attributes:
        method: a key of `METHODS`.
        peer: the distribution.
        version: of the peer.
        what: the situation.
        theirs: what the peer does there.
        ours: what is done here.
    """

    method: str
    peer: str
    version: str
    what: str
    theirs: str
    ours: str


def difference(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Largest difference of two batches of maps (N, ...), each image's relative to the largest magnitude in `theirs`.

    Raises:
        AssertionError: shapes differ, or a map of theirs is zero everywhere, which would show nothing.
    """
    a, b = (np.asarray(each, dtype=np.float64) for each in (ours, theirs))
    assert a.shape == b.shape, f"ours {a.shape}, theirs {b.shape}"
    axes = tuple(range(1, a.ndim))
    largest: NDArray[np.float64] = np.abs(b).max(axis=axes)
    assert np.all(largest > 0), "a map of the peer's is zero everywhere: choose other classes"
    return float((np.abs(a - b).max(axis=axes) / largest).max())


def keep(record: Row | Finding, folder: Path) -> None:
    """Writes the record to a file of its own in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = asdict(record)
    what = "-".join(
        str(fields.get(key, "")) for key in ("method", "peer", "theirs", "network", "measure", "what")
    )
    name = re.sub(r"[^\w.+-]+", "_", f"{type(record).__name__.lower()}-{what}")[:150]
    (folder / f"{name}.json").write_text(json.dumps(fields, indent=1) + "\n")


def read_rows(folder: Path) -> list[Row]:
    """All rows in the folder."""
    return [Row(**json.loads(path.read_text())) for path in sorted(folder.glob("row-*.json"))]


def read_findings(folder: Path) -> list[Finding]:
    """All findings in the folder."""
    return [Finding(**json.loads(path.read_text())) for path in sorted(folder.glob("finding-*.json"))]


def version(peer: str) -> str:
    """The installed version of a distribution."""
    return metadata.version(peer)
