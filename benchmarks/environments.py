"""Which Python has which library, and the processes in which they run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.contenders.table import TABLE, Contender
from benchmarks.processes import Process, WorkFailed

__all__ = ["PACKAGES", "Environments"]

LIBRARIES = sorted({library for each in TABLE for library in each.needs})
# whose versions are written down
PACKAGES = (
    "captum", "grad-cam", "keras", "numpy", "onnx", "onnx-ad", "onnx-ir", "onnx2torch", "onnxlens", "onnxruntime",
    "onnxruntime-gpu", "tensorflow", "tf-keras-vis", "tf2onnx", "torch", "torchvision",
)  # fmt: skip


@dataclass
class Environments:
    """The peers' interpreters, tried in order, and this one, in which onnxlens and plain onnxruntime always run.

    Args:
        peers: paths of interpreters.
        folder: for logs.
        visible: whether processes may see a GPU.
    """

    peers: Sequence[str]
    folder: Path
    visible: bool = False
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    _running: dict[tuple[str, str, int], Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for python in dict.fromkeys([*self.peers, sys.executable]):
            with Process(python, 1, self.folder / "probe.log", self.visible) as process:
                self.found[python] = {
                    **process.ask("probe", libraries=LIBRARIES),
                    "packages": process.ask("versions", packages=list(PACKAGES)),
                }

    def python(self, contender: Contender) -> str | None:
        """The interpreter that a contender runs in; None: no environment has its library."""
        if contender.group == "onnxruntime":
            return sys.executable
        return self.having(contender.needs)

    def having(self, libraries: Sequence[str]) -> str | None:
        """The first interpreter that has all of these libraries."""
        for python, each in self.found.items():
            if all(each["libraries"].get(library) for library in libraries):
                return python
        return None

    def version(self, contender: Contender) -> str:
        """Of what runs; "" where it is not known."""
        python = self.python(contender)
        packages = self.found[python]["packages"] if python is not None else {}
        # the wheel for GPUs has another name
        return str(
            packages.get(contender.package) or packages.get(contender.package.removesuffix("-gpu"), "")
        )

    def process(self, contender: Contender, threads: int) -> Process:
        """The process of a contender's library, started where there is none yet.

        Raises:
            WorkFailed: no environment has the library.
        """
        python = self.python(contender)
        if python is None:
            raise WorkFailed(f"{' and '.join(contender.needs)} not installed")
        return self.started(python, contender.group, threads)

    def started(self, python: str, group: str, threads: int) -> Process:
        """One for each interpreter, group of libraries and number of threads."""
        key = (python, group, threads)
        if key not in self._running:
            self._running[key] = self.fresh(python, threads, group)
        return self._running[key]

    def fresh(self, python: str, threads: int, name: str) -> Process:
        """A process that nobody else uses."""
        return Process(python, threads, self.folder / f"{name}.log", self.visible)

    def rest(self, threads: Iterable[int]) -> None:
        """End the processes with other numbers of threads than these, which are still needed."""
        needed = set(threads)
        for key in [key for key in self._running if key[2] not in needed]:
            self._running.pop(key).close()

    def close(self) -> None:
        """End all processes."""
        while self._running:
            self._running.popitem()[1].close()

    def __enter__(self) -> Environments:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
