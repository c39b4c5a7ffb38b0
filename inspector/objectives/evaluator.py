"""Values and gradients of a model's tensors: graphs are built and compiled once and kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.errors import InputError, LayerNotFound, ModelError, NotDifferentiable
from inspector.model import Model
from inspector.model.declarations import restore_maps
from inspector.objectives.compile import SCORE, add_objective
from inspector.objectives.names import clear_names
from inspector.objectives.objective import Objective, TermKey
from inspector.session import Array, Cache, Feeds, Session, Stored, batch_size

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

    from inspector.autodiff import RuleTable
    from inspector.autodiff.lowering import Lowered

__all__ = ["Evaluator", "Gradients"]

# what onnxruntime makes NumPy arrays of
HANDED_OUT = frozenset(
    (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128", "string", None),
    )
)


@dataclass(frozen=True)
class Gradients:
    """What one run of a gradient graph gives.

    Attributes:
        score: (N,), float32; of a quantised model the file's own.
        lowered_score: (N,), float32: of the graph that was differentiated, which does not round.
        gradients: of the sum of the scores, by tensor name, each of its tensor's shape and dtype.
        tensors: values asked for beside them.
        objective: with each sample's own class and side written down.
    """

    score: Array
    lowered_score: Array
    gradients: dict[str, Array]
    tensors: dict[str, Array]
    objective: Objective


_ROUNDING = {"BFLOAT16": 2.0**-7, "FLOAT16": 2.0**-10, "FLOAT": 2.0**-23}


class Evaluator:
    """Runs one model. A session per (tensors, objective) serves every class, image and batch, another all sums of them.

    Args:
        model: what to run.
        providers, threads: see `Session`.
        cache: a folder to keep built gradient graphs in.
    """

    def __init__(
        self,
        model: Model,
        providers: Sequence[str] | str | None = None,
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self.model = model
        self._providers = providers
        self._threads = threads
        # each session of a model of gigabytes takes as much memory again
        self._sessions: Cache[Session] = Cache(max(2, min(16, 2**30 // max(1, model.bytes_on_disk))))
        self._graphs: Cache[ir.Model] = Cache()
        self._parts: Cache[Evaluator] = Cache(4)
        self._stored = None if cache is None else Stored(cache, model)
        self._conversion_verified = False
        # what was found out about the model's structure, by question
        self.answers: Cache[Any] = Cache(64)

    def session(self, graph: onnx.ModelProto | ir.Model) -> Session:
        """Compile a graph on this evaluator's providers."""
        return Session(restore_maps(graph, self.model.proto), self._providers, self._threads)

    @property
    def original(self) -> Session:
        """The file as it was loaded."""
        return self._sessions.get("original", lambda: self.session(self.model.proto))

    @cached_property
    def lowered(self) -> Lowered:
        """The graph that is differentiated: quantised and fused operators by standard ones."""
        from inspector.autodiff.lowering import lower

        return lower(self.model.normalised)

    def values(self, feeds: Feeds, names: Sequence[str]) -> dict[str, Array]:
        """Tensors of the graph by name; inputs are handed back as they came."""
        wanted = tuple(name for name in dict.fromkeys(names) if name not in feeds)
        if not wanted:
            return {name: feeds[name] for name in names}
        # of 4-bit numbers, bfloat16 and the like the runtime hands out nothing: they are shown as float32
        shown = {name: f"activation.{name}" for name in wanted if self._dtype(name) not in HANDED_OUT}
        if not shown and set(wanted) <= {output.name for output in self.model.outputs}:
            found = self.original.run(feeds, wanted)
        else:
            key = ("values", wanted)
            session = self._sessions.get(key, lambda: self._compile_values(wanted, shown))
            found = session.run(feeds, [shown.get(name, name) for name in wanted])
        return {name: feeds[name] if name in feeds else found[shown.get(name, name)] for name in names}

    def _dtype(self, name: str) -> str | None:
        tensor = self.model.tensor(name)
        return None if tensor is None else tensor.dtype

    def gradients(
        self,
        feeds: Feeds,
        objective: Objective,
        wrt: Sequence[str],
        keep: Sequence[str] = (),
        rules: RuleTable | None = None,
    ) -> Gradients:
        """Gradients of `objective` at the tensors `wrt`, and the values of the tensors `keep`.

        With `rules` other than `RULES` what is pulled back is no gradient, but what these rules make of it (guided
        backpropagation, relevance propagation).

        Raises:
            NotDifferentiable: an operator without a derivative lies between; names it.
            ModelError: a weight is NaN or infinite, or the model cannot be converted to opset 18.
        """
        self.model.require_finite_weights()
        self._verify_conversion(feeds)
        self._refuse_shared(feeds, wrt)
        wrt = tuple(dict.fromkeys(wrt))
        keep = tuple(name for name in dict.fromkeys(keep) if name not in feeds)
        key = ("gradient", wrt, keep, objective.forms, rules)
        session = self._sessions.get(
            key, lambda: self.session(self.gradient_graph(objective, wrt, keep, rules))
        )
        own: Array | None = None
        if self.lowered.quantised:
            # rounding may tip the balance between two classes: what the file says counts
            values = self.values(feeds, objective.tensors)
            own = objective.evaluate(values).astype(np.float32)
            known = objective.settle(values)
            # (a sequence whose first axis is no batch is settled by the graph, position by position)
            if all(a.shape == b.shape for a, b in zip(known.index, objective.index, strict=True)):
                objective = known
        rows = len(objective.index[0])
        cotangent = {f"cotangent.{SCORE}": np.ones(rows, dtype=np.float32)}
        found = session.run({**feeds, **objective.feeds(), **cotangent})
        settled = replace(
            objective,
            index=tuple(found[f"target.chosen.{term}"] for term in range(len(objective.keys))),
            sign=tuple(found[f"target.side.{term}"] for term in range(len(objective.keys))),
        )
        return Gradients(
            score=found[SCORE] if own is None else own,
            lowered_score=found[SCORE],
            gradients={name: found[f"gradient.{name}"] for name in wrt},
            tensors={name: found[name] for name in keep},
            objective=settled,
        )

    def pull_back(
        self,
        feeds: Feeds,
        cotangents: Mapping[str, Array],
        wrt: Sequence[str],
        rules: RuleTable | None = None,
    ) -> dict[str, Array]:
        """The vector-Jacobian product: the gradient at `wrt` of the sum of <cotangent, tensor>, by tensor name.

        Where `gradients` knows scores, this takes any gradient at intermediate tensors, each of its tensor's shape.
        `rules` as there.

        Raises:
            NotDifferentiable: an operator without a derivative lies between; names it.
            ModelError: a weight is NaN or infinite, or the model cannot be converted to opset 18.
        """
        self.model.require_finite_weights()
        self._verify_conversion(feeds)
        self._refuse_shared(feeds, wrt)
        tensors, wrt = tuple(cotangents), tuple(dict.fromkeys(wrt))
        key = ("pull back", tensors, wrt, rules)
        session = self._sessions.get(key, lambda: self.session(self._build_pullback(tensors, wrt, rules)))
        given = {
            f"cotangent.{name}": np.asarray(array, dtype=self._dtype(name) or array.dtype)
            for name, array in cotangents.items()
        }
        found = session.run({**feeds, **given})
        return {name: found[f"gradient.{name}"] for name in wrt}

    def _compile_values(self, names: Sequence[str], shown: Mapping[str, str]) -> Session:
        import onnx_ir as ir

        from inspector.surgery import extract

        part = extract(self.model.graph, [], list(names))
        for place, value in enumerate(list(part.graph.outputs)):
            name = shown.get(str(value.name))
            if name is not None:
                cast = ir.node("Cast", [value], {"to": int(ir.DataType.FLOAT)})
                cast.outputs[0].name = name
                part.graph.append(cast)
                part.graph.outputs[place] = cast.outputs[0]
        return self.session(part)

    def gradient_graph(
        self,
        objective: Objective,
        wrt: Sequence[str],
        keep: Sequence[str] = (),
        rules: RuleTable | None = None,
    ) -> ir.Model:
        """The graph behind `gradients`: it also takes `objective.feeds()` and `cotangent.target.score`, and returns
        `target.score`, `gradient.<wrt>` and the tensors `keep` that are not its inputs.
        """
        inputs = {tensor.name for tensor in self.model.inputs}
        keep = tuple(name for name in dict.fromkeys(keep) if name not in inputs)
        key = (tuple(wrt), keep, objective.forms, rules)

        def build() -> ir.Model:
            return self._build_gradient_graph(objective.forms, wrt, keep, rules)

        if self._stored is None or rules is not None:
            return self._graphs.get(key, build)
        stored = self._stored
        return self._graphs.get(key, lambda: stored.get(("gradient", *key), self.lowered.model, build))

    def after(self, tensor: str, targets: Sequence[str]) -> Evaluator:
        """The part of the model from `tensor` to the tensors `targets`: a model with `tensor` as its first input.

        What `targets` read besides is still computed from the inputs. Of quantised and fused operators it is the
        graph that is differentiated.

        Raises:
            LayerNotFound: there is no such tensor, or it has no value of its own.
        """
        return self._parts.get((tensor, *targets), lambda: self._cut(tensor, targets))

    def variant(self, key: str, build: Callable[[], ir.Model]) -> Evaluator:
        """Another graph on the same providers, built where there is none of this name yet."""
        from inspector.model import load

        return self._parts.get(
            ("variant", key), lambda: Evaluator(load(build()), self._providers, self._threads)
        )

    def beside(self, tensor: str) -> Evaluator:
        """The same model with a further input `reference.<tensor>`, like its input `tensor`, that nothing in it reads:
        for rules that compare two runs.
        """
        return self._parts.get(("reference", tensor), lambda: self._with_reference(tensor))

    def _with_reference(self, tensor: str) -> Evaluator:
        import onnx_ir as ir

        from inspector.model import load
        from inspector.surgery import copy, find_value

        model = copy(self.lowered.model if self.lowered.replaced else self.model.graph)
        like = find_value(model.graph, tensor)
        model.graph.inputs.append(ir.Value(name=f"reference.{tensor}", shape=like.shape, type=like.type))
        return Evaluator(load(model), self._providers, self._threads)

    def _cut(self, tensor: str, targets: Sequence[str]) -> Evaluator:
        import onnx_ir as ir

        from inspector.model import load
        from inspector.surgery import extract

        self._refuse_without_value([tensor])
        whole = self.lowered.model if self.lowered.replaced else self.model.graph
        part = extract(whole, [tensor], list(targets))
        first, inputs = part.graph.inputs[0], whole.graph.inputs
        # the batch keeps its name, by which the other inputs know it
        if first.shape is not None and len(first.shape) and inputs and inputs[0].shape is not None:
            dims = list(first.shape)
            dims[0] = dims[0] if isinstance(dims[0], int) else inputs[0].shape[0]
            first.shape = ir.Shape(dims)
        return Evaluator(load(part), self._providers, self._threads)

    def _build_pullback(
        self, tensors: Sequence[str], wrt: Sequence[str], rules: RuleTable | None
    ) -> ir.Model:
        from inspector.autodiff import RULES, add_vjp
        from inspector.surgery import reduce_to

        model = self._up_to([*tensors, *wrt])
        add_vjp(model, tensors, wrt, rules or RULES)
        reduce_to(model.graph, [f"gradient.{name}" for name in wrt])
        return model

    def _up_to(self, needed: Sequence[str]) -> ir.Model:
        """A copy of the part of the graph that is differentiated which computes `needed`."""
        from inspector.surgery import extract, fold_padding

        needed = list(dict.fromkeys(needed))
        self._refuse_without_value(needed)
        forward = extract(self.lowered.model, [tensor.name for tensor in self.model.inputs], needed)
        clear_names(forward, needed)
        fold_padding(forward)
        return forward

    def _build_gradient_graph(
        self, keys: Sequence[TermKey], wrt: Sequence[str], keep: Sequence[str], rules: RuleTable | None
    ) -> ir.Model:
        from inspector.autodiff import RULES, add_vjp
        from inspector.surgery import reduce_to

        model = self._up_to([*(key.tensor for key in keys), *wrt, *keep])
        add_objective(model.graph, keys)
        try:
            add_vjp(model, outputs=[SCORE], wrt=list(wrt), rules=rules or RULES)
        except NotDifferentiable as error:
            # the objective's own nodes at the end of the path are nothing that the reader knows
            raise NotDifferentiable(re.sub(r"( -> target\.[\w.]+)+", "", str(error))) from None
        chosen = [f"target.{part}.{term}" for term in range(len(keys)) for part in ("chosen", "side")]
        goals = [
            SCORE,
            *(f"gradient.{name}" for name in wrt),
            *chosen,
            *keep,
        ]
        # what the forward pass computed beyond these is dropped, and inputs that nothing reads with it
        reduce_to(model.graph, goals)
        return model

    def _verify_conversion(self, feeds: Feeds) -> None:
        """Compare what was made of the file with the file as loaded, once, on real input: converters make mistakes.

        What replaces quantised operators cannot give their values, so of a quantised model only the opset's conversion
        is compared.

        Raises:
            ModelError: they differ by more than 1e-4 (or 8 roundings of the narrowest type that the model computes in)
                of the output's largest magnitude.
        """
        exact = bool(self.lowered.replaced) and not self.lowered.quantised
        if self._conversion_verified or not (self.model.converted or exact):
            return
        tolerance = max(1e-4, 8 * _coarsest_rounding(self.model.graph))
        made = self.session(self.lowered.model if exact else self.model.normalised).run(feeds)
        for name, expected in self.original.run(feeds).items():
            # neither sequences nor what is no number tell anything
            if not isinstance(expected, np.ndarray) or expected.dtype.kind != "f":
                continue
            largest = float(np.abs(expected).max(initial=0.0))
            difference = float(np.abs(expected - made[name]).max(initial=0.0))
            if difference > tolerance * largest:
                done = [f"converting this model from opset {self.model.opset}"] * self.model.converted
                done += [f"replacing {', '.join(self.lowered.replaced)}"] * exact
                raise ModelError(
                    f"{' and '.join(done)} changes its output '{name}' by {difference:.2g}: its gradients would be "
                    "another model's; export it again at opset 18 or newer, without optimising it"
                )
        self._conversion_verified = True

    def _refuse_shared(self, feeds: Feeds, wrt: Sequence[str]) -> None:
        """A file with a fixed batch is run in slices, the last filled up: what all samples share has no gradient so.

        Raises:
            InputError: one of `wrt` is an input without a batch axis.
        """
        fixed = self.model.fixed_batch
        shared = [name for name in wrt if name in feeds and name not in self.model.batched_inputs]
        if shared and fixed is not None and batch_size(feeds) != fixed:
            raise InputError(
                f"the gradient at '{shared[0]}', which all samples share, can only be taken of as many samples as the "
                f"file takes at once ({fixed})"
            )

    def _refuse_without_value(self, names: Sequence[str]) -> None:
        """Say why, where a name stands for something without one value per run.

        Raises:
            LayerNotFound: a tensor inside a loop, a sequence, ...
        """
        reasons = {layer.name: layer.reason for layer in self.model.layers if layer.reason is not None}
        for name in names:
            if name in reasons:
                raise LayerNotFound(f"no gradient can be taken at '{name}': it is {reasons[name]}")


def _coarsest_rounding(model: ir.Model) -> float:
    """The largest relative rounding error of the float types that a model computes in; 0 where none is known."""
    names = {output.dtype.name for node in model.graph for output in node.outputs if output.dtype is not None}
    return max((eps for name, eps in _ROUNDING.items() if name in names), default=0.0)
