"""Sessions whose inputs and outputs stay where the work is done: nothing crosses the bus within a run.

With a CUDA graph, which wants fixed shapes and addresses, the launches of all kernels are recorded once and replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.networks.images import images
from benchmarks.work import Ready, Work

__all__ = ["bound", "forward", "forward_graph", "gradient", "gradient_graph"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# what PyTorch is held to as well
CUDA = {"use_tf32": "0", "cudnn_conv_algo_search": "EXHAUSTIVE"}


def bound(
    model: Path | bytes, feeds: Mapping[str, Any], output: str, work: Work, graph: bool = False
) -> Callable[[], Any]:
    """A run of `model` on `feeds`, copied to the device once; it waits for the result and returns it as an OrtValue."""
    session = _session(model, work, graph)
    binding = session.io_binding()
    for name, array in feeds.items():
        binding.bind_ortvalue_input(name, _on_device(array, work))
    if graph:
        # addresses must not change: the shape is found by a session that does not care
        found = _session(model, work, False).run([output], dict(feeds))[0]
        binding.bind_ortvalue_output(output, _on_device(np.empty_like(found), work))
    else:
        binding.bind_output(output, work.provider)

    def run() -> Any:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return binding.get_outputs()[0]

    return run


def forward(work: Work) -> Ready:
    """The plain pass."""
    return _forward(work, work.path(), False)


def forward_graph(work: Work) -> Ready:
    """The plain pass of the file for this batch, replayed."""
    return _forward(work, work.path("fixed"), True)


def _forward(work: Work, path: Path, graph: bool) -> Ready:
    from benchmarks.contenders.onnxruntime_plain import plain_session

    session = plain_session(path, work.threads)
    output = work.spec.output or session.get_outputs()[0].name
    return Ready(bound(path, {session.get_inputs()[0].name: images(work)}, output, work, graph))


def gradient(work: Work) -> Ready:
    """The graph behind `Inspector.gradient`."""
    return _gradient(work, work.path(), False)


def gradient_graph(work: Work) -> Ready:
    """The same of the file for this batch, replayed."""
    return _gradient(work, work.path("fixed"), True)


def _gradient(work: Work, path: Path, graph: bool) -> Ready:
    from benchmarks.contenders.ours import opened, target
    from inspector.objectives.compile import SCORE
    from inspector.session.serialise import serialise

    lens = opened(work, path)
    subject, entry = lens.subject(images(work), target(work))
    model = lens.evaluator.gradient_graph(subject.objective, [entry.tensor])
    given = {
        **subject.feeds,
        **subject.objective.feeds(),
        f"cotangent.{SCORE}": np.ones(work.batch, np.float32),
    }
    needed = {each.name for each in model.graph.inputs}
    feeds = {name: array for name, array in given.items() if name in needed}
    return Ready(bound(serialise(model).message, feeds, f"gradient.{entry.tensor}", work, graph))


def _session(model: Path | bytes, work: Work, graph: bool) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = work.threads
    settings = {**CUDA, **({"enable_cuda_graph": "1"} if graph else {})} if work.provider == "cuda" else {}
    given = model if isinstance(model, bytes) else str(model)
    providers = [(PROVIDERS[work.provider], settings), *(["CPUExecutionProvider"] if settings else [])]
    session = onnxruntime.InferenceSession(given, options, providers=providers)
    if PROVIDERS[work.provider] not in session.get_providers():
        # onnxruntime would go on without a word
        raise RuntimeError(f"onnxruntime could not start {PROVIDERS[work.provider]}")
    return session


def _on_device(array: Any, work: Work) -> Any:
    import onnxruntime

    return onnxruntime.OrtValue.ortvalue_from_numpy(array, work.provider, 0)
