"""What a contender is asked to do, and what it hands back. Travels between processes as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.networks import NETWORKS, Network

__all__ = ["CLASS", "File", "Ready", "Work"]

File = Literal["dynamic", "fixed", "legacy"]
"""For images of this size in any batch; for this batch alone; for any batch, in the opset and from the exporter of
yesterday, for those who read no other."""

# the class whose score is explained, the same for everyone
CLASS = 3


@dataclass(frozen=True)
class Work:
    """One piece of work, the same for all who do it.

    Attributes:
        network: a key of `NETWORKS`.
        folder: where `networks.files` has written it.
        batch: images at once.
        size: their height and width in pixels.
        threads: of the runtime's operators.
        provider: "cpu" or "cuda".
        precision: "float32" or "float16".
    """

    network: str
    folder: str
    batch: int = 1
    size: int = 224
    threads: int = 1
    provider: str = "cpu"
    precision: str = "float32"

    def path(self, file: File = "dynamic") -> Path:
        """The ONNX file of this kind: see `File`."""
        batch = self.batch if file == "fixed" else "N"
        ending = "-legacy" if file == "legacy" else ""
        return self._written(f"{batch}x{self.size}-{self.precision}{ending}.onnx")

    @property
    def weights(self) -> Path:
        """The framework's own file: a state dictionary of PyTorch, or a Keras model."""
        return self._written("weights.pt" if self.spec.framework == "torch" else "weights.keras")

    @property
    def spec(self) -> Network:
        """What is known of the network."""
        return NETWORKS[self.network]

    def _written(self, ending: str) -> Path:
        return Path(self.folder) / f"{self.network}-{ending}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Ready:
    """Prepared work.

    Attributes:
        run: does it once, and returns when it is done (on a GPU too): an array, or nothing worth comparing.
        facts: numbers known about it, for the table.
    """

    run: Callable[[], Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
