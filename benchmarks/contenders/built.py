"""From a file to a session that gives its gradient, beside a session of the file."""

from __future__ import annotations

from benchmarks.contenders.onnxruntime_plain import plain_session
from benchmarks.contenders.ours import opened, target
from benchmarks.networks.images import images
from benchmarks.work import Ready, Work

__all__ = ["gradient", "plain"]


def plain(work: Work) -> Ready:
    """`onnx.load` and a session."""
    import onnx

    def run() -> None:
        onnx.load(work.path())
        plain_session(work.path(), work.threads)

    return Ready(run)


def gradient(work: Work) -> Ready:
    """An `Inspector`, the gradient graph of the class's logit at the input, and its session; nothing is run."""
    x, asked = images(work), target(work)
    nodes: list[int] = []

    def run() -> None:
        lens = opened(work)
        subject, entry = lens.subject(x, asked)
        graph = lens.evaluator.gradient_graph(subject.objective, [entry.tensor])
        lens.evaluator.session(graph)
        nodes[:] = [len(lens.model.graph.graph), len(graph.graph)]

    run()
    return Ready(run, {"nodes": nodes[0], "nodes with gradient": nodes[1]})
