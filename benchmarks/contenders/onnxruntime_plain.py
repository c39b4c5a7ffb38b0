"""onnxruntime without anything of ours: what all ratios are to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.networks.images import images
from benchmarks.work import Ready, Work

__all__ = ["forward", "forward_static", "plain_session"]


def plain_session(path: Path | bytes, threads: int) -> Any:
    """On the CPU, with default options but for the number of threads."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = path if isinstance(path, bytes) else str(path)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def forward(work: Work) -> Ready:
    """The file for any batch."""
    return _forward(work, work.path())


def forward_static(work: Work) -> Ready:
    """The file for this batch alone."""
    return _forward(work, work.path("fixed"))


def _forward(work: Work, path: Path) -> Ready:
    if work.provider != "cpu":
        from benchmarks.contenders import bound

        return bound.forward(work)
    session = plain_session(path, work.threads)
    # further outputs of a file are its layers
    names = [session.get_outputs()[0].name]
    if work.spec.output:
        names = [each.name for each in session.get_outputs() if each.name == work.spec.output]
    feeds = {session.get_inputs()[0].name: images(work)}
    return Ready(lambda: session.run(names, feeds)[0])
