"""The workers: one process per environment and number of threads, started when first asked."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["ROOT", "Process", "WorkFailed"]

ROOT = Path(__file__).resolve().parents[1]


class WorkFailed(Exception):
    """A contender could not do its work; the message is one line."""


class Process:
    """A worker in the environment of `python`.

    Args:
        python: the interpreter.
        threads: for libraries that read it when they start.
        log: a file that takes what the libraries print.
        visible: whether a GPU may be seen.
    """

    def __init__(self, python: str, threads: int, log: Path, visible: bool = False) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONWARNINGS": "ignore",
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            "TF_NUM_INTRAOP_THREADS": str(threads),
            "TF_NUM_INTEROP_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        if not visible:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        with log.open("ab") as printed:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                env=environment,
                cwd=ROOT,
                text=True,
            )

    def ask(self, do: str, **request: Any) -> Any:
        """What the worker answers.

        Raises:
            WorkFailed: it raised an error, or is gone.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkFailed(f"the process ended with {self._process.wait()} (see {self.log})")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkFailed(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
