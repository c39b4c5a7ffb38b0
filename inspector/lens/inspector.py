"""`Inspector`: one model, looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.check import GradientCheck
from inspector.errors import TargetError
from inspector.explain import (
    BATCH,
    Explanation,
    Merge,
    Subject,
    check_gradient,
    collect_activations,
)
from inspector.explain import explain as explain_subject
from inspector.features import Crop, maximize, read_kernels, top_crops
from inspector.lens.asked import Asked
from inspector.lens.opened import LayerSpec, Opened, Score
from inspector.model import Layer
from inspector.objectives import (
    AnyTargets,
    Entry,
    Objective,
    OneTarget,
    blaming_the_file,
    find_entry,
)
from inspector.session import Array, Feeds, batch_size, check_feeds

if TYPE_CHECKING:
    import os

    from inspector.embed import Embedded

__all__ = ["Inputs", "Inspector"]

Inputs = ArrayLike | Mapping[str, ArrayLike]


class Inspector(Opened):
    """Activations, filters, gradients and heatmaps of one ONNX model.

    Args:
        model: path | bytes | onnx.ModelProto | onnx_ir.Model.
        providers: names of onnxruntime execution providers, in order of preference ("cpu", "cuda", ...); None: CUDA
            where a driver and the provider are there, else CPU.
        threads: for onnxruntime's operators; None: its default.
        labels: class names of the default output, or of several outputs by name, in place of those in the metadata.
        cache: a folder to keep built gradient graphs in, for other processes; True: the user's cache folder
            (`onnxlens/graphs` in XDG_CACHE_HOME, which is `~/.cache` unless set); None: as the environment variable
            ONNXLENS_CACHE says (a folder, or 1), else none.

    Raises:
        ModelNotFound: there is no file at the path.
        ModelError: it is no ONNX model that can be read.
    """

    def run(self, x: Inputs) -> dict[str, Array]:
        """The model's outputs by name.

        Raises:
            InputError: `x` does not fit the model's inputs.
        """
        return self.evaluator.original.run(self._feeds(x))

    def activations(
        self, x: Inputs, layers: LayerSpec | Iterable[LayerSpec] | None = None
    ) -> dict[str, Array]:
        """Tensors by name, in the order of the graph.

        Args:
            x: an array, or one per input name.
            layers: which; None: every result of all that `layers()` lists, taken in groups within a memory bound.

        Raises:
            InputError: `x` does not fit the model's inputs.
            LayerNotFound: there is no such layer.
        """
        chosen = self.results() if layers is None else self.resolve_layers(layers)
        feeds = self._feeds(x)
        with blaming_the_file(self.evaluator, feeds):
            return collect_activations(self.evaluator, feeds, chosen)

    def kernels(self, layer: LayerSpec) -> Array:
        """The weights of a layer: of a convolution (out, in/groups, kh, kw), or with one or three spatial axes.

        Of a Gemm or MatMul (out, in). Those of a ConvTranspose, which are stored as (in, out/groups, kh, kw), are
        returned as stored; quantised ones are de-quantised: see `inspector.features.read_kernels`.

        Raises:
            LayerNotFound: the layer has no weights, or they depend on the input.
        """
        with blaming_the_file(self.evaluator):
            return read_kernels(self.evaluator, self.resolve_layer(layer))

    def maximize(
        self,
        layer: LayerSpec,
        channels: Sequence[int] | None = None,
        steps: int = 30,
        seed: int = 0,
        **options: Any,
    ) -> NDArray[np.float32]:
        """Images (n, C, H, W) that excite channels of a layer most: see `inspector.features.maximize`.

        Args:
            layer: a feature map, or logits, whose channels are classes.
            channels: their numbers; None: all.
            steps: of gradient ascent.
            seed: of the noise that it starts from.
            options: `parametrisation="fourier"`, `neuron`, `direction`, `transforms`, `tv`, `diversity`, ...
        """
        with blaming_the_file(self.evaluator):
            image = find_entry(self.evaluator, pictures_first=True).input
            return maximize(
                self.evaluator, image, self.resolve_layer(layer), channels, steps, seed, **options
            )

    @overload
    def top_crops(
        self, layer: LayerSpec, channel: int, images: Array | Iterable[Array], count: int = 9, **options: Any
    ) -> list[Crop]: ...

    @overload
    def top_crops(
        self,
        layer: LayerSpec,
        channel: Sequence[int],
        images: Array | Iterable[Array],
        count: int = 9,
        **options: Any,
    ) -> list[list[Crop]]: ...

    def top_crops(
        self,
        layer: LayerSpec,
        channel: int | Sequence[int],
        images: Array | Iterable[Array],
        count: int = 9,
        **options: Any,
    ) -> list[Crop] | list[list[Crop]]:
        """The parts of images that a channel answers to most, strongest first; of several channels a list each.

        Args:
            layer: whose channels.
            channel: its number, or several: all take one pass over the images.
            images: an array (N, ...), or any number of them one after the other, each with a batch axis.
            count: how many.
            options: `batch`, `progress` of `inspector.features.top_crops`, which says more.
        """
        entry = find_entry(self.evaluator, pictures_first=True)
        chosen = [channel] if isinstance(channel, int) else list(channel)
        arrays = [images] if isinstance(images, np.ndarray) else images
        checked = (check_feeds(self.model.inputs, each)[entry.input.name] for each in arrays)
        found = top_crops(self.evaluator, entry, self.resolve_layer(layer), chosen, checked, count, **options)
        return found[0] if isinstance(channel, int) else found

    @overload
    def gradient(
        self, x: Inputs, target: AnyTargets = None, wrt: str | None = None, score: Score = "logit"
    ) -> Array: ...

    @overload
    def gradient(
        self, x: Inputs, target: AnyTargets, wrt: list[str] | tuple[str, ...], score: Score = "logit"
    ) -> dict[str, Array]: ...

    @overload
    def gradient(
        self,
        x: Inputs,
        target: AnyTargets = None,
        *,
        wrt: list[str] | tuple[str, ...],
        score: Score = "logit",
    ) -> dict[str, Array]: ...

    def gradient(
        self,
        x: Inputs,
        target: AnyTargets = None,
        wrt: str | list[str] | tuple[str, ...] | None = None,
        score: Score = "logit",
    ) -> Array | dict[str, Array]:
        """The gradient of each sample's score, of the same shape as `wrt`.

        Args:
            x: an array, or one per input name.
            target: what is differentiated; a sequence: one per sample; None: each one's top class.
            wrt: a tensor's name, or whatever else names a layer; several: a dict by tensor name is returned; None: the
                first floating-point input, else the first floating-point tensor after an integer input.
            score: "logit" steps back through a final Softmax, LogSoftmax or Sigmoid to its input; "output" does not.

        Raises:
            InputError, TargetError, LayerNotFound: an argument does not fit the model.
            NotDifferentiable: an operator without a derivative lies between; names it.
        """
        feeds = self._feeds(x)
        with blaming_the_file(self.evaluator, feeds):
            objective = self._objective(feeds, target, score)
            names = [
                self._tensor(each, objective)
                for each in ([wrt] if wrt is None or isinstance(wrt, str) else wrt)
            ]
            gradients = self.evaluator.gradients(feeds, objective, names).gradients
        return gradients[names[0]] if wrt is None or isinstance(wrt, str) else gradients

    def explain(
        self,
        x: Inputs,
        method: str | None = None,
        target: AnyTargets = None,
        layer: LayerSpec | Sequence[LayerSpec] | None = None,
        score: Score = "logit",
        check: bool = False,
        tokens: str | None = None,
        merge: Merge = "mean",
        batch: int = BATCH,
        progress: Callable[[int, int], None] | None = None,
        **options: Any,
    ) -> Explanation:
        """A heatmap over the input of the evidence for `target`.

        Args:
            x: an array, or one per input name.
            method: a key of `inspector.explain.METHODS`; None: gradcam where there is a spatial feature map, else
                saliency.
            target: what is explained; a sequence: one per sample; None: each one's top class.
            layer: for methods at a layer; None: the last spatial feature map on the way to the target; several: their
                maps are merged.
            score: as for `gradient`.
            check: compare the gradient that the map rests on with finite differences of the file.
            tokens: how a layer's token sequence is folded to a map, where the graph does not tell: "1+14x14" leaves out
                one token and folds the rest to 14 x 14, "14x14+100" leaves out the last hundred.
            merge: of several layers' maps: "mean", "max" or "product".
            batch: how many changed copies of a sample are run at once, by methods that run many.
            progress: called with (done, in all) by methods that run many.
            options: of the method; `METHODS[method].options` are its names and defaults.

        Raises:
            InputError, TargetError, LayerNotFound: an argument does not fit the model.
            NotDifferentiable: an operator without a derivative lies between; names it.
        """
        feeds = self._feeds(x)
        named = [] if layer is None else [layer] if isinstance(layer, str | int | Layer) else list(layer)
        places = [self.resolve_layer(each) for each in named]
        with blaming_the_file(self.evaluator, feeds):
            subject, entry = self._subject(feeds, target, score, batch, progress)
            return explain_subject(subject, entry, method, places, check, tokens, merge, **options)

    def subject(
        self,
        x: Inputs,
        target: AnyTargets = None,
        score: Score = "logit",
        batch: int = BATCH,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Subject, Entry]:
        """What is asked of `x`, as a function of the input that heatmaps lie over, and where its gradient is taken.

        Arguments and errors are those of `explain`.
        """
        return self._subject(self._feeds(x), target, score, batch, progress)

    def _subject(
        self,
        feeds: Feeds,
        target: AnyTargets,
        score: Score,
        batch: int,
        progress: Callable[[int, int], None] | None,
    ) -> tuple[Subject, Entry]:
        objective = self._objective(feeds, target, score)
        entry = find_entry(self.evaluator, objective.tensors, pictures_first=True)
        return Subject(self.evaluator, feeds, objective, entry.input.name, batch, progress), entry

    def explain_each(
        self, x: Inputs, targets: Sequence[Sequence[OneTarget]], **options: Any
    ) -> list[list[Explanation]]:
        """Several targets for each sample: a list of explanations, of one sample each, per sample.

        Args:
            x: an array, or one per input name.
            targets: a list of targets per sample.
            options: of `explain`.

        Raises:
            TargetError: not as many lists as samples, or no target at all.
            InputError, LayerNotFound, NotDifferentiable: as for `explain`.
        """
        feeds = self._feeds(x)
        samples = batch_size(feeds)
        rows = [row for row, several in enumerate(targets) for _ in several]
        if len(targets) != samples or not rows:
            raise TargetError(
                f"{len(targets)} lists of targets for {samples} samples: give one for each, not empty"
            )
        batched = self.model.batched_inputs
        repeated = {name: array[rows] if name in batched else array for name, array in feeds.items()}
        found = self.explain(repeated, target=[one for several in targets for one in several], **options)
        single = iter(found.take([place]) for place in range(len(rows)))
        return [[next(single) for _ in several] for several in targets]

    def embed(
        self,
        path: str | os.PathLike[str],
        method: str = "gradcam",
        layer: LayerSpec | None = None,
        class_input: bool = False,
        target: AnyTargets = None,
        score: Score = "logit",
        tokens: str | None = None,
        x: Inputs | None = None,
    ) -> Embedded:
        """Write one ONNX file with this model's inputs and outputs, and the heatmap of what it answers beside them.

        The further output `heatmap` is float32, of the input's spatial shape: what `explain` gives, scaled alike. The
        file runs wherever onnxruntime does, with no Python of ours.

        Args:
            path: of the file.
            method: one that is a formula of one gradient: see `inspector.embed.embeddable`.
            layer: as for `explain`, one.
            class_input: add a required int64 input `class`, (N,): the class to explain, or -1 for the top class.
            target: what is explained, the same for every input; None: each one's top class.
            score, tokens: as for `explain`.
            x: an input to try the file on before it is written; None: noise.

        Raises:
            InspectorError: no file can hold the method; lists those that it can.
            TargetError, LayerNotFound, NotDifferentiable, ModelError: see `inspector.embed.embed`.
            OutputError: the file cannot be written.
        """
        from inspector.embed import embed, find_question

        objective = find_question(target, self.model, self.heads(score), score, class_input)
        entry = find_entry(self.evaluator, objective.tensors, pictures_first=True)
        place = None if layer is None else self.resolve_layer(layer)
        feeds = None if x is None else self._feeds(x)
        return embed(self.evaluator, objective, entry, path, method, place, class_input, tokens, feeds)

    def check(
        self,
        x: Inputs,
        target: AnyTargets = None,
        wrt: str | None = None,
        score: Score = "logit",
        **options: Any,
    ) -> GradientCheck:
        """Check the gradient against central differences of the file as it was loaded: see `inspector.check`.

        Args:
            x, target, score: as for `gradient`.
            wrt: as for `gradient`.
            options: `directions`, `elements`, `seed`, `precision` of `inspector.check.check_problem`.
        """
        feeds = self._feeds(x)
        with blaming_the_file(self.evaluator, feeds):
            objective = self._objective(feeds, target, score)
            return check_gradient(self.evaluator, feeds, objective, self._tensor(wrt, objective), **options)

    def _feeds(self, x: Inputs) -> Feeds:
        return check_feeds(self.model.inputs, x)

    def _objective(self, feeds: Feeds, target: AnyTargets, score: Score) -> Objective:
        return self._asked.objective(self, feeds, target, score)

    @cached_property
    def _asked(self) -> Asked:
        return Asked()

    def _tensor(self, wrt: str | None, objective: Objective) -> str:
        if wrt is None:
            return find_entry(self.evaluator, objective.tensors).tensor
        if wrt in {tensor.name for tensor in self.model.inputs}:
            return wrt
        return self.resolve_layer(wrt).name
