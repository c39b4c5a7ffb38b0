"""Methods x samples x metrics: the loop, which goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector._version import __version__
from inspector.explain import BATCH, Explanation, find_method
from inspector.explain import explain as explain_subject
from inspector.explain.subject import Subject
from inspector.lens import Inputs, Inspector, LayerSpec, Score
from inspector.model import Layer
from inspector.objectives import AnyTarget
from inspector.quality.available import available
from inspector.quality.confidence import class_of, confidence_of
from inspector.quality.controls import CONTROLS
from inspector.quality.digest import of_arrays, of_model, of_options
from inspector.quality.evaluation import Evaluation
from inspector.quality.metric import Better, Curve, Metric
from inspector.quality.metrics import find_metric
from inspector.quality.randomisation import scaled
from inspector.quality.redraw import Redrawing
from inspector.quality.store import Result, Store
from inspector.quality.trial import Question, Trial

if TYPE_CHECKING:
    from inspector.objectives import Entry

__all__ = ["Progress", "Sample", "evaluate"]

Progress = Callable[[int, int, str], None]
Options = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Sample:
    """One input to explain.

    Attributes:
        name: for people.
        x: an array with a batch of one, or one per input name.
        target: as for `Inspector.explain`; None: its top class.
        inside: of its spatial shape, where the object lies; None: that is not known.
    """

    name: str
    x: Inputs
    target: int | str | AnyTarget | None = None
    inside: NDArray[np.bool_] | None = None


def evaluate(
    lens: Inspector,
    samples: Iterable[Sample],
    methods: Sequence[str],
    metrics: Sequence[str] | None = None,
    *,
    options: Options | None = None,
    settings: Options | None = None,
    layer: LayerSpec | Sequence[LayerSpec] | None = None,
    score: Score = "logit",
    random_labels: Inspector | None = None,
    folder: str | PathLike[str] | None = None,
    seed: int = 0,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge `methods` by `metrics` on `samples`.

    Args:
        lens: the model.
        samples: what is explained.
        methods: keys of `inspector.explain.METHODS`, or of `CONTROLS`: "random" and "centre" are maps that do not
            look at the model, to compare with.
        metrics: keys of `METRICS`; None: all that can be measured with what is given.
        options: of methods, by method.
        settings: of metrics, by metric.
        layer, score: as for `Inspector.explain`.
        random_labels: the same architecture, trained on permuted labels, for "label-randomisation".
        folder: where results are kept, one file per sample and method: a second call measures only what is missing, or
            what has another model, sample, option or version.
        seed: of everything random.
        batch: how many changed copies of a sample are run at once.
        progress: called with (maps done, maps in all, what begins now).

    Raises:
        InspectorError: there is no such method, metric or option, or a metric lacks what it needs.
        InputError, TargetError, LayerNotFound, NotDifferentiable: as for `Inspector.explain`.
        OutputError: `folder` cannot be written to.
    """
    every = list(samples)
    named = [] if layer is None else [layer] if isinstance(layer, str | int | Layer) else list(layer)
    work = _Work(
        lens=lens, samples=every, score=score, seed=seed, batch=batch, other=random_labels,
        layers=[lens.resolve_layer(each) for each in named],
        methods={name: dict((options or {}).get(name, {})) for name in dict.fromkeys(methods)},
        redrawing=Redrawing(lens.evaluator, seed), settings=settings or {},
    )  # fmt: skip
    work.require(options or {}, metrics)
    first = work.question(0)
    asked, notes = available(first, metrics, any(each.inside is not None for each in every), work.redrawing,
                             random_labels is not None)  # fmt: skip
    chosen = {name: find_metric(name) for name in asked}
    store = Store(None if folder is None else Path(folder))
    known = of_model(lens.model)
    others = "" if random_labels is None else of_model(random_labels.model)
    results: dict[tuple[str, int], Result] = {}
    targets: list[str] = []
    for number, sample in enumerate(every):
        question = work.question(number) if number else first
        targets += question.subject.settled.describe()
        for name in work.methods:
            if progress is not None:
                progress(len(results), len(every) * len(work.methods), f"{sample.name}, {name}")
            result = store.load(number, sample.name, name)
            digests = {
                metric: work.digest(known, others, question, name, metric, chosen[metric])
                for metric in chosen
            }
            missing = [metric for metric in chosen if result.digests.get(metric) != digests[metric]]
            if missing:
                trial, result.notes = work.trial(number, question, name)
                for metric in missing:
                    measured = chosen[metric].of(trial, work.settings.get(metric, {}))
                    result.add(metric, digests[metric], measured)
                    store.save(number, sample.name, name, result)
            results[name, number] = result
    return _summary(work, chosen, results, targets, notes)


@dataclass(frozen=True)
class _Work:
    """What all maps of an evaluation have in common."""

    lens: Inspector
    samples: Sequence[Sample]
    score: Score
    seed: int
    batch: int
    other: Inspector | None
    layers: Sequence[Layer]
    methods: Mapping[str, Mapping[str, Any]]
    redrawing: Redrawing
    settings: Options

    def require(self, options: Options, metrics: Sequence[str] | None) -> None:
        """Raise InspectorError where a name or option means nothing."""
        from inspector.errors import InspectorError

        if not self.samples or not self.methods:
            raise InspectorError("there is nothing to evaluate: give at least one sample and one method")
        for name, given in {**{each: {} for each in self.methods}, **options}.items():
            if name in CONTROLS and given:
                raise InspectorError(f"the map '{name}' takes no options")
            if name not in CONTROLS:
                find_method(name).require(name, given)
        for name in metrics or ():
            find_metric(name)
        for name, given in self.settings.items():
            find_metric(name).require(name, given)

    def question(self, number: int) -> Question:
        """What is asked of a sample."""
        sample = self.samples[number]
        subject, entry = self.lens.subject(sample.x, sample.target, self.score, self.batch)
        confidence = confidence_of(subject, self.lens, sample.target, self.score)
        return Question(subject, entry, confidence, sample.inside, seed=self.seed * 100_003 + number)

    def trial(self, number: int, question: Question, name: str) -> tuple[Trial, tuple[str, ...]]:
        """The map of a sample by the method `name`, and what is said about it."""
        again = self._control(name, question) if name in CONTROLS else self._method(name, question.entry)
        made = again(question.subject)
        raw = np.asarray(made.raw[0], dtype=np.float64)

        def otherwise() -> NDArray[np.floating]:
            assert self.other is not None
            found: NDArray[np.floating] = self._of_random_labels(self.samples[number], question, name).raw[0]
            return found

        return (
            Trial(
                question, scaled(raw), raw, lambda subject: again(subject).raw, self.redrawing,
                None if self.other is None else otherwise,
            ),
            tuple(note.removeprefix("image 1: ") for note in made.notes),
        )  # fmt: skip

    def _method(self, name: str, entry: Entry) -> Callable[[Subject], Explanation]:
        options = self.methods[name]
        return lambda subject: explain_subject(subject, entry, name, self.layers, **options)

    def _control(self, name: str, question: Question) -> Callable[[Subject], Explanation]:
        map_ = CONTROLS[name](question.sides, question.seed)

        def drawn(subject: Subject) -> Explanation:
            maps = np.repeat(map_[None].astype(np.float32), len(subject.x), axis=0)
            return Explanation(maps, maps, maps, (), subject.score.astype(np.float32), None, name)

        return drawn

    def _of_random_labels(self, sample: Sample, question: Question, name: str) -> Explanation:
        assert self.other is not None
        target = class_of(question.subject) if sample.target is None else sample.target
        subject, entry = self.other.subject(sample.x, target, self.score, self.batch)
        if name in CONTROLS:
            return self._control(name, question)(subject)
        layers = [self.other.resolve_layer(each.name) for each in self.layers]
        return explain_subject(subject, entry, name, layers, **self.methods[name])

    def digest(
        self, model: str, other: str, question: Question, method: str, metric: str, kind: Metric
    ) -> str:
        """What the result of a metric depends on."""
        inside = {} if question.inside is None else {"inside": question.inside}
        return of_options(
            version=__version__,
            model=model,
            sample=of_arrays({**question.subject.feeds, **inside}),
            target=question.subject.settled.describe(),
            score=self.score,
            method=method,
            options={**_defaults(method), **self.methods[method]},
            layers=[each.name for each in self.layers],
            metric=metric,
            settings={**kind.options, **self.settings.get(metric, {})},
            other=other if "random-labels" in kind.needs else "",
            seed=question.seed,
        )


def _defaults(method: str) -> Mapping[str, Any]:
    return {} if method in CONTROLS else find_method(method).options


def _summary(
    work: _Work,
    chosen: Mapping[str, Metric],
    results: Mapping[tuple[str, int], Result],
    targets: Sequence[str],
    notes: Sequence[str],
) -> Evaluation:
    columns: dict[str, Better] = {
        column: better for metric in chosen.values() for column, better in metric.columns.items()
    }
    numbers = range(len(work.samples))
    values, curves, said = {}, {}, list(notes)
    for name in work.methods:
        of_each = [results[name, number] for number in numbers]
        values[name] = {
            column: np.array([each.measured[metric].values[column] for each in of_each])
            for metric, kind in chosen.items()
            for column in kind.columns
        }
        curves[name] = _mean_curves([each.measured[metric].curves for metric in chosen for each in of_each])
        for number, each in zip(numbers, of_each, strict=True):
            said += [f"{work.samples[number].name}, {name}: {note}" for note in each.notes if "zero" in note]
    return Evaluation(
        samples=tuple(sample.name for sample in work.samples),
        targets=tuple(targets),
        columns=columns,
        values=values,
        curves=curves,
        options={
            **{name: {**_defaults(name), **given} for name, given in work.methods.items()},
            **{name: {**kind.options, **work.settings.get(name, {})} for name, kind in chosen.items()},
        },
        notes=tuple(said),
        seed=work.seed,
    )


def _mean_curves(each: Sequence[Mapping[str, Curve]]) -> dict[str, Curve]:
    """The mean of the curves of each name; those of maps without any are left out."""
    together: dict[str, list[Curve]] = {}
    for curves in each:
        for name, curve in curves.items():
            together.setdefault(name, []).append(curve)
    return {
        name: (found[0][0], np.mean([heights for _, heights in found], axis=0))
        for name, found in together.items()
    }
