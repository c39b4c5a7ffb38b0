"""What is done with one file, and what came of it."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from click.testing import CliRunner

from inspector import Inspector
from inspector.cli import main
from inspector.errors import TargetError
from tests.zoo.inputs import Feeds, feed
from tests.zoo.models import RealFile

__all__ = ["STEPS", "Result", "Step", "examine"]

STEPS = ("layers", "activations", "explain", "saliency", "check")
AGREEMENT = 1e-4
"""Largest difference, as a share of the output's largest magnitude: float32 graphs that are fused differently."""
STEPS_OF_NARROWER = 2
"""The same of models that compute in a narrower type, in steps of that type: on either side the result is rounded, and
what it is computed from, by half a step each."""
EPS = {"FLOAT16": 2.0**-10, "BFLOAT16": 2.0**-7}


@dataclass
class Step:
    """One step on one file: `said` is what it found, or the error."""

    name: str
    passed: bool
    said: str
    seconds: float
    peak: float
    """Largest memory of the process so far, MB."""


@dataclass
class Result:
    """Everything about one file."""

    name: str
    origin: str
    megabytes: float
    nodes: int
    opset: int
    steps: list[Step] = field(default_factory=list)
    check_error: float | None = None
    check_precision: str = ""
    target: str = ""
    """What was explained, where there is no default."""
    failure: str = ""
    """Why not all steps were reached: the file could not be fetched or opened, or took too long."""

    @property
    def passed(self) -> bool:
        return not self.failure and len(self.steps) == len(STEPS) and all(step.passed for step in self.steps)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def without_steps(cls, entry: RealFile) -> Result:
        return cls(entry.name, entry.origin, 0.0, 0, 0)

    @classmethod
    def load(cls, path: Path) -> Result:
        values = json.loads(path.read_text())
        return cls(**{**values, "steps": [Step(**step) for step in values["steps"]]})


def examine(entry: RealFile, results: Path) -> None:
    """Do everything with a file; a step that fails says why and does not keep the others from being tried.

    What has been found is saved to `results` after each step.
    """
    path = entry.locate()
    lens = Inspector(path)
    feeds = feed(lens.inputs, entry.inputs)
    result = Result(
        entry.name, entry.origin, _megabytes(path), len(lens.layers(plumbing=True)), lens.model.opset
    )
    target = _target(lens, feeds, result) if entry.target is None else entry.target
    steps: dict[str, Callable[[], str]] = {
        "layers": lambda: _layers(path),
        "activations": lambda: _activations(lens, path, feeds),
        "explain": lambda: _explain(lens, feeds, target, None),
        "saliency": lambda: _explain(lens, feeds, target, "saliency"),
        "check": lambda: _check(lens, feeds, target, result),
    }
    for name in STEPS:
        with _step(result, name) as say:
            say(steps[name]())
        result.save(results)


@contextmanager
def _step(result: Result, name: str) -> Iterator[Callable[[str], None]]:
    said: list[str] = []
    start = time.perf_counter()
    passed = False
    try:
        yield said.append
        passed = True
    except Exception as error:  # whatever a file of any kind brings about is what this is to find
        said.append(f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result.steps.append(Step(name, passed, " ".join(said), round(seconds, 2), round(peak)))


def _layers(path: Path) -> str:
    done = CliRunner().invoke(main, ["layers", str(path), "--json"])
    assert done.exit_code == 0, done.output
    listed = json.loads(done.stdout)
    layers = listed["layers"] if isinstance(listed, dict) else listed
    assert layers, "no layers"
    return f"{len(layers)} layers"


def _activations(lens: Inspector, path: Path, feeds: Feeds) -> str:
    # those in the body of an If, Loop or Scan say why they have none
    layers = [layer for layer in lens.layers() if layer.reason is None]
    found = lens.activations(feeds)
    missing = [layer.name for layer in layers if layer.name not in found]
    assert not missing, f"no values of {missing[:5]}"
    found = {**lens.run(feeds), **found}
    worst = _difference(found, _outputs(path, feeds))
    if worst > AGREEMENT and lens.evaluator.lowered.quantised:
        # exposed tensors undo the fusion of quantised operators: where that takes a value to the next integer, it is
        # that of the file's own nodes, run one by one
        worst = _difference(found, _outputs(path, feeds, fused=False))
    assert worst <= _agreement(lens), f"outputs differ by {worst:.1e}"
    return f"{len(found)} tensors, outputs within {worst:.1e}"


def _outputs(path: Path, feeds: Feeds, fused: bool = True) -> Feeds:
    """Of the file itself."""
    options = onnxruntime.SessionOptions()
    if not fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def _difference(found: Mapping[str, Any], expected: Feeds) -> float:
    """The largest, as a share of the output's largest magnitude."""
    worst = 0.0
    for name, value in expected.items():
        other = found[name]
        assert other.shape == value.shape, f"{name}: {other.shape} instead of {value.shape}"
        assert other.dtype == value.dtype, f"{name}: {other.dtype} instead of {value.dtype}"
        if value.dtype.kind != "f":
            assert np.array_equal(other, value), f"{name} differs"
            continue
        largest = float(np.abs(value.astype(np.float64)).max(initial=0)) or 1.0
        worst = max(worst, float(np.abs(other.astype(np.float64) - value).max(initial=0)) / largest)
    return worst


def _agreement(lens: Inspector) -> float:
    values = (output for node in lens.model.graph.graph.all_nodes() for output in node.outputs)
    types = {value.dtype.name for value in values if value.dtype is not None}
    return max(AGREEMENT, *(STEPS_OF_NARROWER * eps * (name in types) for name, eps in EPS.items()))


def _target(lens: Inspector, feeds: Feeds, result: Result) -> str | None:
    """None, the default; where no output is clearly of classes, the largest value of the first."""
    try:
        lens.explain(feeds, method="saliency")
    except TargetError:
        for name, value in lens.run(feeds).items():
            if value.dtype.kind == "f" and value.size:
                place = np.unravel_index(np.abs(value.astype(np.float64)).argmax(), value.shape)
                result.target = f"{name}[{', '.join(map(str, place[1:]))}]" if value.ndim > 1 else name
                return result.target
    except Exception:  # the steps will say it again
        return None
    return None


def _explain(lens: Inspector, feeds: Feeds, target: Any, method: str | None) -> str:
    explanation = lens.explain(feeds, method=method, target=target)
    assert np.isfinite(explanation.heatmap).all(), "the map is not finite"
    place = f" at {explanation.layer}" if explanation.layer else ""
    empty = "" if explanation.raw.any() else ", all zero"
    return f"{explanation.method}{place} of {explanation.target}{empty}"


def _check(lens: Inspector, feeds: Feeds, target: Any, result: Result) -> str:
    check = lens.check(feeds, target=target)
    error = check.max_relative_error
    result.check_error = error if error == error else None
    result.check_precision = check.precision
    assert check.passed, str(check)
    return str(check)


def _megabytes(path: Path) -> float:
    return round(path.stat().st_size / 2**20, 1)
