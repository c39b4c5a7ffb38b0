"""The checker: the pullback of a model of one node against central differences of its forward pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime

from inspector.autodiff import RULES, vjp
from inspector.autodiff.table import RuleTable

from .case import Array, Case, float_outputs
from .truth import Evaluator

STEP = 1e-3
# A stencil of four points errs by STEP^4 / 30 times the fifth derivative (1e-10 where that is some thousands) and,
# through rounding, by 2^-52 / STEP = 2e-13. The numbers that a rule writes down, and the attributes it reads, are
# rounded to float32: 6e-8 each. A wrong rule errs by far more than that.
TOLERANCE = 2e-7
STENCIL = ((1.0, 2 / 3), (-1.0, -2 / 3), (2.0, -1 / 12), (-2.0, 1 / 12))


@dataclass(frozen=True)
class Pulled:
    """The gradients of one case, by the name of the input, for these cotangents of its outputs."""

    gradients: dict[str, Array]
    cotangents: dict[str, Array]


def pulled_in_double(case: Case, rules: RuleTable = RULES) -> Pulled:
    """The gradients of the case, evaluated in float64."""
    model = case.model()
    outputs = float_outputs(model)
    with_gradient = vjp(model, outputs, case.wrt, rules)
    if all(info.type.tensor_type.HasField("shape") for info in model.graph.output):
        # (the checker refuses inputs and outputs of unknown rank, which runtimes accept)
        onnx.checker.check_model(with_gradient, full_check=True)
    rng = np.random.default_rng(5)
    results = Evaluator(model).run(outputs, case.feeds_in_double)
    cotangents = {
        f"cotangent.{name}": rng.normal(size=result.shape).astype(np.float32)
        for name, result in zip(outputs, results, strict=True)
    }
    wide = {name: cotangent.astype(np.float64) for name, cotangent in cotangents.items()}
    names = [f"gradient.{name}" for name in case.wrt]
    gradients = Evaluator(with_gradient).run(names, {**case.feeds_in_double, **wide})
    assert all(gradient.dtype == np.float64 for gradient in gradients)
    return Pulled(dict(zip(case.wrt, gradients, strict=True)), cotangents)


def pulled_by_runtime(case: Case, model: onnx.ModelProto, cotangents: dict[str, Array]) -> dict[str, Array]:
    """The gradients of `model`, a form of `case`, by onnxruntime in float32."""
    with_gradient = vjp(model, [name.removeprefix("cotangent.") for name in cotangents], case.wrt)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        with_gradient.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [f"gradient.{name}" for name in case.wrt]
    results = session.run(names, {**case.feeds, **cotangents})
    return dict(zip(case.wrt, results, strict=True))


def worst_error(case: Case, pulled: Pulled) -> float:
    """The largest relative error of <gradient, v> over every input and two random directions v each.

    Relative to the sum of |gradient_i * v_i|, so that cancellation in a direction does not count.
    """
    forward = Evaluator(case.model())
    outputs = [name.removeprefix("cotangent.") for name in pulled.cotangents]
    feeds = case.feeds_in_double

    def objective(name: str, x: Array) -> float:
        results = forward.run(outputs, {**feeds, name: x})
        pairs = zip(pulled.cotangents.values(), results, strict=True)
        return math.fsum(math.fsum((u * result).flat) for u, result in pairs)

    rng = np.random.default_rng(3)
    worst = 0.0
    for name, gradient in pulled.gradients.items():
        for _ in range(2):
            v = rng.uniform(-1, 1, size=gradient.shape)
            samples = (weight * objective(name, feeds[name] + step * STEP * v) for step, weight in STENCIL)
            difference = math.fsum(samples) / STEP
            scale = max(float(np.sum(np.abs(gradient * v))), abs(difference), 1e-300)
            worst = max(worst, abs(difference - float(np.sum(gradient * v))) / scale)
    return worst
