"""Methods that run many changed copies of a picture, beside as many bare forward passes in equal batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.contenders.onnxruntime_plain import plain_session
from benchmarks.contenders.ours import opened
from benchmarks.networks.images import images
from benchmarks.work import CLASS, Ready, Work
from inspector.explain import BATCH

__all__ = [
    "bare_occlusion", "bare_rise", "bare_scorecam", "occlusion", "rise", "scorecam",
]  # fmt: skip

RISE = {"masks": 256}


def occlusion(work: Work) -> Ready:
    """Windows of an eighth of each side, half a window apart."""
    return _method(work, "occlusion", {})


def rise(work: Work) -> Ready:
    """256 masks."""
    return _method(work, "rise", RISE)


def scorecam(work: Work) -> Ready:
    """One masked picture for each channel."""
    return _method(work, "scorecam", {})


def bare_occlusion(work: Work) -> Ready:
    """As many forward passes."""
    return _bare(work, "occlusion", {})


def bare_rise(work: Work) -> Ready:
    """As many forward passes."""
    return _bare(work, "rise", RISE)


def bare_scorecam(work: Work) -> Ready:
    """As many forward passes."""
    return _bare(work, "scorecam", {})


def _method(work: Work, name: str, options: Mapping[str, Any]) -> Ready:
    lens, x = opened(work), images(work)
    return Ready(lambda: lens.explain(x, name, CLASS, **options).heatmap)


def _bare(work: Work, name: str, options: Mapping[str, Any]) -> Ready:
    """A session fed `BATCH` copies at a time, as many as the method makes."""
    passes = _count(work, name, options)
    session = plain_session(work.path(), work.threads)
    output, given = session.get_outputs()[0].name, session.get_inputs()[0].name
    x = np.repeat(images(work)[:1], BATCH, axis=0)
    batches = [x] * (passes // BATCH) + [x[: passes % BATCH]] * (passes % BATCH > 0)

    def run() -> None:
        for each in batches:
            session.run([output], {given: each})

    return Ready(run, {"passes": passes})


def _count(work: Work, name: str, options: Mapping[str, Any]) -> int:
    counted = [0]

    def progress(done: int, total: int) -> None:
        counted.append(total)

    opened(work).explain(images(work), name, CLASS, progress=progress, **options)
    return max(counted)
