"""Peak memory of the gradient at the input, each contender in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from benchmarks.contenders.table import TABLE
from benchmarks.environments import Environments
from benchmarks.networks.files import provide
from benchmarks.processes import WorkFailed
from benchmarks.suites import CONVOLUTIONAL, IMAGENET, Choice
from benchmarks.work import Ready, Work
from benchmarks.worker import memory

__all__ = ["compare", "identity", "peak", "works"]

RUNS = 5
# what the others are compared with
REFERENCE = "torch.autograd"
CONTENDERS = (REFERENCE, "onnxlens", "onnxlens, fixed batch", "onnx-ad")


def works(choice: Choice) -> Iterator[Work]:
    """What is compared."""
    for name in choice.among(IMAGENET):
        for batch in choice.batches or ((1, 16) if name in CONVOLUTIONAL and not choice.quick else (1,)):
            yield choice.work(name, batch)


def peak(function: str, work: dict[str, Any]) -> dict[str, Any]:
    """In the process that is measured: bytes held after the imports, at most, and after some runs."""
    module, _, name = function.partition(":")
    make: Callable[[Work], Ready] = getattr(import_module(module), name)
    imported = memory()["now"]
    ready = make(Work(**work))
    for _ in range(RUNS):
        ready.run()
    return {"imported": imported, "kept": memory()["now"], "peak": memory()["peak"]}


def compare(work: Work, environments: Environments) -> dict[str, Any]:
    """The rows of a case, as JSON; ratios are of the peaks."""
    found: dict[str, dict[str, Any]] = {}
    for name in CONTENDERS:
        contender = next(each for each in TABLE if each.task == "gradient" and each.name == name)
        row: dict[str, Any] = {"name": name, "version": environments.version(contender)}
        found[name] = row
        try:
            python = environments.python(contender)
            if python is None:
                raise WorkFailed(f"{contender.library} is not installed")
            provide(work, contender.file, environments)
            with environments.fresh(python, work.threads, "memory") as process:
                row |= process.ask(
                    "call",
                    function="benchmarks.memory:peak",
                    arguments={"function": contender.where, "work": work.to_json()},
                )
        except WorkFailed as error:
            row["error"] = str(error)
    base = found[REFERENCE].get("peak")
    for row in found.values():
        if base and "peak" in row:
            row["ratio"] = row["peak"] / base
    return {**identity(work), "reference": REFERENCE, "rows": list(found.values())}


def identity(work: Work) -> dict[str, Any]:
    """What tells the case from others."""
    described = {key: value for key, value in work.to_json().items() if key != "folder"}
    return {"suite": "memory", "task": "memory", **described}
