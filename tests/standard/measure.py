"""One of the standard's own node cases: the gradient through it against finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
from onnx import ModelProto, TensorProto, numpy_helper

from inspector.autodiff import RULES, vjp
from inspector.autodiff.activity import nodes_between
from inspector.autodiff.nondifferentiable import REFUSED
from inspector.check.gradient import Problem, check_problem
from inspector.check.reference import Float64Evaluator
from inspector.check.single import Float32Evaluator
from inspector.check.verdict import GradientCheck
from inspector.errors import InputError, NotDifferentiable
from inspector.model.model import Model

from .elementwise import Count, compare_elements
from .tensors import Array, floating, of_tensors

__all__ = ["OUTCOMES", "Result", "measure"]

FLOATS = frozenset((TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16))
SINGLE = 1e-5
"""Relative distance (L2) of a float32 gradient from the float64 one."""
RANDOM = frozenset(("Bernoulli", "Dropout", "Multinomial", "RandomNormalLike", "RandomUniformLike"))
"""Both evaluators draw, and draw differently: the runtime's gradient cannot be compared with the reference's."""

SETTINGS: dict[str, tuple[int, ...]] = {"OneHot": (1,), "Range": (1,), "Resize": (1, 2), "Upsample": (1,)}
"""Floating-point inputs that say how large the result is (depth, limit, region and scales): not differentiated by."""

OUTCOMES = {
    "integer": "no floating-point input with elements, or no floating-point output",
    "unloaded": "onnxruntime does not load the file, or does not run it",
    "passed": "the gradient agrees with finite differences",
    "zero": "the gradient is zero and so are the differences",
    "undefined": "a step, or the edge of the domain, wherever an element is moved: there is no derivative",
    "refused": "refused on purpose, and the differences are zero or undefined",
    "failed": "failed",
}
"""What may become of a case."""


@dataclass(frozen=True)
class Result:
    """What became of one case.

    Attributes:
        name: of the case.
        operator: whose case it is.
        outcome: a key of OUTCOMES.
        detail: why.
        cut: whether an operator without a derivative, of the fixed list, cuts every way from input to output.
    """

    name: str
    operator: str
    outcome: str
    detail: str = ""
    cut: bool = False


def measure(case: Any) -> Result:
    """Check the gradient of every floating-point output of a case by every floating-point input."""
    nodes = case.model.graph.node
    operator = nodes[0].op_type if len(nodes) == 1 else case.name.removeprefix("test_").split("_expanded")[0]

    def result(outcome: str, detail: str = "", cut: bool = False) -> Result:
        return Result(case.name, operator, outcome, detail, cut)

    inputs, outputs = ([_array(value) for value in values] for values in case.data_sets[0])
    if not _any_float(case.model.graph.input) or not _any_float(case.model.graph.output):
        return result("integer")
    feeds = {info.name: value for info, value in zip(case.model.graph.input, inputs, strict=False)}
    refusal = _refusal_of_runtime(case.model, feeds)
    if refusal:
        return result("unloaded", refusal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return result(*_judge(*of_tensors(case.model, inputs, outputs)))
        except Exception as error:  # a defect of any kind is a failed case
            return result("failed", f"{type(error).__name__}: {_first_line(error)}")


def _judge(model: ModelProto, feeds: dict[str, Array]) -> tuple[str, str, bool]:
    settings = {
        node.input[place]
        for node in model.graph.node
        for place in SETTINGS.get(node.op_type, ())
        if place < len(node.input)
    }
    sources = [name for name in floating(feeds) if feeds[name].size and name not in settings]
    targets = [info.name for info in model.graph.output if info.type.tensor_type.elem_type in FLOATS]
    if not sources or not targets:
        return "integer", "", False
    objective = Objective(model, targets, feeds)
    graph = Model(model).normalised
    try:
        gradient = ir.to_proto(vjp(graph, targets, sources))
    except NotDifferentiable as error:
        return _judge_refusal(objective, sources, str(error))
    values = {value.name: value for value in [*graph.graph.inputs, *graph.graph.outputs]}
    cut = not nodes_between(
        list(graph.graph), [values[name] for name in sources], [values[name] for name in targets], RULES
    )
    random = any(node.op_type in RANDOM for node in model.graph.node)
    found = {name: _check(objective, gradient, name, random) for name in sources}
    wrong = "; ".join(f"by {name}: {why}" for name, (verdict, why) in found.items() if verdict == "failed")
    if wrong:
        return "failed", wrong, cut
    verdicts = {verdict for verdict, _ in found.values()}
    outcome = next(each for each in ("passed", "undefined", "zero") if each in verdicts)
    return outcome, "", cut


class Objective:
    """A weighted sum of the floating-point outputs of a model, finite ones alone."""

    def __init__(self, model: ModelProto, targets: list[str], feeds: dict[str, Array]) -> None:
        self.model, self.targets, self.feeds = model, targets, feeds
        self.evaluator = Float64Evaluator(model)
        rng = np.random.default_rng(5)
        results = self.evaluator.run(targets, feeds)
        self.finite = {name: np.isfinite(y) for name, y in zip(targets, results, strict=True)}
        # numbers that float16 represents exactly
        self.cotangents = {
            name: np.where(mask, rng.normal(size=mask.shape).astype(np.float16), 0).astype(np.float32)
            for name, mask in self.finite.items()
        }
        self.terms = sum(
            float(np.abs(y * self.cotangents[name])[self.finite[name]].sum())
            for name, y in zip(targets, results, strict=True)
        )

    def of_outputs(self, found: Mapping[str, Array]) -> float:
        if any(np.shape(y) != self.finite[name].shape for name, y in found.items() if name in self.finite):
            # a result of another shape is a step
            return float("nan")
        return sum(
            float((np.asarray(found[name], dtype=np.float64) * u)[self.finite[name]].sum())
            for name, u in self.cotangents.items()
        )

    def elements(self, source: str, gradient: Array) -> Count:
        """`gradient`, of the tensor `source`, element by element."""

        def score(value: Array) -> float:
            results = self.evaluator.run(self.targets, {**self.feeds, source: value})
            return self.of_outputs(dict(zip(self.targets, results, strict=True)))

        point = np.asarray(self.feeds[source]).astype(np.float64)
        whole = all(mask.all() for mask in self.finite.values())
        return compare_elements(score, point, np.asarray(gradient), self.terms, whole=whole)


def _check(objective: Objective, gradient: ModelProto, source: str, random: bool) -> tuple[str, str]:
    """`passed`, `zero`, `undefined` or `failed`, and why.

    By the project's check, and element by element where that is undecided.
    """
    feeds = {**objective.feeds, **{f"cotangent.{name}": u for name, u in objective.cotangents.items()}}
    finite = all(np.isfinite(feeds[name].astype(np.float64)).all() for name in floating(feeds))
    # the runtime's Python takes neither: there the gradient must load, and is evaluated in float64 alone
    narrow = any(value.dtype.name.startswith(("float8", "bfloat16")) for value in objective.feeds.values())
    if narrow and (refusal := _refusal_of_runtime(gradient, {})):
        return "failed", refusal
    sequences = any(node.op_type == "SequenceConstruct" for node in objective.model.graph.node)
    if finite and not random and not narrow and not sequences:
        checked = _checked(objective, gradient, source, feeds)
        if checked and checked.passed and checked.precision == "float64" and not checked.noise:
            return "passed", ""
        if checked and checked.float32_error > checked.float32_tolerance:
            return "failed", str(checked)
    (exact,) = Float64Evaluator(gradient).run([f"gradient.{source}"], feeds)
    if sequences:
        # the project's check holds all other tensors fast at the cut, and a sequence is none
        (shown,) = Float32Evaluator(gradient).run([f"gradient.{source}"], feeds)
        if np.linalg.norm(shown - exact) > SINGLE * np.linalg.norm(exact):
            return "failed", "the runtime's gradient is not the float64 one"
    count = objective.elements(source, exact)
    if count.wrong:
        return "failed", f"{count.wrong} elements are wrong; {count.worst}"
    if not count.agree and not count.kinks:
        return "undefined", ""
    if not np.any(exact) and not count.moving:
        return "zero", ""
    return "passed", ""


def _checked(
    objective: Objective, gradient: ModelProto, source: str, feeds: dict[str, Array]
) -> GradientCheck | None:
    """What the project's check says; None where neither precision can evaluate the case at moved values."""
    try:
        return check_problem(
            Problem(
                model=objective.model,
                tensor=source,
                outputs=tuple(objective.targets),
                score=lambda found: np.array([objective.of_outputs(found)]),
                feeds=objective.feeds,
                gradient=gradient,
                gradient_feeds=feeds,
            )
        )
    except InputError:
        return None


def _judge_refusal(objective: Objective, sources: list[str], message: str) -> tuple[str, str, bool]:
    """A refusal on purpose is right where the differences are zero; any other is a failure."""
    on_purpose = any((node.domain, node.op_type) in REFUSED for node in objective.model.graph.node)
    if not on_purpose:
        return "failed", message, False
    for name in sources:
        count = objective.elements(name, np.zeros_like(objective.feeds[name], dtype=np.float64))
        if count.wrong:
            return "failed", f"{message} (but the differences are not zero)", False
    return "refused", message, True


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _any_float(infos: Any) -> bool:
    def element(kind: Any) -> int:
        while not kind.HasField("tensor_type"):
            kind = (kind.optional_type if kind.HasField("optional_type") else kind.sequence_type).elem_type
        return int(kind.tensor_type.elem_type)

    return any(element(info.type) in FLOATS for info in infos)


def _refusal_of_runtime(model: ModelProto, feeds: Mapping[str, Any]) -> str:
    """What onnxruntime says against the file, or against running it; empty where it does both."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    plain = feeds and all(
        isinstance(value, np.ndarray)
        and value.dtype.kind in "biufU"
        and not value.dtype.name.startswith(("float8", "bfloat16"))
        for value in feeds.values()
    )
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        if plain:
            session.run(None, dict(feeds))
    except Exception as error:  # onnxruntime has an exception class of its own for each reason
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
