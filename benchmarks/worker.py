"""A process that prepares and runs contenders: `python -m benchmarks.worker`, asked by JSON lines.

Each library has a process of its own environment, so that neither their versions nor their threads meet. Requests are
{"do": name, ...}, answers {"ok": ...} or {"error": one line}. It imports nothing that a request does not name.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from benchmarks.work import Ready, Work

__all__ = ["serve"]

_STOPPING = 0.1
"""Seconds."""


class Kept:
    """What has been prepared, by number."""

    def __init__(self) -> None:
        self.ready: dict[int, Ready] = {}

    def prepare(self, number: int, function: str, work: dict[str, Any]) -> dict[str, Any]:
        """Call `module:function` with the work, and the result once; how long both took, and the facts."""
        module, _, name = function.partition(":")
        make: Callable[[Work], Ready] = getattr(import_module(module), name)
        begin = time.perf_counter()
        ready = make(Work(**work))
        built = time.perf_counter()
        ready.run()
        self.ready[number] = ready
        return {
            "built": built - begin,
            "first": time.perf_counter() - built,
            "facts": dict(ready.facts),
        }

    def run(self, number: int, count: int) -> list[float]:
        """Seconds of each of `count` runs, after one more that counts for nothing: the caches are another's. Before
        it whoever had the turn before gets time to stop: threads of onnxruntime spin for 50 ms with nothing to do.
        """
        run = self.ready[number].run
        time.sleep(_STOPPING)
        run()
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            run()
            taken.append(time.perf_counter() - begin)
        return taken

    def save(self, number: int, path: str) -> bool:
        """Write what a run returns, where it returns an array."""
        import numpy as np

        found = self.ready[number].run()
        if hasattr(found, "numpy") and not hasattr(found, "detach"):
            found = found.numpy()  # of onnxruntime
        if hasattr(found, "detach"):
            found = found.detach().float().cpu().numpy()
        if found is None:
            return False
        np.save(path, np.asarray(found, dtype=np.float32))
        return True

    def drop(self, number: int) -> None:
        """Forget it."""
        self.ready.pop(number, None)
        gc.collect()


def probe(libraries: list[str]) -> dict[str, Any]:
    """Which of `libraries` can be found here, and what this Python is."""
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "libraries": {name: find_spec(name) is not None for name in libraries},
    }


def versions(packages: list[str]) -> dict[str, str]:
    """Of the distributions that are installed here."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def memory() -> dict[str, int | None]:
    """Bytes that this process holds now, and held at most."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        # bytes on macOS, kilobytes elsewhere; it never falls
        unit = 1 if sys.platform == "darwin" else 1024
        return {"now": None, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Vm")}
    return {"now": kilobytes["VmRSS"] * 1024, "peak": kilobytes["VmHWM"] * 1024}


def call(function: str, arguments: dict[str, Any]) -> Any:
    """Any function of this project that takes and returns what JSON holds."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)(**arguments)


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer until there are no more requests."""
    kept = Kept()
    known: dict[str, Callable[..., Any]] = {
        "prepare": kept.prepare,
        "run": kept.run,
        "save": kept.save,
        "drop": kept.drop,
        "probe": probe,
        "versions": versions,
        "memory": memory,
        "call": call,
    }
    for line in requests:
        request = json.loads(line)
        do = known[request.pop("do")]
        try:
            answer = {"ok": do(**request)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    # libraries print to stdout, which is not theirs here
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
