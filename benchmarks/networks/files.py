"""Networks are written once, in the environment of their framework, and kept."""

from __future__ import annotations

from pathlib import Path

from benchmarks.environments import Environments
from benchmarks.processes import WorkFailed
from benchmarks.work import File, Work

__all__ = ["provide"]

WRITERS = {"torch": ("torch", "torchvision"), "keras": ("tensorflow",), "onnx": ("inspector",)}


def provide(work: Work, file: File, environments: Environments) -> Path:
    """The ONNX file for a piece of work, written where there is none.

    Raises:
        WorkFailed: no environment has the framework, or the export failed.
    """
    path = work.path(file)
    if path.exists():
        return path
    libraries = WRITERS[work.spec.framework]
    python = environments.having(libraries)
    if python is None:
        raise WorkFailed(f"{' and '.join(libraries)} not installed, which {work.spec.title} comes from")
    # a process of its own: exporters leave much behind
    with environments.fresh(python, 1, "export") as process:
        process.ask(
            "call",
            function=f"benchmarks.networks.in_{work.spec.framework}:write",
            arguments={"work": work.to_json(), "file": file},
        )
    return path
