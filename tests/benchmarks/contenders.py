"""What the worker is asked to do in tests."""

from __future__ import annotations

import os
import time

import numpy as np

from benchmarks.work import Ready, Work


def doubling(work: Work) -> Ready:
    value = np.ones(1)

    def run() -> np.ndarray:
        value[:] *= 2
        time.sleep(0.001)
        return value

    return Ready(run, {"batch": work.batch})


def talkative(work: Work) -> Ready:
    return Ready(lambda: print("hello", flush=True))


def failing(work: Work) -> Ready:
    raise ValueError("no such luck")


def breaking(work: Work) -> Ready:
    runs: list[int] = []

    def run() -> None:
        runs.append(1)
        if len(runs) > 5:
            raise RuntimeError("worn out")

    return Ready(run)


def dying(work: Work) -> Ready:
    os._exit(5)


def ragged(work: Work) -> Ready:
    return Ready(lambda: [np.ones((1, 2)), np.ones((1, 3))])
