"""Everything that the report shows of one run, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, ModelError
from inspector.report.runs import Run
from inspector.report.study import (
    Filters,
    Heat,
    LayerMaps,
    Progress,
    first_convolution,
    study_filters,
    study_heat,
    study_layers,
)
from inspector.report.targets import REFERENCE_CLASS, class_target, class_words, own_target, short_words

if TYPE_CHECKING:
    pass

__all__ = ["Options", "RunStudy", "gather_run", "rgb_images"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Options:
    """How much is computed: filters shown, steps of gradient ascent and its seed, whether gradients are checked."""

    filters: int = 25
    steps: int = 30
    seed: int = 0
    check: bool = True
    every_layer: bool = True
    providers: str | Sequence[str] | None = None
    threads: int | None = None


@dataclass(frozen=True)
class RunStudy:
    """One run, looked into.

    ``photos`` (n, H, W, 3) uint8; ``reference`` (layer name to one heatmap per image) with respect to the source
    report's class, or, of a data set that it does not know, each image's own; ``own`` with respect to each image's
    own class, at ``main_layer``, the first convolution as in the source report; ``last_layer`` is the last feature
    map before the score. ``probe_maps`` (layer name to (M, C, H, W)) and ``probe_heat`` (main and last layer to
    (M, H, W)) belong to the probe images.
    """

    run: Run
    photos: Array = field(repr=False)
    captions: tuple[str, ...]
    layers: tuple[LayerMaps, ...]
    filters: Filters
    reference_number: int | None
    reference_words: str
    reference_target: str
    main_layer: str
    last_layer: str
    reference: dict[str, tuple[Heat, ...]]
    own: tuple[Heat, ...]
    probe_maps: dict[str, Array] = field(repr=False)
    probe_heat: dict[str, Array] = field(repr=False)

    @property
    def heats(self) -> list[Heat]:
        """Every heatmap of this run."""
        return [*(heat for heats in self.reference.values() for heat in heats), *self.own]


def gather_run(run: Run, options: Options, progress: Progress) -> RunStudy:
    """Look into one run's model. Raises InspectorError where the model does not go with the run."""
    from inspector.images import preprocessing_for
    from inspector.lens import Inspector

    lens = Inspector(run.onnx, providers=options.providers, threads=options.threads)
    preprocessing = preprocessing_for(lens.inputs[0], lens.metadata)

    def tensor(images: Array) -> Array:
        return np.concatenate([preprocessing.apply(image)[0] for image in rgb_images(images)])

    x, probes = tensor(run.images), tensor(run.probe_images)
    names = run.class_names
    captions = tuple(names[label] for label in run.labels)

    progress("activations")
    layers = study_layers(lens, x, run.taps)
    probe_maps = {layer.name: layer.maps for layer in study_layers(lens, probes, run.taps)}

    progress("filters")
    convolution = first_convolution(lens)
    if convolution is None:
        raise ModelError(f"{run.onnx} has no convolution, so there are no filters to show")
    filters = study_filters(lens, convolution, options.filters, options.steps, options.seed)

    number = REFERENCE_CLASS.get(run.dataset)
    outputs = run.output_labels
    own = [own_target(outputs, int(label)) for label in run.labels]
    if number is None:
        targets: list[Any] = [target for target, _ in own]
        words = "each image's own class"
        probe_targets: Any = [own_target(outputs, int(label))[0] for label in run.probe_labels]
    else:
        targets, words = [class_target(outputs, number)] * len(x), class_words(outputs, number)
        probe_targets = targets[0]
    progress("heatmaps" + (" and their checks" if options.check else ""))
    samples = [x[index : index + 1] for index in range(len(x))]
    same_words = [words if number is None else short_words(number)] * len(x)

    def heat(given: Sequence[Any], words_of: Sequence[str], layer: str) -> tuple[Heat, ...]:
        return tuple(study_heat(lens, samples, given, words_of, layer=layer, check=options.check))

    main = next((tap for tap, kind in run.taps.items() if kind.startswith("Convolution")), convolution.name)
    last = lens.default_layer(targets[0]).name
    layers_of_heat = dict.fromkeys([main, last, *run.taps] if options.every_layer else [main, last])
    probe_heat = {
        layer: np.asarray(lens.explain(probes, "gradcam", probe_targets, layer).heatmap, np.float64)
        for layer in dict.fromkeys([main, last])
    }
    return RunStudy(
        run=run,
        photos=rgb_images(run.images),
        captions=captions,
        layers=tuple(layers),
        filters=filters,
        reference_number=number,
        reference_words=words,
        reference_target=str(targets[0]) if number is not None else "",
        main_layer=main,
        last_layer=last,
        reference={layer: heat(targets, same_words, layer) for layer in layers_of_heat},
        own=heat([target for target, _ in own], [text for _, text in own], main),
        probe_maps=probe_maps,
        probe_heat=probe_heat,
    )


def rgb_images(images: Array) -> Array:
    """uint8 (n, H, W, 1 or 3) as (n, H, W, 3). Raises InputError for another shape or type."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
        raise InputError(f"expected images uint8 (n, H, W, 1 or 3), got {images.dtype} {images.shape}")
    return images if images.shape[-1] == 3 else np.repeat(images, 3, axis=-1)
